import Bytes

/// A record that a domain publishes, understood as a whole (RFC 7208 chapters 4.6, 5 and 6).
struct SPFRecord: Hashable, Sendable {
    /// A mechanism, and what is said of a client that it matches.
    struct Directive: Hashable, Sendable {
        var result: SPFResult
        var mechanism: Mechanism
    }

    enum Mechanism: Hashable, Sendable {
        case all
        case include(SPFMacros)
        /// Addresses of a host; of the domain itself where none is named.
        case a(SPFMacros?, PrefixLengths)
        /// Addresses of mail exchangers.
        case mx(SPFMacros?, PrefixLengths)
        case ptr(SPFMacros?)
        /// `ip4` and `ip6`.
        case network(IPNetwork)
        case exists(SPFMacros)
    }

    /// How many leading bits of addresses count, for each family.
    struct PrefixLengths: Hashable, Sendable {
        var v4 = 32
        var v6 = 128
    }

    private(set) var directives: [Directive] = []
    /// Whose record decides when no mechanism matches.
    private(set) var redirect: SPFMacros?
    private var hasExplanation = false

    /// Whether a text record is one of SPF, well made or not.
    static func isOne(_ text: ByteString) -> Bool {
        text.startsIgnoringCase(with: version)
            && (text.count == version.count || text[version.count] == .blank)
    }

    /// The most octets of a record: far more than one that is meant has.
    static let longest = 4096

    private static let version = ByteString("v=spf1")

    /// Reads a record; one mistake anywhere spoils it (RFC 7208 section 4.6).
    init(_ text: ByteString) throws(SPFTrouble) {
        guard Self.isOne(text) else { throw .permanent("Could not find a valid SPF record") }
        guard text.count <= Self.longest else { throw .permanent("SPF record is too long") }
        for term in text.dropFirst(Self.version.count).split(separator: .blank) { try take(term) }
    }

    private mutating func take(_ term: ArraySlice<UInt8>) throws(SPFTrouble) {
        var rest = term
        let sign = rest.first.flatMap { Self.signs[$0] }
        if sign != nil { rest = rest.dropFirst() }
        let name = rest.prefix { $0.isASCIIAlphanumeric || "-_.".utf8.contains($0) }
        rest = rest.dropFirst(name.count)
        guard name.first?.isASCIILetter == true else { throw .permanent("Invalid character found") }
        let word = ByteString(name).lowercasedASCII()
        guard rest.first == UInt8(ascii: "=") else {
            directives.append(
                Directive(result: sign ?? .pass, mechanism: try Self.mechanism(word, rest)))
            return
        }
        guard sign == nil else { throw .permanent("Modifiers can not have prefixes") }
        try modify(word, rest.dropFirst())
    }

    private static let signs: [UInt8: SPFResult] = [
        UInt8(ascii: "+"): .pass, UInt8(ascii: "-"): .fail, UInt8(ascii: "~"): .softfail,
        UInt8(ascii: "?"): .neutral,
    ]

    private mutating func modify(_ name: ByteString, _ value: ArraySlice<UInt8>) throws(SPFTrouble) {
        switch name {
        case "redirect":
            guard redirect == nil else { throw .permanent("Too many modifiers") }
            redirect = try SPFMacros(value, for: .domain)
        case "exp":
            // A domain's own words are not asked for: who writes them is whom they excuse.
            guard !hasExplanation else { throw .permanent("Too many modifiers") }
            _ = try SPFMacros(value, for: .domain)
            hasExplanation = true
        default: _ = try SPFMacros(value, for: .modifier)
        }
    }
}
