package import Bytes

/// Reads hosts(5): lines of an address and names, comments after `#`; what is neither is passed over.
package enum HostsFile {
    /// How much of a file is read, in octets.
    static let longest = 1 << 20

    /// A name and one of its addresses.
    struct Entry: Equatable {
        let name: ByteString
        let address: IPAddress
    }

    /// The names of an address, in the order of the file.
    package static func names(of address: IPAddress, in content: ByteString) -> [ByteString] {
        entries(of: content).filter { $0.address == address }.map { ByteString($0.name.dropLast()) }
    }

    static func entries(of content: ByteString) -> [Entry] {
        content.split(separator: .newline).flatMap { line -> [Entry] in
            let words = line.prefix { $0 != UInt8(ascii: "#") }.split(whereSeparator: \.isASCIISpace)
            guard let first = words.first, let address = IPAddress(first) else { return [] }
            return words.dropFirst().compactMap { name in
                DNSName.isUsual(ByteString(name))
                    ? DNSName.presentation(of: ByteString(name)).map { Entry(name: $0, address: address) }
                    : nil
            }
        }
    }
}
