/// A block of IP addresses: an address and how many of its first bits count (RFC 4632 notation).
public struct IPNetwork: Sendable, Hashable {
    /// The lowest address of the block.
    public let address: IPAddress
    /// How many bits are fixed: 0 to 32, or 0 to 128.
    public let prefixLength: Int

    /// Makes a block; bits after the prefix are cleared; nil when the length is out of range.
    public init?(_ address: IPAddress, prefixLength: Int) {
        guard (0...address.bitWidth).contains(prefixLength) else { return nil }
        self.address = address.masked(to: prefixLength)
        self.prefixLength = prefixLength
    }

    /// Reads `address/length`, or an address alone, which is a block of one; nil for anything else.
    public init?(_ text: some Collection<UInt8>) {
        let octets = ByteString(text)
        guard let parts = octets.cut(at: UInt8(ascii: "/")) else {
            guard let address = IPAddress(octets) else { return nil }
            self.init(address, prefixLength: address.bitWidth)
            return
        }
        guard let address = IPAddress(parts.before), (1...3).contains(parts.after.count),
            parts.after.allSatisfy(\.isASCIIDigit), let length = parts.after.decimalInteger()
        else { return nil }
        self.init(address, prefixLength: Int(length))
    }

    /// Whether the address lies in the block; addresses of the other family never do.
    public func contains(_ candidate: IPAddress) -> Bool {
        candidate.bitWidth == address.bitWidth && candidate.masked(to: prefixLength) == address
    }

    /// The block as text: lowest address, slash, prefix length.
    public var text: ByteString { "\(address.text)/\(prefixLength)" }
}
