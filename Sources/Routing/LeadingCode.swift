package import Bytes

/// The reply code that a text for a client may begin with, perhaps with an extended one: `554 5.7.1 no`.
package enum LeadingCode {
    /// The code; nil where the text has none.
    package static func code(of text: ByteString) -> Int64? {
        guard text.count > 3, text.prefix(3).allSatisfy(\.isASCIIDigit), text[3].isASCIISpace else {
            return nil
        }
        return text.prefix(3).decimalInteger()
    }

    /// The text without its code and its extended one.
    package static func text(of text: ByteString) -> ByteString {
        guard code(of: text) != nil else { return text }
        let rest = text.dropFirst(4).trimmedStart()
        guard let blank = rest.firstIndex(where: \.isASCIISpace) else { return ByteString(rest) }
        let numbers = rest[..<blank].split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        let isCode = numbers.count == 3 && numbers.allSatisfy { !$0.isEmpty && $0.allSatisfy(\.isASCIIDigit) }
        return ByteString(isCode ? rest[blank...].trimmedStart() : rest)
    }
}
