package import Bytes

/// A lookup type as written: `partial2-lsearch*@,ret=full`.
package struct LookupType: Sendable, Hashable {
    /// How much of the key must stay when leading components are cut off, and what replaces them.
    package struct Partial: Sendable, Hashable {
        /// Components that must remain.
        package var leastComponents: Int
        /// What stands for the components that were cut off; `*.` unless said otherwise.
        package var affix: ByteString
    }

    /// What is tried when the key is not found.
    package enum Fallback: Sendable, Hashable {
        /// Nothing.
        case none
        /// The key `*`.
        case star
        /// For an address the key `*@domain`, then the key `*`.
        case starAt
    }

    /// The driver's name.
    package let name: ByteString
    /// Set by `partial`.
    package let partial: Partial?
    /// Set by `*` and `*@` after the name.
    package let fallback: Fallback
    /// What follows the first comma, split at commas.
    package let options: [ByteString]

    /// The components that remain when `partial` gives no number (manual, section 9.7).
    package static let usualLeastComponents = 2

    /// Reads a type; nil when `partial` is not followed by a name.
    package init?(_ text: ByteString) {
        var parts = text.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)[...]
        guard let first = parts.popFirst() else { return nil }
        options = parts.map { ByteString($0) }
        var rest = ByteString(first)[...]
        if rest.starts(with: ByteString("partial")) {
            guard let partial = Self.takePartial(from: &rest) else { return nil }
            self.partial = partial
        } else {
            partial = nil
        }
        if rest.ends(with: ByteString("*@")) {
            fallback = .starAt
            rest = rest.dropLast(2)
        } else if rest.last == UInt8(ascii: "*") {
            fallback = .star
            rest = rest.dropLast()
        } else {
            fallback = .none
        }
        name = ByteString(rest)
        if name.isEmpty { return nil }
    }

    private static func takePartial(from rest: inout ArraySlice<UInt8>) -> Partial? {
        rest = rest.dropFirst(7)
        let digits = rest.prefix(while: \.isASCIIDigit)
        rest = rest.dropFirst(digits.count)
        let least = digits.isEmpty ? usualLeastComponents : Int(digits.decimalInteger() ?? 0)
        if rest.first == UInt8(ascii: "-") {
            rest = rest.dropFirst()
            return Partial(leastComponents: least, affix: "*.")
        }
        guard rest.first == UInt8(ascii: "("), let close = rest.firstIndex(of: UInt8(ascii: ")")) else {
            return nil
        }
        let affix = ByteString(rest[(rest.startIndex + 1)..<close])
        rest = rest[(close + 1)...]
        return Partial(leastComponents: least, affix: affix)
    }
}
