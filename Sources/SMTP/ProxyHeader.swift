package import Bytes

/// What a proxy says first on a connection that it makes for a client: the PROXY protocol, versions 1 and 2
/// (haproxy's proxy-protocol.txt; manual, section 59.1).
package enum ProxyHeader: Sendable, Hashable {
    /// One end of a TCP connection.
    package struct Endpoint: Sendable, Hashable {
        /// The address; one of IPv4 that was written as one of IPv6 is one of IPv4.
        package var address: IPAddress
        /// 0 to 65535.
        package var port: Int

        /// Makes an end.
        package init(_ address: IPAddress, _ port: Int) {
            self.address = address.unmapped
            self.port = port
        }
    }

    /// The client, and where it has connected to.
    case client(Endpoint, target: Endpoint)
    /// The proxy speaks for itself (LOCAL), or does not know for whom (UNKNOWN).
    case proxyItself

    /// What the octets of a connection begin with.
    package enum Reading: Sendable, Hashable {
        /// A header may be there when more has come.
        case needsMore
        /// A header of so many octets.
        case header(ProxyHeader, length: Int)
        /// No header; so many octets belong to what was meant as one.
        case malformed(length: Int)
    }

    /// The most octets of a line of version 1, with its CRLF.
    package static let longestLine = 107
    /// The most octets behind the first 16 of version 2: addresses, and what is told besides.
    package static let longestBlock = 4096

    private static let word: ByteString = "PROXY "
    private static let signature: ByteString = "\r\n\r\n\0\r\nQUIT\n"
    /// The signature, version and command, family, length.
    private static let fixedPart = 16

    /// Reads the header at the beginning of a connection's octets.
    package static func read(_ octets: some Collection<UInt8>) -> Reading {
        let start = Array(octets.prefix(fixedPart + longestBlock))
        if start.isEmpty || isBeginning(start, of: word) { return line(start[...]) }
        if isBeginning(start, of: signature) { return block(start[...]) }
        return .malformed(length: 0)
    }

    /// Whether one begins with the other, as far as it has come.
    private static func isBeginning(_ octets: [UInt8], of mark: ByteString) -> Bool {
        zip(octets, mark.bytes).allSatisfy { $0 == $1 }
    }

    // MARK: Version 1

    private static func line(_ octets: ArraySlice<UInt8>) -> Reading {
        let window = octets.prefix(longestLine)
        guard let end = window.firstIndex(of: .newline) else {
            return window.count < longestLine ? .needsMore : .malformed(length: octets.count)
        }
        let length = end - octets.startIndex + 1
        let text = window[..<end]
        guard text.last == .carriageReturn, let header = header(text.dropLast().dropFirst(word.count)) else {
            return .malformed(length: length)
        }
        return .header(header, length: length)
    }

    private static func header(_ text: ArraySlice<UInt8>) -> ProxyHeader? {
        let words = text.split(separator: .blank, omittingEmptySubsequences: false).map { ByteString($0) }
        // What follows is for people.
        if words.first == "UNKNOWN" { return .proxyItself }
        guard words.count == 5, let isV6 = family(words[0]),
            let source = endpoint(words[1], words[3], isV6), let target = endpoint(words[2], words[4], isV6)
        else { return nil }
        return .client(source, target: target)
    }

    private static func family(_ word: ByteString) -> Bool? {
        switch word {
        case "TCP4": false
        case "TCP6": true
        default: nil
        }
    }

    private static func endpoint(_ address: ByteString, _ port: ByteString, _ isV6: Bool) -> Endpoint? {
        guard let address = IPAddress(address), address.isV6 == isV6, port.count <= 5,
            port.first != UInt8(ascii: "0"), port.allSatisfy(\.isASCIIDigit),
            let number = port.decimalInteger(), (1...65_535).contains(number)
        else { return nil }
        return Endpoint(address, Int(number))
    }

    // MARK: Version 2

    private static func block(_ octets: ArraySlice<UInt8>) -> Reading {
        guard octets.count >= fixedPart else { return .needsMore }
        let (kind, family) = (octets[12], octets[13])
        let size = Int(octets[14]) << 8 | Int(octets[15])
        let length = fixedPart + size
        guard size <= longestBlock else { return .malformed(length: octets.count) }
        guard octets.count >= length else { return .needsMore }
        let body = octets[fixedPart..<length]
        let header: ProxyHeader? =
            switch (kind, family) {
            // Version 2, LOCAL: the addresses are of no account.
            case (0x20, _): .proxyItself
            // Version 2, PROXY: TCP over IPv4, over IPv6.
            case (0x21, 0x11): client(body, addressSize: 4)
            case (0x21, 0x21): client(body, addressSize: 16)
            default: nil
            }
        return header.map { .header($0, length: length) } ?? .malformed(length: length)
    }

    /// What stands behind the addresses (TLVs) tells nothing that is of use here.
    private static func client(_ body: ArraySlice<UInt8>, addressSize size: Int) -> ProxyHeader? {
        guard body.count >= 2 * size + 4 else { return nil }
        let start = body.startIndex
        func port(_ offset: Int) -> Int { Int(body[start + offset]) << 8 | Int(body[start + offset + 1]) }
        guard let source = IPAddress(octets: body[start..<(start + size)]),
            let target = IPAddress(octets: body[(start + size)..<(start + 2 * size)])
        else { return nil }
        return .client(
            Endpoint(source, port(2 * size)), target: Endpoint(target, port(2 * size + 2)))
    }
}
