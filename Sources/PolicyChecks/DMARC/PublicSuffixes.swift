package import Bytes
import MailText

/// The names under which anybody may register a domain: Mozilla's list, as `dmarc_tld_file` has it.
///
/// A list has some 10,000 rules and takes about 1 MB.
package struct PublicSuffixes: Sendable {
    private var rules: Set<ByteString> = []
    /// Names each of whose children is a suffix (`*.`).
    private var parents: Set<ByteString> = []
    /// Children that are none all the same (`!`).
    private var exceptions: Set<ByteString> = []

    /// Reads a list in Mozilla's format; what is no rule is passed over, as the format wants it.
    package init(_ text: ByteString) {
        for line in text.split(separator: .newline) where !line.starts(with: Self.comment) {
            // A rule ends at the first blank.
            add(line.prefix { !$0.isASCIISpace })
        }
    }

    /// The most octets of a name (RFC 1035, section 2.3.4); what is longer is none.
    static let longestName = 253

    private static let comment = ByteString("//")
    private static let wildcard = ByteString("*.")

    private mutating func add(_ rule: ArraySlice<UInt8>) {
        if rule.first == UInt8(ascii: "!") {
            exceptions.insert(Self.folded(rule.dropFirst()))
        } else if rule.starts(with: Self.wildcard) {
            parents.insert(Self.folded(rule.dropFirst(Self.wildcard.count)))
        } else if !rule.isEmpty {
            rules.insert(Self.folded(rule))
        }
    }

    /// A name as it is compared: small letters, A-labels, no dots around it.
    static func folded(_ name: some Sequence<UInt8>) -> ByteString {
        let octets = ByteString(name)
        let bare = octets.trimming(UInt8(ascii: "."))
        // A name that has no A-labels is compared as it is written.
        do throws(InternationalName.Trouble) {
            return try InternationalName.asciiDomain(bare).lowercasedASCII()
        } catch {
            return bare.lowercasedASCII()
        }
    }

    /// The organizational domain of a name: its public suffix with one label more (RFC 7489 section 3.2).
    ///
    /// nil for a public suffix itself and for an empty name. A name under no rule has its last label for a suffix.
    package func organizationalDomain(of name: ByteString) -> ByteString? {
        let folded = Self.folded(name)
        guard folded.count <= Self.longestName else { return nil }
        let labels = folded.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard !labels.contains(where: \.isEmpty) else { return nil }
        let count = labels.count - suffixLength(labels)
        return count < 1 ? nil : labels.dropFirst(count - 1).map { ByteString($0) }.joined(separator: ".")
    }

    /// How many labels the public suffix of a name has: that of the longest rule, unless an exception says one less.
    private func suffixLength(_ labels: [ArraySlice<UInt8>]) -> Int {
        var tails: [ByteString] = [""]
        for label in labels.reversed() {
            tails.append(tails.count == 1 ? ByteString(label) : "\(label).\(tails[tails.count - 1])")
        }
        for length in stride(from: labels.count, to: 0, by: -1) {
            if exceptions.contains(tails[length]) { return length - 1 }
            if rules.contains(tails[length]) || (length > 1 && parents.contains(tails[length - 1])) {
                return length
            }
        }
        return 1
    }
}

extension ByteString {
    fileprivate func trimming(_ octet: UInt8) -> ByteString {
        ByteString(ByteString(drop { $0 == octet }.reversed().drop { $0 == octet }).reversed())
    }
}
