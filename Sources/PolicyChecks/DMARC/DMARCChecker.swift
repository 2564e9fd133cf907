package import Bytes
package import DNS

/// Asks the domains of authors what to do with mail in their name (RFC 7489).
package struct DMARCChecker: Sendable {
    private let resolver: any NameResolver
    private let suffixes: PublicSuffixes

    /// The most domains in From: that are asked for; a message with more of them is refused (RFC 7489, section 6.6.1).
    package static let mostAuthors = 10

    /// Makes a checker.
    package init(_ resolver: any NameResolver, _ suffixes: PublicSuffixes) {
        self.resolver = resolver
        self.suffixes = suffixes
    }

    /// Checks a message; of several authors' domains, the one counts that asks for the most (RFC 7489 section 6.6.1).
    package func check(_ question: DMARCQuestion) async -> DMARCVerdict {
        var verdicts: [DMARCVerdict] = []
        var seen: Set<ByteString> = []
        for domain in question.fromDomains.lazy.map(Self.name)
        where seen.insert(domain).inserted {
            guard seen.count <= Self.mostAuthors else {
                return DMARCVerdict(.reject, from: domain, problem: "From: has too many domains")
            }
            verdicts.append(domain.isEmpty ? DMARCVerdict(.nofrom) : await check(domain, question))
        }
        return verdicts.max { Self.severity($0.result) < Self.severity($1.result) } ?? DMARCVerdict(.nofrom)
    }

    /// A domain as it is asked for; empty for one that cannot be in the DNS.
    private static func name(_ domain: ByteString) -> ByteString {
        // A-labels are longer than what they stand for: only what is far too long is not even folded.
        guard domain.count <= 4 * PublicSuffixes.longestName else { return "" }
        let folded = PublicSuffixes.folded(domain)
        return folded.count > PublicSuffixes.longestName - label.count ? "" : folded
    }

    /// Where records stand, below a domain (RFC 7489, section 6.1).
    private static let label = ByteString("_dmarc.")

    private static func severity(_ result: DMARCResult) -> Int {
        switch result {
        case .accept: 0
        case .norecord: 1
        case .none: 2
        case .nofrom: 3
        case .temperror: 4
        case .quarantine: 5
        case .reject: 6
        }
    }

    /// Checks one author's domain.
    private func check(_ domain: ByteString, _ question: DMARCQuestion) async -> DMARCVerdict {
        let found: Discovery
        do throws(Trouble) { found = try await discover(domain) } catch {
            return DMARCVerdict(.temperror, from: domain, problem: error.why)
        }
        guard let record = found.record else { return DMARCVerdict(.norecord, from: domain) }
        let spf = question.spfDomain.map { areAligned($0, domain, record.spfAlignment) } ?? false
        let dkim = question.signingDomains.contains { areAligned($0, domain, record.dkimAlignment) }
        let wanted = result(record, isInherited: found.domain != domain)
        var verdict = DMARCVerdict(spf || dkim ? .accept : wanted, from: domain)
        if !spf, !dkim, wanted != .none, isUndecided(question, domain, record) {
            verdict = DMARCVerdict(
                .temperror, from: domain, problem: "who would vouch for it could not be asked")
        }
        verdict.usedDomain = found.domain
        verdict.record = record
        verdict.isAlignedSPF = spf
        verdict.isAlignedDKIM = dkim
        return verdict
    }

    /// Whether a check that the DNS left open might have vouched for the author.
    private func isUndecided(_ question: DMARCQuestion, _ domain: ByteString, _ record: DMARCRecord) -> Bool {
        question.undecidedSPF.map { areAligned($0, domain, record.spfAlignment) } ?? false
            || question.undecidedSigners.contains { areAligned($0, domain, record.dkimAlignment) }
    }

    private func result(_ record: DMARCRecord, isInherited: Bool) -> DMARCResult {
        switch isInherited ? record.subdomainPolicy ?? record.policy : record.policy {
        case .none: .none
        case .quarantine: .quarantine
        case .reject: .reject
        }
    }

    /// Whether an authenticated name speaks for an author's domain (RFC 7489 section 3.1).
    private func areAligned(_ name: ByteString, _ author: ByteString, _ alignment: DMARCRecord.Alignment)
        -> Bool
    {
        let name = PublicSuffixes.folded(name)
        if name == author { return !name.isEmpty }
        guard alignment == .relaxed, let one = suffixes.organizationalDomain(of: name) else { return false }
        return one == suffixes.organizationalDomain(of: author)
    }

    // MARK: The record

    private struct Discovery {
        var domain: ByteString
        var record: DMARCRecord?
    }

    private struct Trouble: Error {
        var why: ByteString
    }

    /// The record of a domain, or else of its organizational domain (RFC 7489 section 6.6.3).
    private func discover(_ domain: ByteString) async throws(Trouble) -> Discovery {
        var (source, texts) = (domain, try await published(domain))
        if texts.isEmpty, let organization = suffixes.organizationalDomain(of: domain), organization != domain
        {
            (source, texts) = (organization, try await published(organization))
        }
        // Several are as good as none.
        return Discovery(
            domain: source, record: texts.count == 1 ? texts.first.flatMap { DMARCRecord($0) } : nil)
    }

    private func published(_ domain: ByteString) async throws(Trouble) -> [ByteString] {
        switch await resolver.lookup(Self.label + domain, .txt).outcome {
        case .records(let records):
            return records.compactMap { record in
                guard case .text(let strings) = record.data else { return nil }
                return strings.joined(separator: "")
            }.filter(DMARCRecord.isOne)
        case .noData, .noSuchDomain: return []
        case .tryAgain(let why), .failed(let why): throw Trouble(why: why)
        }
    }
}
