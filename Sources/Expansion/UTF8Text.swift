import Bytes

/// Operators that look at UTF-8 sequences, and folder names for IMAP.
enum UTF8Text {
    /// The scalar that begins at a place and how many octets it takes; nil for a bad sequence.
    private static func scalar(_ text: ByteString, _ place: Int) -> (Unicode.Scalar, Int)? {
        let first = text[place]
        let length =
            switch first {
            case 0..<0x80: 1
            case 0xC2...0xDF: 2
            case 0xE0...0xEF: 3
            case 0xF0...0xF4: 4
            default: 0
            }
        guard length > 0, place + length <= text.count else { return nil }
        var value = length == 1 ? UInt32(first) : UInt32(first) & (0x7F >> UInt32(length))
        for octet in text[(place + 1)..<(place + length)] {
            guard octet & 0xC0 == 0x80 else { return nil }
            value = value << 6 | UInt32(octet & 0x3F)
        }
        guard length < 3 || value >= (length == 3 ? 0x800 : 0x1_0000), let scalar = Unicode.Scalar(value)
        else {
            return nil
        }
        return (scalar, length)
    }

    /// `utf8clean`: each octet that belongs to no good sequence becomes a question mark.
    static func cleaned(_ text: ByteString) -> ByteString {
        var result = ByteString()
        var place = 0
        while place < text.count {
            if let (_, length) = scalar(text, place) {
                result += text[place..<(place + length)]
                place += length
            } else {
                result.append(UInt8(ascii: "?"))
                place += 1
            }
        }
        return result
    }

    /// `from_utf8`: to ISO 8859-1, with an underscore for what it lacks.
    static func toLatin1(_ text: ByteString) -> ByteString {
        var result = ByteString()
        var place = 0
        while place < text.count {
            guard let (scalar, length) = scalar(text, place) else {
                result.append(UInt8(ascii: "_"))
                place += 1
                continue
            }
            result.append(scalar.value < 256 ? UInt8(scalar.value) : UInt8(ascii: "_"))
            place += length
        }
        return result
    }

    /// `imapfolder`: modified UTF-7 (RFC 3501, section 5.1.3) with the separator turned into a dot.
    static func folderName(
        _ name: ByteString, separator: UInt8, special: ByteString
    ) throws(ExpansionError) -> ByteString {
        var result = ByteString()
        var units: [UInt8] = []
        var place = 0
        while place < name.count {
            guard let (scalar, length) = scalar(name, place) else {
                throw .failed("imapfolder: invalid UTF-8 at octet \(place)")
            }
            place += length
            let octet = scalar.isASCII ? UInt8(scalar.value) : 0
            if octet == separator {
                flush(&units, &result)
                result.append(UInt8(ascii: "."))
            } else if octet.isASCIIPrinting, !special.contains(octet) {
                if octet == UInt8(ascii: ".") || octet == UInt8(ascii: "/") {
                    throw .failed("imapfolder: illegal character '\(String(scalar))'")
                }
                flush(&units, &result)
                result += octet == UInt8(ascii: "&") ? ByteString("&-") : ByteString([octet])
            } else {
                for unit in UTF16.encode(scalar) ?? UTF16.encodedReplacementCharacter {
                    units += [UInt8(unit >> 8), UInt8(truncatingIfNeeded: unit)]
                }
            }
        }
        flush(&units, &result)
        return result
    }

    private static func flush(_ units: inout [UInt8], _ result: inout ByteString) {
        guard !units.isEmpty else { return }
        let encoded = Base64.encode(units).filter { $0 != UInt8(ascii: "=") }
            .map { $0 == UInt8(ascii: "/") ? UInt8(ascii: ",") : $0 }
        result += ByteString("&") + encoded + [UInt8(ascii: "-")]
        units = []
    }
}
