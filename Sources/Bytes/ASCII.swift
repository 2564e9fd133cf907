extension UInt8 {
    /// Whether the octet is `0` to `9`.
    @inlinable public var isASCIIDigit: Bool { self &- 0x30 < 10 }

    /// Whether the octet is `A` to `Z` or `a` to `z`.
    @inlinable public var isASCIILetter: Bool { (self | 0x20) &- 0x61 < 26 }

    /// Whether the octet is an ASCII letter or digit.
    @inlinable public var isASCIIAlphanumeric: Bool { isASCIILetter || isASCIIDigit }

    /// Whether the octet is a hexadecimal digit of either case.
    @inlinable public var isHexDigit: Bool { isASCIIDigit || (self | 0x20) &- 0x61 < 6 }

    /// Whether the octet is a blank, tab, newline, vertical tab, form feed or carriage return (C's `isspace`).
    @inlinable public var isASCIISpace: Bool { self == 0x20 || self &- 0x09 < 5 }

    /// Whether the octet is a printing ASCII character, the blank included (32 to 126).
    @inlinable public var isASCIIPrinting: Bool { self &- 0x20 < 95 }

    /// The octet with an ASCII capital made small; every other octet unchanged.
    @inlinable public var lowercasedASCII: UInt8 { self &- 0x41 < 26 ? self | 0x20 : self }

    /// The octet with an ASCII small letter made capital; every other octet unchanged.
    @inlinable public var uppercasedASCII: UInt8 { self &- 0x61 < 26 ? self & 0xDF : self }

    /// The value of a hexadecimal digit, or nil.
    @inlinable public var hexDigitValue: Int? {
        switch self {
        case 0x30...0x39: Int(self) - 0x30
        case 0x41...0x46: Int(self) - 0x37
        case 0x61...0x66: Int(self) - 0x57
        default: nil
        }
    }
}

extension UInt8 {
    /// The octet LF, which ends a line in the spool.
    @inlinable public static var newline: UInt8 { 0x0A }

    /// The octet CR.
    @inlinable public static var carriageReturn: UInt8 { 0x0D }

    /// The blank.
    @inlinable public static var blank: UInt8 { 0x20 }
}

extension Collection<UInt8> {
    /// The octets with ASCII capitals made small.
    @inlinable public func lowercasedASCII() -> ByteString { ByteString(map(\.lowercasedASCII)) }

    /// The octets with ASCII small letters made capital.
    @inlinable public func uppercasedASCII() -> ByteString { ByteString(map(\.uppercasedASCII)) }

    /// Whether both are the same, ASCII case not regarded.
    @inlinable public func equalsIgnoringCase(_ other: some Collection<UInt8>) -> Bool {
        count == other.count && zip(self, other).allSatisfy { $0.lowercasedASCII == $1.lowercasedASCII }
    }

    /// Whether the octets begin with `prefix`, ASCII case not regarded.
    @inlinable public func startsIgnoringCase(with prefix: some Collection<UInt8>) -> Bool {
        count >= prefix.count && zip(self, prefix).allSatisfy { $0.lowercasedASCII == $1.lowercasedASCII }
    }
}
