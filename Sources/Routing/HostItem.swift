package import Bytes

/// One item of a host list (manual, section 20.5): `name`, `name/MX`, an address, each perhaps with a port.
package struct HostItem: Sendable, Hashable {
    /// The name or address.
    package var name: ByteString
    /// Whether the name stands for its MX hosts.
    package var isMX: Bool
    /// The port that was given.
    package var port: Int?

    /// Reads an item; a port out of range makes it part of the name, which then is not found.
    package init(_ item: ByteString) {
        var name = item
        port = nil
        if IPAddress(item) == nil, let cut = item.cutAtLast(UInt8(ascii: ":")),
            let number = cut.after.decimalInteger(), (1...65_535).contains(number),
            cut.after.allSatisfy(\.isASCIIDigit)
        {
            name = ByteString(cut.before)
            port = Int(number)
            if name.first == UInt8(ascii: "["), name.last == UInt8(ascii: "]"), name.count > 2 {
                name = ByteString(name[1..<(name.count - 1)])
            }
        }
        isMX = name.count > 3 && ByteString(name.suffix(3)).equalsIgnoringCase(ByteString("/mx"))
        self.name = isMX ? ByteString(name.dropLast(3)) : name
    }
}
