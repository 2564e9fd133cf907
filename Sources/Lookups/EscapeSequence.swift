package import Bytes

/// Backslash sequences as Exim reads them in quoted strings, keys and expansions (manual, section 11.2).
package enum EscapeSequence {
    /// Reads the sequence whose backslash stands at `place`, which must not be the last octet before `end`;
    /// moves `place` past it and gives the octet meant.
    package static func read(_ text: ByteString, _ place: inout Int, _ end: Int) -> UInt8 {
        let letter = text[place + 1]
        place += 2
        switch letter {
        case UInt8(ascii: "b"): return 0x08
        case UInt8(ascii: "f"): return 0x0C
        case UInt8(ascii: "n"): return 0x0A
        case UInt8(ascii: "r"): return 0x0D
        case UInt8(ascii: "t"): return 0x09
        case UInt8(ascii: "v"): return 0x0B
        case 0x30...0x37: return octal(text, &place, end, first: letter)
        case UInt8(ascii: "x"): return hexadecimal(text, &place, end)
        default: return letter
        }
    }

    private static func octal(_ text: ByteString, _ place: inout Int, _ end: Int, first: UInt8) -> UInt8 {
        var value = Int(first) - 0x30
        var digits = 1
        while digits < 3, place < end, (0x30...0x37).contains(text[place]) {
            value = value * 8 + Int(text[place]) - 0x30
            place += 1
            digits += 1
        }
        return UInt8(truncatingIfNeeded: value)
    }

    private static func hexadecimal(_ text: ByteString, _ place: inout Int, _ end: Int) -> UInt8 {
        var value = 0
        var digits = 0
        while digits < 2, place < end, let digit = text[place].hexDigitValue {
            value = value * 16 + digit
            place += 1
            digits += 1
        }
        return UInt8(truncatingIfNeeded: value)
    }
}
