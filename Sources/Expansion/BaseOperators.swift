import Bytes

/// Operators between number and text forms: base 32, 62, 64 and hexadecimal.
enum BaseOperators {
    private static let base32Digits = ByteString("abcdefghijklmnopqrstuvwxyz234567")

    static func apply(_ name: Operator, _ text: ByteString) throws(ExpansionError) -> ByteString {
        switch name {
        case .base32: return base32(try decimal(text, "base32"))
        case .base32d: return try fromBase32(text)
        case .base62: return Base62.encode(try decimal(text, "base62"), width: 6)
        case .base62d:
            guard let value = Base62.decode(text) else {
                throw .failed("argument for base62d operator is \"\(text)\", which is not a base 62 number")
            }
            return "\(value)"
        case .base64, .str2b64: return Base64.encode(text)
        case .base64d:
            guard let octets = Base64.decode(text) else {
                throw .failed("string \"\(text)\" is not well-formed for \"base64d\" operator")
            }
            return octets
        case .hex2b64: return try hexToBase64(text)
        default: throw .failed("unknown expansion operator \"\(name.rawValue)\"")
        }
    }

    private static func decimal(_ text: ByteString, _ name: ByteString) throws(ExpansionError) -> UInt64 {
        let start = text.trimmedStart()
        let digits = start.first == UInt8(ascii: "+") ? start.dropFirst() : start[...]
        if text.isEmpty { return 0 }
        guard digits.allSatisfy(\.isASCIIDigit), let value = digits.decimalInteger() else {
            throw .failed("argument for \(name) operator is \"\(text)\", which is not a decimal number")
        }
        return UInt64(value)
    }

    private static func base32(_ value: UInt64) -> ByteString {
        var digits: [UInt8] = []
        var rest = value
        while rest > 0 {
            digits.append(base32Digits[Int(rest & 31)])
            rest >>= 5
        }
        return ByteString(digits.reversed())
    }

    private static func fromBase32(_ text: ByteString) throws(ExpansionError) -> ByteString {
        var value: UInt64 = 0
        for octet in text {
            guard let digit = base32Digits.firstIndex(of: octet), value >> 59 == 0 else {
                throw .failed("argument for base32d operator is \"\(text)\", which is not a base 32 number")
            }
            value = value << 5 | UInt64(digit)
        }
        return "\(value)"
    }

    private static func hexToBase64(_ text: ByteString) throws(ExpansionError) -> ByteString {
        guard text.allSatisfy(\.isHexDigit) else { throw .failed("\"\(text)\" is not a hex string") }
        guard let octets = Hex.decode(text) else {
            throw .failed("\"\(text)\" contains an odd number of characters")
        }
        return Base64.encode(octets)
    }
}
