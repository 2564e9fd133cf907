package import Bytes

/// Whether a domain's reports may go to an address elsewhere (RFC 7489, section 7.1).
package enum ExternalDestination {
    /// What came of asking for a name's TXT records.
    package enum Answer: Sendable, Hashable {
        /// The records, each with its strings joined; empty when there are none.
        case records([ByteString])
        /// The DNS did not answer.
        case trouble(ByteString)
    }

    /// Whether the address may get the reports.
    package enum Verdict: Sendable, Hashable {
        /// Yes; where the destination's record has a `rua=` of its own, to that.
        case allowed(instead: ReportAddress?)
        /// No; the reason is for people.
        case refused(ByteString)
        /// It cannot be told now.
        case deferred(ByteString)
    }

    /// Whether both names belong to the same organization, so that nothing need be asked.
    ///
    /// Without a list of public suffixes only equal names do.
    package static func isInternal(
        _ address: ReportAddress, of domain: ByteString, _ suffixes: PublicSuffixList?
    ) -> Bool {
        guard let suffixes else { return address.domain == domain.lowercasedASCII() }
        return suffixes.organizationalDomain(of: address.domain) == suffixes.organizationalDomain(of: domain)
    }

    /// The name to ask for TXT records: `<domain>._report._dmarc.<destination>`.
    package static func question(for address: ReportAddress, of domain: ByteString) -> ByteString {
        "\(domain)._report._dmarc.\(address.domain)"
    }

    /// What an answer means: one record that begins with `v=DMARC1` allows; its `rua=` may name another mailbox of
    /// the same host.
    package static func verdict(_ answer: Answer, for address: ReportAddress, of domain: ByteString)
        -> Verdict
    {
        switch answer {
        case .trouble(let reason):
            return .deferred("\(question(for: address, of: domain)): \(reason)")
        case .records(let records):
            guard let record = records.first(where: isAuthorization) else {
                return .refused(
                    "\(address.domain) does not ask for reports about \(domain): no TXT record at \(question(for: address, of: domain))"
                )
            }
            return .allowed(instead: override(in: record, address))
        }
    }

    private static func isAuthorization(_ record: ByteString) -> Bool {
        guard let tag = tags(of: record).first else { return false }
        return tag.name == "v" && tag.value == "DMARC1"
    }

    private static func override(in record: ByteString, _ address: ReportAddress) -> ReportAddress? {
        guard let list = tags(of: record).first(where: { $0.name == "rua" })?.value else { return nil }
        for uri in list.split(separator: UInt8(ascii: ",")) {
            guard var other = mailbox(ByteString(ByteString(uri).trimmed())), other.domain == address.domain
            else { continue }
            other.uri = address.uri
            return other
        }
        return nil
    }

    /// An override that cannot be read does not count; the published address then does.
    private static func mailbox(_ uri: ByteString) -> ReportAddress? {
        do throws(ReportAddress.Refusal) {
            return try ReportAddress(uri)
        } catch {
            return nil
        }
    }

    private static func tags(of record: ByteString) -> [(name: ByteString, value: ByteString)] {
        record.split(separator: UInt8(ascii: ";")).compactMap { piece in
            guard let parts = ByteString(piece).cut(at: UInt8(ascii: "=")) else { return nil }
            return (
                ByteString(ByteString(parts.before).trimmed()).lowercasedASCII(),
                ByteString(ByteString(parts.after).trimmed())
            )
        }
    }
}
