extension ByteString {
    /// The octets with those that do not print shown as Exim shows them: `\n`, `\t` and the like, or three
    /// octal digits; a backslash stays single.
    ///
    /// - Parameters:
    ///   - topBitPrints: leaves octets above 127 as they are, as Exim does in reasons and addresses.
    ///   - tabPrints: leaves tabs, as it does in what ACLs write.
    package func escapingUnprintable(topBitPrints: Bool = false, tabPrints: Bool = false) -> ByteString {
        func prints(_ octet: UInt8) -> Bool {
            octet.isASCIIPrinting || (topBitPrints && octet > 127)
                || (tabPrints && octet == UInt8(ascii: "\t"))
        }
        guard !allSatisfy(prints) else { return self }
        var result = ByteString()
        for octet in self {
            if prints(octet) { result.append(octet) } else { result += octet.escape }
        }
        return result
    }
}

extension UInt8 {
    /// A backslash and the octet's three octal digits.
    package var octalEscape: ByteString { "\\\(Int(self >> 6))\(Int(self >> 3 & 7))\(Int(self & 7))" }

    fileprivate var escape: ByteString {
        switch self {
        case 0x0A: "\\n"
        case 0x0D: "\\r"
        case 0x08: "\\b"
        case 0x0B: "\\v"
        case 0x0C: "\\f"
        case 0x09: "\\t"
        default: octalEscape
        }
    }
}
