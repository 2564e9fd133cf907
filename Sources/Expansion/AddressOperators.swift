import Bytes
import MailText

/// `mask`, `reverse_ip`, `ipv6norm` and `ipv6denorm`.
enum AddressOperators {
    static func apply(_ name: Operator, _ text: ByteString) throws(ExpansionError) -> ByteString {
        guard let address = IPText.address(text) else {
            throw .failed(
                name == .reverseIP
                    ? "reverse_ip() not given an IP address [\(text)]" : "\"\(text)\" is not an IP address")
        }
        switch name {
        case .reverseIP: return address.unmapped.reversedLabels
        case .ipv6norm: return normal(groups(address))
        default: return groups(address).joined(separator: ":")
        }
    }

    /// Eight groups of four digits; an IPv4 address as mapped into IPv6.
    private static func groups(_ address: IPAddress) -> [ByteString] {
        let octets =
            address.isV6
            ? address.octets : ByteString(Array(repeating: 0, count: 10) + [255, 255]) + address.octets
        let digits = Hex.encode(octets)
        return (0..<8).map { ByteString(digits[($0 * 4)..<($0 * 4 + 4)]) }
    }

    /// RFC 5952 without a dotted quad: leading zeros gone, the longest run of zero groups as `::`.
    private static func normal(_ groups: [ByteString]) -> ByteString {
        let short = groups.map { group in
            let rest = group.drop { $0 == UInt8(ascii: "0") }
            return rest.isEmpty ? ByteString("0") : ByteString(rest)
        }
        var best = 0..<0
        var index = 0
        while index < short.count {
            let end = short[index...].firstIndex { $0 != "0" } ?? short.count
            if end - index > best.count { best = index..<end }
            index = max(end, index + 1)
        }
        guard best.count > 1 else { return short.joined(separator: ":") }
        let head = short[..<best.lowerBound].joined(separator: ":")
        let tail = short[best.upperBound...].joined(separator: ":")
        return "\(head)::\(tail)"
    }

    /// `mask`, whose IPv6 addresses are for keys of linear searches, and `mask_n`, which has them as people do.
    static func mask(_ text: ByteString, isNormal: Bool) throws(ExpansionError) -> ByteString {
        guard let parts = text.cutAtLast(UInt8(ascii: "/")) else {
            guard IPText.address(text) != nil else { throw .failed("\"\(text)\" is not an IP address") }
            throw .failed("missing mask value in \"\(text)\"")
        }
        guard let address = IPAddress(parts.before), parts.after.allSatisfy(\.isASCIIDigit) else {
            throw .failed("\"\(text)\" is not an IP address")
        }
        let length = parts.after.isEmpty ? 0 : parts.after.decimalInteger() ?? .max
        guard length <= address.bitWidth else { throw .failed("mask value too big in \"\(text)\"") }
        let masked = address.masked(to: Int(length))
        let shown = isNormal && masked.isV6 ? normal(groups(masked)) : lookupText(masked)
        return "\(shown)/\(length)"
    }

    /// An address as keys of linear searches have it: dots instead of colons, all digits.
    static func lookupText(_ address: IPAddress) -> ByteString {
        address.isV6 ? groups(address).joined(separator: ".") : address.text
    }
}

/// Addresses for the `address` and `addresses` operators.
enum AddressText {
    /// The one address of a text; nil when there is none.
    static func one(_ text: ByteString, _ rules: AddressRules) -> EmailAddress? {
        do {
            return try AddressParser.parseOne(text, rules: rules).address
        } catch {
            // A text that is no address gives nothing; the operator has no way to say why.
            return nil
        }
    }

    /// The addresses of a list; `>x` at the front sets the separator of the result.
    static func list(_ text: ByteString, _ rules: AddressRules) -> ByteString {
        var output = ListOutput(separator: UInt8(ascii: ":"))
        var rest = text
        if text.count > 1, text[0] == UInt8(ascii: ">") {
            output = ListOutput(separator: text[1])
            rest = ByteString(text[2...])
        }
        for item in AddressParser.parseList(rest, rules: rules) {
            guard case .success(let parsed) = item.outcome, !parsed.address.isNull else { continue }
            output.add(TaintedBytes(parsed.address.text))
        }
        return output.value.bytes
    }
}
