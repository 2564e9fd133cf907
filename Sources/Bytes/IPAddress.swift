/// An IPv4 or IPv6 address as a number, without port, interface or name.
///
/// IPv4 sorts before IPv6; an IPv4 address and its IPv6-mapped form are different values (see `unmapped`).
public enum IPAddress: Sendable, Hashable {
    /// Four octets, the first one highest.
    case v4(UInt32)
    /// Sixteen octets, the first one highest.
    case v6(UInt128)

    /// Reads the usual text form (RFC 5321 dotted quad, RFC 4291 section 2.2), without brackets or zone.
    ///
    /// Nil for anything else; like `inet_pton`, an IPv4 part may not have leading zeros.
    public init?(_ text: some Collection<UInt8>) {
        let octets = Array(text)
        guard octets.count <= Self.longestText else { return nil }
        if octets.contains(UInt8(ascii: ":")) {
            guard let value = Self.readV6(octets[...]) else { return nil }
            self = .v6(value)
        } else {
            guard let value = Self.readV4(octets[...]) else { return nil }
            self = .v4(value)
        }
    }

    /// Makes an address of 4 or 16 octets in network order; nil for any other number of them.
    public init?(octets: some Collection<UInt8>) {
        switch octets.count {
        case 4: self = .v4(octets.reduce(0) { $0 << 8 | UInt32($1) })
        case 16: self = .v6(octets.reduce(0) { $0 << 8 | UInt128($1) })
        default: return nil
        }
    }

    /// The most octets that an address takes as text.
    public static let longestText = 45

    /// The 4 or 16 octets in network order.
    public var octets: ByteString {
        let count = bitWidth / 8
        let number = value
        return ByteString(
            (0..<count).map { UInt8(truncatingIfNeeded: number >> UInt128((count - 1 - $0) * 8)) })
    }

    /// 32 or 128.
    public var bitWidth: Int {
        switch self {
        case .v4: 32
        case .v6: 128
        }
    }

    /// Whether the address is an IPv6 one.
    public var isV6: Bool { bitWidth == 128 }

    private var value: UInt128 {
        switch self {
        case .v4(let number): UInt128(number)
        case .v6(let number): number
        }
    }

    /// The IPv4 address inside an IPv6-mapped one (`::ffff:192.0.2.1`); any other address unchanged.
    public var unmapped: IPAddress {
        guard case .v6(let number) = self, number >> 32 == 0xFFFF else { return self }
        return .v4(UInt32(truncatingIfNeeded: number))
    }

    /// Whether the address belongs to the machine itself (127.0.0.0/8 or `::1`).
    public var isLoopback: Bool {
        switch self {
        case .v4(let number): number >> 24 == 127
        case .v6(let number): number == 1
        }
    }

    /// Whether the address is all zeros.
    public var isUnspecified: Bool { value == 0 }

    /// The address with all bits after the first `prefixLength` cleared; lengths out of range are clamped.
    public func masked(to prefixLength: Int) -> IPAddress {
        let kept = min(max(prefixLength, 0), bitWidth)
        let cleared = UInt128(bitWidth - kept)
        let number = cleared == 128 ? 0 : (value >> cleared) << cleared
        switch self {
        case .v4: return .v4(UInt32(truncatingIfNeeded: number))
        case .v6: return .v6(number)
        }
    }
}

extension IPAddress: Comparable {
    /// IPv4 before IPv6, then by number.
    public static func < (one: IPAddress, other: IPAddress) -> Bool {
        (one.bitWidth, one.value) < (other.bitWidth, other.value)
    }
}

extension IPAddress: ExpressibleByStringLiteral, CustomStringConvertible {
    /// Makes the address that a literal in the source spells; a misspelt literal stops the program.
    public init(stringLiteral text: String) {
        guard let address = IPAddress(text.utf8) else { preconditionFailure("not an IP address: \(text)") }
        self = address
    }

    /// The canonical text, for people.
    public var description: String { text.string }
}

extension IPAddress {
    /// The canonical text: dotted quad, or RFC 5952 as `inet_ntop` writes it (small letters, longest run of
    /// zero groups as `::`, mapped and compatible addresses with a dotted quad at the end).
    public var text: ByteString {
        switch self {
        case .v4(let number): Self.dotted(number)
        case .v6(let number): Self.colons(number)
        }
    }

