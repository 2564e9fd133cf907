package import Bytes

/// What is known of the host at the other end of an incoming connection.
package struct PeerName: Sendable, Hashable {
    /// The verified name from the reverse DNS; nil when not looked up or not verified.
    package var name: ByteString?
    /// What it called itself in HELO or EHLO; nil before that.
    package var helo: ByteString?
    /// Its address, without brackets; nil for local input.
    package var address: ByteString?
    /// Its port.
    package var port: Int
    /// The identity by RFC 1413, or the login of a local caller.
    package var ident: ByteString?

    /// Makes a value.
    package init(
        name: ByteString? = nil, helo: ByteString? = nil, address: ByteString?, port: Int = 0,
        ident: ByteString? = nil
    ) {
        self.name = name
        self.helo = helo
        self.address = address
        self.port = port
        self.ident = ident
    }

    /// `$sender_fullhost`, such as `name (helo) [ip]`; with selector `incoming_port` the port follows the
    /// bracket.
    package func fullHost(showingPort: Bool) -> ByteString {
        guard let bracketed = bracketed(showingPort: showingPort) else { return ByteString() }
        switch (name, loggedHelo) {
        case (let name?, let helo?): return "\(name) (\(helo)) \(bracketed)"
        case (let name?, nil): return "\(name) \(bracketed)"
        case (nil, let helo?): return "(\(helo)) \(bracketed)"
        case (nil, nil): return bracketed
        }
    }

    /// `$sender_rcvhost`, the peer in a Received: line, such as `name ([ip] helo=helo ident=user)`; nil for
    /// local input.
    package func receivedHost(showingPort: Bool) -> ByteString? {
        guard let bracketed = bracketed(showingPort: showingPort) else { return nil }
        var items: [ByteString] = []
        if let helo = shownHelo { items.append("helo=\(helo)") }
        if let ident { items.append("ident=\(ident)") }
        guard let name else {
            return items.isEmpty ? bracketed : "\(bracketed) (\(items.joined(separator: " ")))"
        }
        return "\(name) (\(([bracketed] + items).joined(separator: " ")))"
    }

    /// The peer in a log line: `H=(helo) [ip] I=[ip]:port U=ident`, or `U=login` for local input.
    ///
    /// `prefixed` false leaves `H=` out, as lines with `SMTP call from` do.
    package func logged(
        by selector: LogSelector, interface: LoggedInterface? = nil, prefixed: Bool = true
    ) -> ByteString {
        var items: [ByteString] = []
        if address != nil {
            let host = fullHost(showingPort: selector.has(.incomingPort))
            items.append(prefixed ? "H=\(host)" : host)
            if selector.has(.incomingInterface), let interface { items.append("I=\(interface.text)") }
        }
        if let ident { items.append("U=\(ident.shown(by: selector))") }
        return items.joined(separator: " ")
    }

    private func bracketed(showingPort: Bool) -> ByteString? {
        guard let address else { return nil }
        // A caller who speaks for another host need not know the port.
        return showingPort && port > 0 ? "[\(address)]:\(port)" : "[\(address)]"
    }

    // A HELO name that only repeats the verified name is not shown.
    private var loggedHelo: ByteString? {
        guard let helo, !helo.isEmpty else { return nil }
        if let name, helo.equalsIgnoringCase(name) { return nil }
        return helo
    }

    // In a Received: line one that only repeats the address is not shown either.
    private var shownHelo: ByteString? {
        guard let helo = loggedHelo else { return nil }
        if let address, helo == ("[\(address)]" as ByteString) { return nil }
        return helo
    }
}

/// A local socket address, shown as `[ip]:port`.
package struct LoggedInterface: Sendable, Hashable {
    /// The address without brackets.
    package var address: ByteString
    /// The port.
    package var port: Int

    /// Makes a value.
    package init(address: ByteString, port: Int) {
        self.address = address
        self.port = port
    }

    var text: ByteString { "[\(address)]:\(port)" }
}
