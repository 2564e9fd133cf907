/// The xtext encoding of ESMTP parameter values (RFC 3461, section 4).
public enum XText {
    /// The octets with `+`, `=` and all that is not printing ASCII written as `+` and two capital hex digits.
    public static func encode(_ octets: some Collection<UInt8>) -> ByteString {
        var result = ByteString()
        for octet in octets {
            if octet > 32, octet < 127, octet != UInt8(ascii: "+"), octet != UInt8(ascii: "=") {
                result.append(octet)
            } else {
                result.append(UInt8(ascii: "+"))
                result.append(contentsOf: Hex.encode(CollectionOfOne(octet)).uppercasedASCII())
            }
        }
        return result
    }

    /// The octets that the xtext stands for; nil when a `+` is not followed by two hex digits, or for an
    /// octet that xtext may not contain.
    public static func decode(_ text: some Collection<UInt8>) -> ByteString? {
        var result = ByteString()
        var rest = text[...]
        while let octet = rest.popFirst() {
            guard octet > 32, octet < 127, octet != UInt8(ascii: "=") else { return nil }
            guard octet == UInt8(ascii: "+") else {
                result.append(octet)
                continue
            }
            guard let high = rest.popFirst()?.hexDigitValue, let low = rest.popFirst()?.hexDigitValue
            else { return nil }
            result.append(UInt8(high << 4 | low))
        }
        return result
    }
}
