import Bytes
import DNS

/// One check while it runs: `check_host` of RFC 7208 chapter 4, with its limits.
struct SPFEvaluation {
    /// What a record says of the client.
    struct Finding: Hashable {
        var result: SPFResult
        var reason: SPFReason
    }

    let resolver: any NameResolver
    let question: SPFQuestion
    /// Seconds since 1970 (the macro `t`).
    let now: Int64
    /// Whether the check has lasted too long.
    let isLate: @Sendable () -> Bool

    /// Terms so far that ask the DNS.
    private var terms = 0
    /// Those that learned nothing.
    private var voids = 0
    /// The domains whose records are being looked at, each because of the one before.
    private var path: [ByteString] = []
    /// The names of the client, once they have been looked for.
    var clientNames: ClientNames?

    /// What the DNS calls the client.
    struct ClientNames {
        /// The names that lead back to it.
        var validated: [ByteString] = []
        /// Whether it has no name at all, by the DNS's word.
        var areNone = false
    }

    init(
        resolver: any NameResolver, question: SPFQuestion, now: Int64, isLate: @escaping @Sendable () -> Bool
    ) {
        self.resolver = resolver
        self.question = question
        self.now = now
        self.isLate = isLate
    }

    /// What the domain says: by the record given, or by the one that it publishes.
    mutating func check(
        _ domain: ByteString, record given: ByteString? = nil
    ) async throws(SPFTrouble) -> Finding {
        guard Self.isCheckable(domain) else { return Finding(result: .none, reason: .none) }
        var text = given
        if text == nil { text = try await publishedRecord(domain) }
        guard let text else { return Finding(result: .none, reason: .none) }
        path.append(domain.lowercasedASCII())
        defer { path.removeLast() }
        return try await evaluate(try SPFRecord(text), domain)
    }

    private mutating func evaluate(
        _ record: SPFRecord, _ domain: ByteString
    ) async throws(SPFTrouble) -> Finding {
        for directive in record.directives where try await matches(directive.mechanism, domain) {
            return Finding(result: directive.result, reason: .mechanism)
        }
        guard let redirect = record.redirect else { return Finding(result: .neutral, reason: .fallback) }
        try countTerm()
        return try await checkOther(await expand(redirect, domain).name)
    }

    /// The record of another domain, which must have one (RFC 7208 sections 5.2 and 6.1).
    mutating func checkOther(_ domain: ByteString) async throws(SPFTrouble) -> Finding {
        // The same record would come to the same place again: there is no need to count until the limit.
        guard !path.contains(domain.lowercasedASCII()) else {
            throw .permanent("include: or redirect= caused unlimited recursion")
        }
        let finding = try await check(domain)
        guard finding.result != .none else { throw .permanent("Could not find a valid SPF record") }
        return finding
    }

    /// The one record among a domain's texts (RFC 7208 section 4.5).
    private func publishedRecord(_ domain: ByteString) async throws(SPFTrouble) -> ByteString? {
        let texts = try await ask(domain, .txt).compactMap { data -> ByteString? in
            guard case .text(let strings) = data else { return nil }
            return strings.joined(separator: "")
        }
        let records = texts.filter(SPFRecord.isOne)
        guard records.count < 2 else { throw .permanent("Multiple SPF or TXT records for domain.") }
        return records.first
    }

    /// The data of the records that answer a question; empty when there are none.
    func ask(_ name: ByteString, _ type: RecordType) async throws(SPFTrouble) -> [DNSRecordData] {
        guard !isLate() else { throw .temporary("it took too long") }
        switch await resolver.lookup(name, type).outcome {
        case .records(let records): return records.map(\.data)
        case .noData, .noSuchDomain: return []
        case .tryAgain(let reason), .failed(let reason): throw .temporary(reason)
        }
    }

    /// Counts a term that asks the DNS (RFC 7208 section 4.6.4).
    mutating func countTerm() throws(SPFTrouble) {
        terms += 1
        guard terms <= Self.mostTerms else { throw .permanent("Mechanisms used too many DNS lookups") }
    }

    /// Counts a term that learned nothing of the DNS (RFC 7208 section 4.6.4).
    mutating func countVoid() throws(SPFTrouble) {
        voids += 1
        guard voids <= Self.mostVoids else { throw .permanent("Mechanisms used too many void DNS lookups") }
    }

    /// The most terms of all records that may ask the DNS.
    static let mostTerms = 10
    /// The most of them that may learn nothing.
    static let mostVoids = 2
    /// The most mail exchangers that a mechanism `mx` may have, and the most names of a client that are looked at.
    static let mostNames = 10

    /// Whether a name can have a record: two labels at least, none too long or empty (RFC 7208 section 4.3).
    private static func isCheckable(_ domain: ByteString) -> Bool {
        let bare = domain.last == UInt8(ascii: ".") ? domain.dropLast() : domain[...]
        let labels = bare.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return labels.count > 1 && isAskable(ByteString(bare)) && bare.first != UInt8(ascii: "[")
    }

    /// Whether a name fits the DNS.
    static func isAskable(_ name: ByteString) -> Bool {
        let labels = name.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return name.count <= longestName
            && labels.allSatisfy { (1...DNSName.longestLabel).contains($0.count) }
    }

    /// The most octets of a name as text.
    static let longestName = DNSName.longestOnWire - 2
}
