package import Bytes

/// What the owner of a domain asks of those who receive mail in its name (RFC 7489 section 6.3).
package struct DMARCRecord: Sendable, Hashable {
    /// What to do with mail that fails.
    package enum Policy: String, Sendable, Hashable, CaseIterable {
        case none, quarantine, reject

        /// The word.
        package var word: ByteString { ByteString(rawValue) }
    }

    /// How alike the domains must be.
    package enum Alignment: String, Sendable, Hashable, CaseIterable {
        /// They have one organizational domain.
        case relaxed
        /// They are the same.
        case strict
    }

    /// `p=`.
    package var policy: Policy
    /// `sp=`, for subdomains that have no record of their own; nil where `p=` holds for them too.
    package var subdomainPolicy: Policy?
    /// `adkim=`.
    package var dkimAlignment = Alignment.relaxed
    /// `aspf=`.
    package var spfAlignment = Alignment.relaxed
    /// `pct=`, 0 to 100; it is told to those who ask for reports, and not applied.
    package var percent = 100
    /// `rua=`: where aggregate reports go, as published (`mailto:a@x.example!10m`).
    package var aggregateAddresses: [ByteString] = []
    /// `ruf=`: where reports of single failures go, as published.
    package var failureAddresses: [ByteString] = []

    /// The most octets of a record: far more than one that is meant has.
    static let longest = 4096

    /// Whether a text record is one of DMARC: its first tag is the version, in these letters.
    static func isOne(_ text: ByteString) -> Bool {
        guard text.count <= longest, let version = Tag(text.prefix { $0 != UInt8(ascii: ";") }) else {
            return false
        }
        return version.name == "v" && version.value == "DMARC1"
    }

    /// Reads a record; nil where it asks for nothing that could be done.
    ///
    /// Tags that nobody knows and values that cannot be understood are passed over. A policy may be shortened, as
    /// libopendmarc takes it. Without a policy the record still asks for reports, if it has an address for them.
    init?(_ text: ByteString) {
        guard Self.isOne(text) else { return nil }
        policy = .none
        var hasPolicy = false
        for piece in text.split(separator: UInt8(ascii: ";")).dropFirst() {
            guard let tag = Tag(piece) else { continue }
            if tag.name == "p", let found = Self.word(tag.value, Policy.self) {
                policy = found
                hasPolicy = true
            } else {
                take(tag)
            }
        }
        let wantsReports = aggregateAddresses.contains { $0.startsIgnoringCase(with: Self.mail) }
        guard hasPolicy || wantsReports else { return nil }
    }

    private static let mail = ByteString("mailto:")

    private mutating func take(_ tag: Tag) {
        switch tag.name {
        case "sp": subdomainPolicy = Self.word(tag.value, Policy.self) ?? subdomainPolicy
        case "adkim": dkimAlignment = Self.word(tag.value, Alignment.self) ?? dkimAlignment
        case "aspf": spfAlignment = Self.word(tag.value, Alignment.self) ?? spfAlignment
        case "pct":
            if let number = tag.value.decimalInteger(), (0...100).contains(number) { percent = Int(number) }
        case "rua": aggregateAddresses = Self.addresses(tag.value)
        case "ruf": failureAddresses = Self.addresses(tag.value)
        default: break
        }
    }

    /// The word that a text begins, in any letters.
    private static func word<Word: CaseIterable & RawRepresentable<String>>(_ text: ByteString, _: Word.Type)
        -> Word?
    {
        guard !text.isEmpty else { return nil }
        return Word.allCases.first { ByteString($0.rawValue).startsIgnoringCase(with: text) }
    }

    private static func addresses(_ list: ByteString) -> [ByteString] {
        list.split(separator: UInt8(ascii: ",")).map { ByteString(ByteString($0).trimmed()) }.filter {
            !$0.isEmpty
        }
    }

    /// One `name=value`.
    private struct Tag {
        var name: ByteString
        var value: ByteString

        init?(_ text: ArraySlice<UInt8>) {
            guard let parts = ByteString(text).cut(at: UInt8(ascii: "=")) else { return nil }
            name = ByteString(ByteString(parts.before).trimmed()).lowercasedASCII()
            value = ByteString(ByteString(parts.after).trimmed())
        }
    }
}
