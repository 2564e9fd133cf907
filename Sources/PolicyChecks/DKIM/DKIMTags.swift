package import Bytes

/// A list of `tag=value` (RFC 6376, section 3.2): of a signature, or of a key record.
///
/// Total: what has no equals sign, or a name that is none, is passed over. Of a tag that is given twice
/// the last one counts, for what is told of the list; it is invalid as a whole.
package struct DKIMTags: Sendable, Hashable {
    private var values: [ByteString: ByteString] = [:]
    /// Whether a tag is given twice, so that readers may differ in what the list says.
    package private(set) var hasDuplicates = false

    /// Reads a list.
    package init(_ text: some Collection<UInt8>) {
        for part in text.split(separator: UInt8(ascii: ";")) {
            guard let (name, value) = Self.tag(ByteString(part)) else { continue }
            if values.updateValue(value, forKey: name) != nil { hasDuplicates = true }
        }
    }

    /// The value of a tag, without white space around it; nil where there is none.
    package subscript(name: ByteString) -> ByteString? { values[name] }

    /// The value without any white space in it.
    func solid(_ name: ByteString) -> ByteString? {
        values[name].map { ByteString($0.filter { !$0.isASCIISpace }) }
    }

    /// The items of a value with colons between them.
    func list(_ name: ByteString) -> [ByteString]? {
        solid(name)?.split(separator: UInt8(ascii: ":")).map { ByteString($0) }
    }

    /// A number of digits only; nil where there is none, or one beyond what 63 bits hold.
    func number(_ name: ByteString) -> Int64? {
        guard let text = values[name], !text.isEmpty, text.allSatisfy(\.isASCIIDigit) else { return nil }
        return text.decimalInteger()
    }

    /// The octets of a value in base64; nil where there is none, or it is not base64.
    func octets(_ name: ByteString) -> ByteString? { solid(name).flatMap { Base64.decode($0) } }

    /// A value in the quoted-printable of RFC 6376, section 2.11.
    func unquoted(_ name: ByteString) -> ByteString? {
        guard let text = values[name], text.contains(UInt8(ascii: "=")) else { return values[name] }
        var result = ByteString()
        var rest = text[...]
        while let octet = rest.popFirst() {
            let digits = rest.prefix(2).map(\.hexDigitValue)
            if octet == UInt8(ascii: "="), digits.count == 2, let high = digits[0], let low = digits[1] {
                result.append(UInt8(high << 4 | low))
                rest = rest.dropFirst(2)
            } else {
                result.append(octet)
            }
        }
        return result
    }

    private static func tag(_ part: ByteString) -> (ByteString, ByteString)? {
        guard let (before, after) = part.cut(at: UInt8(ascii: "=")) else { return nil }
        let name = before.trimmed()
        guard let first = name.first, first.isASCIILetter,
            name.allSatisfy({ $0.isASCIIAlphanumeric || $0 == UInt8(ascii: "_") })
        else { return nil }
        return (ByteString(name), ByteString(after.trimmed()))
    }
}
