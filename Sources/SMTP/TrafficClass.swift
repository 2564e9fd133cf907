package import Bytes

/// A DSCP value of the options `dscp` and `control = dscp` (manual, chapters 30 and 44): what IP packets carry in their
/// TOS octet, or in the traffic class of IPv6.
package struct TrafficClass: Sendable, Hashable {
    /// The octet, with the value in its upper six bits; the names of RFC 1349 mean other bits.
    package let octet: UInt8

    /// The largest number.
    private static let largest: Int64 = 0x3F

    /// Those that have a name, as Exim's `-bI:dscp` lists them.
    private static let named: [ByteString: UInt8] = [
        "af11": 0x28, "af12": 0x30, "af13": 0x38, "af21": 0x48, "af22": 0x50, "af23": 0x58, "af31": 0x68,
        "af32": 0x70, "af33": 0x78, "af41": 0x88, "af42": 0x90, "af43": 0x98, "ef": 0xB8, "lowcost": 0x02,
        "lowdelay": 0x10, "mincost": 0x02, "reliability": 0x04, "throughput": 0x08,
    ]

    /// The names, sorted.
    package static var names: [ByteString] { named.keys.sorted() }

    /// Reads a name, or a number from 0 to 0x3F; nil for anything else.
    package init?(_ text: ByteString) {
        if let known = Self.named[text] {
            octet = known
            return
        }
        let digits = text.starts(with: "0x".utf8) ? ByteString(text.dropFirst(2)) : text
        let radix = digits.count == text.count ? 10 : 16
        guard !digits.isEmpty, digits.allSatisfy({ $0.isASCIIAlphanumeric }),
            let number = Int64(digits.string, radix: radix), number <= Self.largest
        else { return nil }
        octet = UInt8(number) << 2
    }
}
