import Bytes

/// Operators that look at UTF-8 sequences, and folder names for IMAP.
enum UTF8Text {
    /// The scalar that begins at a place, and how many octets it takes; nil with as many as a bad sequence has.
    private static func scalar(_ text: ByteString, _ place: Int) -> (scalar: Unicode.Scalar?, length: Int) {
        let first = text[place]
        let wanted =
            switch first {
            case 0..<0x80: 1
            case 0xC2...0xDF: 2
            case 0xE0...0xEF: 3
            case 0xF0...0xF7: 4
            default: 0
            }
        if wanted < 2 { return (wanted == 1 ? Unicode.Scalar(first) : nil, 1) }
        var value = UInt32(first) & (0x7F >> UInt32(wanted))
        var length = 1
        while length < wanted, place + length < text.count, text[place + length] & 0xC0 == 0x80 {
            value = value << 6 | UInt32(text[place + length] & 0x3F)
            length += 1
        }
        let isShortest = wanted == 2 || value >= (wanted == 3 ? 0x800 : 0x1_0000)
        return (length == wanted && isShortest ? Unicode.Scalar(value) : nil, length)
    }

    /// `utf8clean`: each sequence that is not good becomes a question mark.
    static func cleaned(_ text: ByteString) -> ByteString {
        var result = ByteString()
        var place = 0
        while place < text.count {
            let (scalar, length) = scalar(text, place)
            if scalar == nil {
                result.append(UInt8(ascii: "?"))
            } else {
                result += text[place..<(place + length)]
            }
            place += length
        }
        return result
    }

    /// `from_utf8`: to ISO 8859-1, with an underscore for what it lacks and for bad sequences.
    static func toLatin1(_ text: ByteString) -> ByteString {
        var result = ByteString()
        var place = 0
        while place < text.count {
            let (scalar, length) = scalar(text, place)
            result.append(scalar.flatMap { UInt8(exactly: $0.value) } ?? UInt8(ascii: "_"))
            place += length
        }
        return result
    }
}
