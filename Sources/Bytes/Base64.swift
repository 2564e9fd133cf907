/// Base 64 (RFC 4648, section 4).
public enum Base64 {
    private static let digits =
        ByteString("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")

    private static func value(of octet: UInt8) -> UInt32? {
        switch octet {
        case 0x41...0x5A: UInt32(octet) - 0x41
        case 0x61...0x7A: UInt32(octet) - 0x61 + 26
        case 0x30...0x39: UInt32(octet) - 0x30 + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }

    /// The octets in base 64 with padding and no line breaks.
    public static func encode(_ octets: some Collection<UInt8>) -> ByteString {
        var result = ByteString()
        result.reserveCapacity((octets.count + 2) / 3 * 4)
        var group: UInt32 = 0
        var held = 0
        for octet in octets {
            group = group << 8 | UInt32(octet)
            held += 1
            guard held == 3 else { continue }
            for shift in [18, 12, 6, 0] as [UInt32] { result.append(digits[Int(group >> shift & 63)]) }
            (group, held) = (0, 0)
        }
        if held > 0 {
            group <<= UInt32(8 * (3 - held))
            for index in 0..<4 {
                let digit = digits[Int(group >> UInt32(18 - 6 * index) & 63)]
                result.append(index <= held ? digit : UInt8(ascii: "="))
            }
        }
        return result
    }

    /// The octets that the base 64 text stands for; white space is passed over, padding is required.
    ///
    /// Nil for foreign octets, and for missing or misplaced padding.
    public static func decode(_ text: some Collection<UInt8>) -> ByteString? {
        var result = ByteString()
        var group: UInt32 = 0
        var held = 0
        var padding = 0
        for octet in text where !octet.isASCIISpace {
            if octet == UInt8(ascii: "=") {
                padding += 1
                continue
            }
            guard padding == 0, let digit = value(of: octet) else { return nil }
            group = group << 6 | digit
            held += 1
            guard held == 4 else { continue }
            for shift in [16, 8, 0] as [UInt32] { result.append(UInt8(truncatingIfNeeded: group >> shift)) }
            (group, held) = (0, 0)
        }
        switch (held, padding) {
        case (0, 0): return result
        case (2, 2):
            result.append(UInt8(truncatingIfNeeded: group >> 4))
            return result
        case (3, 1):
            result.append(UInt8(truncatingIfNeeded: group >> 10))
            result.append(UInt8(truncatingIfNeeded: group >> 2))
            return result
        default: return nil
        }
    }
}
