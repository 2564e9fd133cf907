package import Bytes

/// Walks over a list by Exim's rules (manual, section 6.21): a separator that `<x` at the front may change,
/// doubled separators, white space around items.
package struct ListItems: Sequence, IteratorProtocol, Sendable {
    private let text: ByteString
    private var place = 0
    /// The separator in use.
    package let separator: UInt8

    /// Starts at the front of a list, whose separator is a colon unless another is usual there.
    package init(_ text: ByteString, separator usual: UInt8 = UInt8(ascii: ":")) {
        self.text = text
        let start = text.firstIndex { !$0.isASCIISpace } ?? text.count
        if start + 1 < text.count, text[start] == UInt8(ascii: "<"), Self.canSeparate(text[start + 1]) {
            separator = text[start + 1]
            place = start + 2
        } else {
            separator = usual
        }
    }

    /// All items.
    package var all: [ByteString] { Array(self) }

    private static func canSeparate(_ octet: UInt8) -> Bool {
        if octet < 0x20 || octet == 0x7F { return true }
        return octet.isASCIIPrinting && octet != .blank && !octet.isASCIIAlphanumeric
    }

    /// The next item without white space around it; nil at the end.
    package mutating func next() -> ByteString? {
        while place < text.count, text[place].isASCIISpace, text[place] != separator { place += 1 }
        guard place < text.count else { return nil }
        let isSpecial = separator < 0x20 || separator == 0x7F
        var item = ByteString()
        while place < text.count {
            let end = text[place...].firstIndex(of: separator) ?? text.count
            item.append(contentsOf: text[place..<end])
            place = end + 1
            guard place < text.count, text[place] == separator, !isSpecial else { break }
            item.append(separator)
            place += 1
        }
        return ByteString(item.trimmedEnd())
    }
}
