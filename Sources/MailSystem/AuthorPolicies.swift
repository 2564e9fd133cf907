import ACL
import Bytes
import Configuration
import DMARCReports
import DNS
import Lookups
import PolicyChecks
import Transports

/// DMARC for ACLs: the list of public suffixes is read when it is first needed, and again when its file has changed.
final class AuthorPolicies: AuthorPolicyService {
    private let resolver: any NameResolver
    private let suffixes: WatchedFile<PublicSuffixes>
    private let historyFile: ByteString?
    private let reporter: ByteString

    /// nil without `dmarc_tld_file`, which turns DMARC off.
    init?(_ main: OptionBlock, resolver: any NameResolver, reporter: ByteString, keepsHistory: Bool) {
        guard let file = main.text("dmarc_tld_file"), !file.isEmpty else { return nil }
        suffixes = WatchedFile(file, purpose: "dmarc_tld_file") { PublicSuffixes($0) }
        historyFile = !keepsHistory ? nil : main.text("dmarc_history_file").flatMap { $0.isEmpty ? nil : $0 }
        self.resolver = resolver
        self.reporter = reporter
    }

    func check(_ question: DMARCQuestion) async -> DMARCVerdict {
        // The first who asks reads and sorts a large file: not on a thread that serves sessions.
        let list = await Offload.run { [suffixes] in
            Result { () throws(LookupTrouble) in try suffixes.value() }
        }
        switch list {
        case .success(let list): return await DMARCChecker(resolver, list).check(question)
        case .failure(let trouble): return DMARCVerdict(.temperror, problem: trouble.text)
        }
    }

    func record(_ entry: DMARCEntry) async -> ByteString? {
        guard let historyFile, let record = HistoryRecord(entry, reporter: reporter) else { return nil }
        return await Offload.run {
            do throws(DMARCError) { try HistoryAppender.append(record, to: historyFile) } catch {
                return ByteString(error.description)
            }
            return nil
        }
    }
}

extension HistoryRecord {
    /// A message's record, as OpenDMARC's importers read it; nil where the domain has published nothing.
    fileprivate init?(_ entry: DMARCEntry, reporter: ByteString) {
        let verdict = entry.verdict
        guard let published = verdict.record, let (outcome, action) = Self.judgement(verdict.result) else {
            return nil
        }
        self.init(
            job: entry.id, reporter: reporter, received: entry.received, address: entry.client,
            from: verdict.fromDomain, outcome: outcome, action: action)
        envelopeDomain = entry.envelopeDomain.lowercasedASCII()
        spf = entry.spf.map { Self.spfResults[$0] ?? .unknown }
        signatures = entry.signatures.map { signature in
            HistorySignature(
                domain: signature.domain.lowercasedASCII(), selector: signature.selector,
                result: Self.signatureResults[signature.status] ?? .unknown)
        }
        policyDomain = verdict.usedDomain
        self.published = PublishedPolicy(published)
        alignedDKIM = verdict.isAlignedDKIM ? .pass : .fail
        alignedSPF = verdict.isAlignedSPF ? .pass : .fail
    }

    private static func judgement(_ result: DMARCResult) -> (PolicyOutcome, Disposition)? {
        switch result {
        case .accept: (.pass, .accept)
        case .reject: (.reject, .reject)
        case .quarantine: (.quarantine, .quarantine)
        case .none: (.none, .accept)
        case .norecord, .nofrom, .temperror: nil
        }
    }

    private static let spfResults: [ByteString: AuthenticationResult] = [
        "pass": .pass, "fail": .fail, "softfail": .softfail, "neutral": .neutral, "none": .none,
        "temperror": .temperror, "permerror": .permerror,
    ]

    private static let signatureResults: [ByteString: AuthenticationResult] = [
        "pass": .pass, "fail": .fail, "none": .none, "invalid": .permerror,
    ]
}

extension PublishedPolicy {
    fileprivate init(_ record: DMARCRecord) {
        self.init()
        reportAddresses = record.aggregateAddresses
        percent = record.percent
        dkimMode = record.dkimAlignment == .strict ? .strict : .relaxed
        spfMode = record.spfAlignment == .strict ? .strict : .relaxed
        policy = Self.requested(record.policy)
        subdomainPolicy = record.subdomainPolicy.map(Self.requested)
    }

    private static func requested(_ policy: DMARCRecord.Policy) -> RequestedPolicy {
        switch policy {
        case .none: .none
        case .quarantine: .quarantine
        case .reject: .reject
        }
    }
}