    /// The labels in reverse order, joined by dots, as block lists and reverse zones want them.
    ///
    /// Octets in decimal for IPv4, 32 hexadecimal digits for IPv6.
    public var reversedLabels: ByteString {
        switch self {
        case .v4:
            return octets.reversed().map { ByteString(String($0)) }.joined(separator: ".")
        case .v6:
            let digits = Hex.encode(octets)
            return digits.reversed().map { ByteString([$0]) }.joined(separator: ".")
        }
    }

    /// The name whose PTR record tells the host's name (RFC 1035 section 3.5, RFC 3596 section 2.5).
    public var reverseName: ByteString {
        reversedLabels + (isV6 ? ByteString(".ip6.arpa") : ".in-addr.arpa")
    }

    private static func dotted(_ number: UInt32) -> ByteString {
        "\(number >> 24).\(number >> 16 & 255).\(number >> 8 & 255).\(number & 255)"
    }

    private static func colons(_ number: UInt128) -> ByteString {
        let groups = (0..<8).map { UInt16(truncatingIfNeeded: number >> UInt128((7 - $0) * 16)) }
        let zeros = longestZeroRun(groups)
        let embedded =
            zeros.lowerBound == 0 && (zeros.count == 6 || (zeros.count == 5 && groups[5] == 0xFFFF))
        let shown = embedded ? 6 : 8
        var result = ByteString()
        var group = 0
        while group < shown {
            if group == zeros.lowerBound, zeros.count > 1 {
                result += ByteString("::")
                group = zeros.upperBound
            } else {
                if !result.isEmpty, result.last != UInt8(ascii: ":") { result.append(UInt8(ascii: ":")) }
                result += ByteString(String(groups[group], radix: 16))
                group += 1
            }
        }
        guard embedded else { return result }
        if result.last != UInt8(ascii: ":") { result.append(UInt8(ascii: ":")) }
        return result + dotted(UInt32(truncatingIfNeeded: number))
    }

    private static func longestZeroRun(_ groups: [UInt16]) -> Range<Int> {
        var best = 0..<0
        var start: Int?
        for index in 0...groups.count {
            if index < groups.count, groups[index] == 0 {
                start = start ?? index
            } else if let first = start {
                if index - first > best.count { best = first..<index }
                start = nil
            }
        }
        return best.count > 1 ? best : groups.count..<groups.count
    }
}

extension IPAddress {
    private static func readV4(_ text: ArraySlice<UInt8>) -> UInt32? {
        let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var number: UInt32 = 0
        for part in parts {
            guard (1...3).contains(part.count), part.allSatisfy(\.isASCIIDigit),
                part.count == 1 || part.first != UInt8(ascii: "0")
            else { return nil }
            let octet = part.reduce(0) { $0 * 10 + UInt32($1 - 0x30) }
            guard octet < 256 else { return nil }
            number = number << 8 | octet
        }
        return number
    }

    private static func readV6(_ text: ArraySlice<UInt8>) -> UInt128? {
        let colons = ByteString("::")
        let whole = ByteString(text)
        guard let gap = whole.firstRange(of: colons) else {
            guard let groups = readGroups(whole[0..<whole.count], dottedAtEnd: true), groups.count == 8
            else { return nil }
            return joinGroups(groups)
        }
        guard let before = readGroups(whole[0..<gap.lowerBound], dottedAtEnd: false),
            let after = readGroups(whole[gap.upperBound..<whole.count], dottedAtEnd: true),
            before.count + after.count < 8
        else { return nil }
        let filling = Array(repeating: UInt16(0), count: 8 - before.count - after.count)
        return joinGroups(before + filling + after)
    }

    private static func joinGroups(_ groups: [UInt16]) -> UInt128 {
        groups.reduce(0) { $0 << 16 | UInt128($1) }
    }

    /// Reads groups of one to four hexadecimal digits; the last one may be a dotted quad (two groups).
    private static func readGroups(_ text: ArraySlice<UInt8>, dottedAtEnd: Bool) -> [UInt16]? {
        guard !text.isEmpty else { return [] }
        let parts = text.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        var groups: [UInt16] = []
        for (index, part) in parts.enumerated() {
            if dottedAtEnd, index == parts.count - 1, part.contains(UInt8(ascii: ".")) {
                guard let quad = readV4(part) else { return nil }
                groups += [UInt16(truncatingIfNeeded: quad >> 16), UInt16(truncatingIfNeeded: quad)]
            } else {
                guard (1...4).contains(part.count) else { return nil }
                var group: UInt16 = 0
                for digit in part {
                    guard let value = digit.hexDigitValue else { return nil }
                    group = group << 4 | UInt16(value)
                }
                groups.append(group)
            }
        }
        return groups
    }
}
