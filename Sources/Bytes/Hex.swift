/// Hexadecimal digits.
public enum Hex {
    private static let small = ByteString("0123456789abcdef")

    /// Two small digits an octet.
    public static func encode(_ octets: some Collection<UInt8>) -> ByteString {
        var result = ByteString()
        result.reserveCapacity(octets.count * 2)
        for octet in octets {
            result.append(small[Int(octet >> 4)])
            result.append(small[Int(octet & 15)])
        }
        return result
    }

    /// The octets that pairs of digits of either case stand for; nil for anything else.
    public static func decode(_ digits: some Collection<UInt8>) -> ByteString? {
        guard digits.count.isMultiple(of: 2) else { return nil }
        var result = ByteString()
        var high: Int?
        for digit in digits {
            guard let value = digit.hexDigitValue else { return nil }
            if let first = high {
                result.append(UInt8(first << 4 | value))
                high = nil
            } else {
                high = value
            }
        }
        return result
    }
}
