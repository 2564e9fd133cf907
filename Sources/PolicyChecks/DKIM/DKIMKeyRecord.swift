package import Bytes

/// A key as a domain publishes it (RFC 6376, section 3.6.1).
package struct DKIMKeyRecord: Sendable, Hashable {
    /// `p=`, decoded; empty for a key that was revoked.
    package let key: ByteString
    /// `h=`; nil for any hash.
    package let hashes: [ByteString]?
    /// `s=`; `*` when it is not given.
    package let service: ByteString
    /// `g=`; `*` when it is not given.
    package let granularity: ByteString
    /// `n=`, decoded.
    package let notes: ByteString
    /// `t=y`.
    package let isTesting: Bool
    /// `t=s`.
    package let forbidsSubdomains: Bool

    /// The longest record, in octets.
    package static let longest = 1 << 16

    /// Reads a record; nil for one that is not of this version, has no key or a tag twice, or is for something other than mail.
    package init?(_ text: ByteString) {
        let tags = DKIMTags(text)
        if let version = tags["v"], version != "DKIM1" { return nil }
        if tags.hasDuplicates { return nil }
        guard let key = tags.octets("p") else { return nil }
        let services = tags.list("s") ?? ["*"]
        guard services.contains(where: { $0 == "*" || $0 == "email" }) else { return nil }
        self.key = key
        hashes = tags.list("h")
        service = tags.solid("s") ?? "*"
        granularity = tags["g"] ?? "*"
        notes = tags.unquoted("n") ?? ""
        let flags = tags.list("t") ?? []
        isTesting = flags.contains("y")
        forbidsSubdomains = flags.contains("s")
    }

    /// The first of a name's texts that may be a key record: one of another kind says so in the beginning.
    package static func text(of candidates: [ByteString]) -> ByteString? {
        candidates.first { !$0.starts(with: "v=".utf8) || $0.startsIgnoringCase(with: "v=dkim".utf8) }
    }

    /// Whether signatures with this hash are made by the key.
    package func allows(_ hash: DKIMAlgorithm.Hash) -> Bool { hashes?.contains(hash.word) ?? true }
}
