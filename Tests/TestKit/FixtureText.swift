package import Bytes

/// Octets as fixtures write them: `\r \n \t \0 \\ \xHH`, and `\{1000:x}` for a repetition.
package enum FixtureText {
    /// A text that cannot be read.
    package struct Malformed: Error, CustomStringConvertible {
        package let description: String
    }

    /// Undoes the escapes.
    package static func unescaped(_ text: ByteString) throws -> ByteString {
        var result = ByteString()
        var rest = text[...]
        while let octet = rest.popFirst() {
            guard octet == UInt8(ascii: "\\"), let mark = rest.popFirst() else {
                result.append(octet)
                continue
            }
            switch mark {
            case UInt8(ascii: "r"): result.append(.carriageReturn)
            case UInt8(ascii: "n"): result.append(.newline)
            case UInt8(ascii: "t"): result.append(0x09)
            case UInt8(ascii: "0"): result.append(0)
            case UInt8(ascii: "x"):
                guard let value = UInt8(ByteString(rest.prefix(2)).string, radix: 16) else {
                    throw Malformed(description: "\\x without two digits: \(text)")
                }
                result.append(value)
                rest = rest.dropFirst(2)
            case UInt8(ascii: "{"): result += try repetition(&rest)
            default: result.append(mark)
            }
        }
        return result
    }

    private static func repetition(_ rest: inout ArraySlice<UInt8>) throws -> ByteString {
        guard let parts = rest.cut(at: UInt8(ascii: "}")), let item = parts.before.cut(at: UInt8(ascii: ":")),
            let count = ByteString(item.before).decimalInteger()
        else { throw Malformed(description: "a repetition is written \\{count:text}") }
        rest = parts.after
        let text = try unescaped(ByteString(item.after))
        return ByteString(Array(repeating: text.bytes, count: Int(count)).joined())
    }
}
