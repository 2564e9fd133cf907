package import Bytes

/// Strings in double quotes (manual, "String values").
package enum QuotedString {
    /// The words of a text: what stands in quotes is one, as its escapes mean it; blanks part the others.
    ///
    /// Quotes that do not end go to the end of the text.
    package static func words(of text: ByteString) -> [ByteString] {
        var words: [ByteString] = []
        var rest = text.bytes[...].trimmedStart()
        while let first = rest.first {
            if first == UInt8(ascii: "\"") {
                let (value, end) = read(rest) ?? (ByteString(rest.dropFirst()), rest.endIndex)
                words.append(value)
                rest = rest[end...]
            } else {
                let end = rest.firstIndex { $0.isASCIISpace } ?? rest.endIndex
                words.append(ByteString(rest[..<end]))
                rest = rest[end...]
            }
            rest = rest.trimmedStart()
        }
        return words
    }

    /// The value of the quoted string that `text` begins with, and where it ends; nil when it does not end.
    static func read(_ text: ArraySlice<UInt8>) -> (value: ByteString, end: Int)? {
        var value = ByteString()
        var place = text.startIndex + 1
        while place < text.endIndex {
            switch text[place] {
            case UInt8(ascii: "\""): return (value, place + 1)
            case UInt8(ascii: "\\"):
                place += 1
                escape(text, &place, &value)
            case let octet:
                value.append(octet)
                place += 1
            }
        }
        return nil
    }

    private static func escape(_ text: ArraySlice<UInt8>, _ place: inout Int, _ value: inout ByteString) {
        guard place < text.endIndex else { return }
        let octet = text[place]
        place += 1
        switch octet {
        case UInt8(ascii: "n"): value.append(.newline)
        case UInt8(ascii: "r"): value.append(.carriageReturn)
        case UInt8(ascii: "t"): value.append(0x09)
        case UInt8(ascii: "0")...UInt8(ascii: "7"):
            var number = Int(octet) - 0x30
            var digits = 1
            while digits < 3, place < text.endIndex, (0x30...0x37).contains(text[place]) {
                number = number * 8 + Int(text[place]) - 0x30
                place += 1
                digits += 1
            }
            value.append(UInt8(truncatingIfNeeded: number))
        case UInt8(ascii: "x"):
            var number = 0
            var digits = 0
            while digits < 2, place < text.endIndex, let digit = text[place].hexDigitValue {
                number = number * 16 + digit
                place += 1
                digits += 1
            }
            value.append(UInt8(truncatingIfNeeded: number))
        default: value.append(octet)
        }
    }
}
