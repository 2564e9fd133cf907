import Bytes

extension SPFRecord {
    /// Reads what follows a mechanism's name.
    static func mechanism(_ name: ByteString, _ rest: ArraySlice<UInt8>) throws(SPFTrouble) -> Mechanism {
        switch name {
        case "all":
            guard rest.isEmpty else { throw .permanent("Invalid option found") }
            return .all
        case "include": return .include(try required(rest))
        case "exists": return .exists(try required(rest))
        case "a":
            let (domain, lengths) = try hosts(rest)
            return .a(domain, lengths)
        case "mx":
            let (domain, lengths) = try hosts(rest)
            return .mx(domain, lengths)
        case "ptr": return .ptr(try optional(rest))
        case "ip4": return .network(try network(rest, isV6: false))
        case "ip6": return .network(try network(rest, isV6: true))
        default: throw .permanent("Unknown mechanism found")
        }
    }

    private static func required(_ rest: ArraySlice<UInt8>) throws(SPFTrouble) -> SPFMacros {
        guard let domain = try optional(rest) else { throw .permanent("Required option is missing") }
        return domain
    }

    /// `:domain`, or nothing.
    private static func optional(_ rest: ArraySlice<UInt8>) throws(SPFTrouble) -> SPFMacros? {
        guard let first = rest.first else { return nil }
        guard first == UInt8(ascii: ":") else { throw .permanent("Invalid option found") }
        guard rest.count > 1 else { throw .permanent("Required option is missing") }
        return try SPFMacros(rest.dropFirst(), for: .domain)
    }

    /// `:domain/24//64`, each part or none.
    private static func hosts(
        _ rest: ArraySlice<UInt8>
    ) throws(SPFTrouble) -> (SPFMacros?, PrefixLengths) {
        var (rest, lengths) = (rest, PrefixLengths())
        if let length = try prefixLength(&rest, after: "//", most: 128) { lengths.v6 = length }
        if let length = try prefixLength(&rest, after: "/", most: 32) { lengths.v4 = length }
        return (try optional(rest), lengths)
    }

    private static func network(_ rest: ArraySlice<UInt8>, isV6: Bool) throws(SPFTrouble) -> IPNetwork {
        guard rest.first == UInt8(ascii: ":") else { throw .permanent("Required option is missing") }
        var rest = rest.dropFirst()
        let length = try prefixLength(&rest, after: "/", most: isV6 ? 128 : 32)
        guard let address = IPAddress(rest), address.isV6 == isV6,
            let network = IPNetwork(
                address.masked(to: length ?? address.bitWidth), prefixLength: length ?? address.bitWidth)
        else { throw .permanent("Invalid IPv\(isV6 ? 6 : 4) address literal") }
        return network
    }

    /// Takes a mark and the number behind it off the end; nil where there is none.
    private static func prefixLength(
        _ rest: inout ArraySlice<UInt8>, after mark: ByteString, most: Int
    ) throws(SPFTrouble) -> Int? {
        let digits = rest.reversed().prefix(while: \.isASCIIDigit).reversed()
        guard !digits.isEmpty, rest.dropLast(digits.count).ends(with: mark) else { return nil }
        let hasNeedlessZero = digits.count > 1 && digits.first == UInt8(ascii: "0")
        guard let value = ByteString(digits).decimalInteger(), value <= most, !hasNeedlessZero else {
            throw .permanent("Invalid CIDR length")
        }
        rest = rest.dropLast(digits.count + mark.count)
        return Int(value)
    }
}
