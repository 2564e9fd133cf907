/// Exim's base 62: `0-9`, `A-Z`, `a-z`, so that octet order is numeric order.
public enum Base62 {
    /// The digits, by value.
    public static let digits = ByteString("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")

    /// The value of a digit, or nil.
    @inlinable public static func value(of octet: UInt8) -> UInt64? {
        switch octet {
        case 0x30...0x39: UInt64(octet) - 0x30
        case 0x41...0x5A: UInt64(octet) - 0x41 + 10
        case 0x61...0x7A: UInt64(octet) - 0x61 + 36
        default: nil
        }
    }

    /// The low-order `width` digits of `value`, zero-padded.
    public static func encode(_ value: UInt64, width: Int) -> ByteString {
        var octets = [UInt8](repeating: UInt8(ascii: "0"), count: width)
        var rest = value
        for index in stride(from: width - 1, through: 0, by: -1) {
            octets[index] = digits[Int(rest % 62)]
            rest /= 62
        }
        return ByteString(octets)
    }

    /// The number that the digits stand for; nil for a foreign octet or when 64 bits do not hold it.
    public static func decode(_ octets: some Collection<UInt8>) -> UInt64? {
        var value: UInt64 = 0
        for octet in octets {
            guard let digit = Self.value(of: octet) else { return nil }
            let (product, over) = value.multipliedReportingOverflow(by: 62)
            let (sum, overAgain) = product.addingReportingOverflow(digit)
            if over || overAgain { return nil }
            value = sum
        }
        return value
    }
}
