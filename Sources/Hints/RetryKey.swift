package import Bytes

/// The name of a retry record, without the NUL that ends it in the database.
package struct RetryKey: Sendable, Hashable, CustomStringConvertible {
    /// The key: `R:` or `T:` and what failed.
    package let text: ByteString

    /// Takes a key as it is in the database.
    package init(text: ByteString) { self.text = text }

    /// The key for people.
    package var description: String { text.string }
}

/// How Exim spells hosts in retry keys, which changed with 4.98.
package enum RetryHostSpelling: Sendable, Equatable {
    /// Exim 4.97 and before: the name in small letters, no brackets anywhere.
    case upTo497
    /// Exim 4.98 and later: the name as given; a name that is an address, and any IPv6 address, in brackets.
    case since498
}

/// A host as a retry key names it.
package struct RetryHost: Sendable, Equatable {
    /// The name as routing gave it; may be an IP address.
    package var name: ByteString
    /// The address, or nil where `retry_include_ip_address` is false.
    package var address: IPAddress?
    /// The port; only one that is not 25 shows.
    package var port: Int
    /// The value of the transport's `interface` option, if it gave one.
    package var interface: ByteString?

    /// Makes a host.
    package init(
        name: ByteString, address: IPAddress?, port: Int = 25, interface: ByteString? = nil
    ) {
        self.name = name
        self.address = address
        self.port = port
        self.interface = interface
    }
}

extension RetryKey {
    /// `R:<domain>`: routing of the domain deferred; also `R:<host>`, where the transport looked the host up.
    package static func routing(_ domain: ByteString) -> RetryKey { RetryKey(text: "R:\(domain)") }

    /// `R:<address>`: routing deferred where the router uses local parts, or an answer to RCPT without sender.
    package static func address(_ address: ByteString) -> RetryKey { RetryKey(text: "R:\(address)") }

    /// `R:<address>:<<sender>>`: 4xx to RCPT under `address_retry_include_sender`; an empty sender gives `:<>`.
    package static func address(_ address: ByteString, sender: ByteString) -> RetryKey {
        RetryKey(text: "R:\(address):<\(sender)>")
    }

    /// `T:<domain>` or `T:<address>`: a local delivery deferred (`retry_use_local_part` of the transport).
    package static func local(_ item: ByteString) -> RetryKey { RetryKey(text: "T:\(item)") }

    /// `T:<item>:<parent>`: a pipe, file or autoreply (`|`, `/`, `>` first) that `parent` produced.
    package static func generated(_ item: ByteString, parent: ByteString) -> RetryKey {
        RetryKey(text: "T:\(item):\(parent)")
    }

    /// `T:<host>[:<ip>][:<port>][/<interface>]`: a host that failed.
    package static func host(_ host: RetryHost, spelling: RetryHostSpelling) -> RetryKey {
        var key = ByteString("T:")
        switch spelling {
        case .upTo497:
            key += host.name.lowercasedASCII()
            if let address = host.address { key += ByteString(":\(address.text)") }
        case .since498:
            let isAddress = IPAddress(host.name) != nil
            key += isAddress ? ByteString("[\(host.name)]") : host.name
            if let address = host.address {
                key += address.isV6 ? ByteString(":[\(address.text)]") : ByteString(":\(address.text)")
            }
        }
        if host.port != 25 { key += ByteString(":\(host.port)") }
        if let interface = host.interface, !interface.isEmpty { key += ByteString("/\(interface)") }
        return RetryKey(text: key)
    }

    /// `<host key>:<message id>`: this message failed at that host.
    package func message(_ id: ByteString) -> RetryKey { RetryKey(text: "\(text):\(id)") }
}

extension RetryKey {
    /// What the patterns of retry rules are matched against: an address, `*@` standing for any local part.
    ///
    /// The prefix goes; then, if there is a colon, what stands before it (first character alphanumeric), in the
    /// brackets, or else after the last colon.
    package var subject: ByteString {
        let item = text.dropFirst(2)
        let chosen = Self.chosenPart(of: item)
        return chosen.contains(UInt8(ascii: "@")) ? ByteString(chosen) : ByteString("*@\(chosen)")
    }

    private static func chosenPart(of item: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let whole = ByteString(item)
        guard let first = whole.first, let halves = whole.cut(at: UInt8(ascii: ":")) else { return item }
        if first.isASCIIAlphanumeric { return halves.before }
        if first == UInt8(ascii: "["), let end = whole.firstIndex(of: UInt8(ascii: "]")) {
            return whole[1..<end]
        }
        return whole.cutAtLast(UInt8(ascii: ":"))?.after ?? item
    }
}
