package import Bytes
package import Expansion
import Spooler

/// What a trusted caller says of the host that a message came from (Exim's `-oM` options).
package struct PeerClaims: Sendable, Equatable {
    /// `-oMa`: the host's address, and its port.
    package var address: IPAddress?
    package var port = 0
    /// `-oMs`: its name.
    package var name: ByteString?
    /// `-oMt`: who it says the user is.
    package var ident: ByteString?
    /// `-oMi`: the address of ours that it used, and its port.
    package var interface: IPAddress?
    package var interfacePort: Int?
    /// `-oMaa`, `-oMai`, `-oMas`: who has authenticated, and how.
    package var authenticator: ByteString?
    package var authenticatedID: ByteString?
    package var authenticatedSender: ByteString?
    /// `-oMr`: the protocol's name.
    package var protocolName: ByteString?
    /// `-oMm`: the message that this one answers.
    package var reference: ByteString?

    /// Claims nothing.
    package init() {}

    /// A value that is no claim, and what was expected.
    package struct Mistake: Error, Sendable, Hashable {
        /// For people, with the option.
        package let text: ByteString
    }

    /// Takes the value of an option, by the letters after `-oM`.
    package mutating func take(_ letters: ByteString, _ value: ByteString) throws(Mistake) {
        switch letters {
        case "a":
            let place = try Self.place(value, of: "-oMa")
            (address, port) = (place.address, place.port ?? 0)
        case "i":
            let place = try Self.place(value, of: "-oMi")
            (interface, interfacePort) = (place.address, place.port)
        case "s": name = value
        case "t": ident = value
        case "aa": authenticator = value
        case "ai": authenticatedID = value
        case "as": authenticatedSender = value
        case "r": protocolName = value
        case "m":
            guard MessageID(value) != nil else {
                throw Mistake(text: "-oMm must be a valid message ID: \"\(value)\" is none")
            }
            reference = value
        default: throw Mistake(text: "-oM\(letters) is not an option")
        }
    }

    private static func place(
        _ text: ByteString, of option: ByteString
    ) throws(Mistake) -> (address: IPAddress, port: Int?) {
        guard let place = place(text) else {
            throw Mistake(
                text: "\(option) \(text): expected an IP address, perhaps with a port: [10.9.8.7]:1234")
        }
        return place
    }

    /// Writes what is claimed over what is known.
    package func apply(to facts: inout ConnectionFacts) {
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
    package static func place(_ text: ByteString) -> (IPAddress, Int?)? {
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
