import Bytes
import Expansion

/// What a trusted caller says of the host that a message came from (Exim's `-oM` options).
struct PeerClaims: Sendable, Equatable {
    /// `-oMa`: the host's address, and its port.
    var address: IPAddress?
    var port = 0
    /// `-oMs`: its name.
    var name: ByteString?
    /// `-oMt`: who it says the user is.
    var ident: ByteString?
    /// `-oMi`: the address of ours that it used, and its port.
    var interface: IPAddress?
    var interfacePort: Int?
    /// `-oMaa`, `-oMai`, `-oMas`: who has authenticated, and how.
    var authenticator: ByteString?
    var authenticatedID: ByteString?
    var authenticatedSender: ByteString?
    /// `-oMr`: the protocol's name.
    var protocolName: ByteString?
    /// `-oMm`: the message that this one answers.
    var reference: ByteString?

    /// Writes what is claimed over what is known.
    func apply(to facts: inout ConnectionFacts) {
        if let address {
            facts.remoteAddress = address
            facts.remotePort = port
        }
        if let name { facts.hostName = RemoteName(.found([name])) }
        if let ident { facts.ident = ident }
        if let interface {
            facts.interfaceAddress = interface
            facts.interfacePort = interfacePort ?? 0
        }
        if let authenticator { facts.authenticatorName = authenticator }
        if let authenticatedID { facts.authenticatedID = authenticatedID }
        if let authenticatedSender { facts.authenticatedSender = authenticatedSender }
        if let protocolName { facts.receivedProtocol = protocolName }
    }

    /// An address as `-oMa` and `-oMi` take it: `10.9.8.7`, `10.9.8.7.1234` or `[10.9.8.7]:1234`; nil for another form.
    static func place(_ text: ByteString) -> (IPAddress, Int?)? {
        if let bare = IPAddress(text) { return (bare, nil) }
        if text.first == UInt8(ascii: "["), let end = text.firstIndex(of: UInt8(ascii: "]")),
            let address = IPAddress(ByteString(text[1..<end]))
        {
            let rest = text[(end + 1)...]
            if rest.isEmpty { return (address, nil) }
            guard rest.first == UInt8(ascii: ":"), let port = port(rest.dropFirst()) else { return nil }
            return (address, port)
        }
        guard let parts = text.cutAtLast(UInt8(ascii: ".")),
            let address = IPAddress(ByteString(parts.before)),
            let port = port(parts.after)
        else { return nil }
        return (address, port)
    }

    private static func port(_ digits: ArraySlice<UInt8>) -> Int? {
        guard digits.allSatisfy(\.isASCIIDigit), let number = digits.decimalInteger(), number <= 65_535 else {
            return nil
        }
        return Int(number)
    }
}
