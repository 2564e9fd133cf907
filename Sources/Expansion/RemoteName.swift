package import Bytes
import Synchronization

/// What the resolver knows about a host's name.
package enum NameLookup: Sendable, Hashable {
    /// The names that lead back to the address, the first one being the host's.
    case found([ByteString])
    /// No name, or none that leads back to the address.
    case notFound
    /// The resolver could not tell.
    case deferred(ByteString)
}

/// What the resolver knows about a host's addresses.
package enum AddressLookup: Sendable, Hashable {
    /// The addresses, in the resolver's order.
    case found([IPAddress])
    /// No such name, or no address under it.
    case notFound
    /// The resolver could not tell.
    case deferred(ByteString)
}

/// The peer's name: asked for at most once a connection, whichever copy of the facts asks first.
package final class RemoteName: Sendable {
    private let state: Mutex<NameLookup?>

    /// Not looked up yet, unless the answer is given.
    package init(_ known: NameLookup? = nil) { state = Mutex(known) }

    /// The answer so far; nil while nobody has asked.
    package var known: NameLookup? { state.withLock(\.self) }

    /// The verified name, when there is one.
    package var name: ByteString? {
        if case .found(let names) = known { names.first } else { nil }
    }

    /// Keeps an answer; the first one stays.
    package func settle(_ answer: NameLookup) {
        state.withLock { $0 = $0 ?? answer }
    }
}

extension Environment {
    /// The peer's names, verified both ways: looked for unless that has been done, and the log is told when there are none.
    package func nameOfPeer(_ facts: Facts) async -> NameLookup {
        let name = facts.connection.hostName
        if let known = name.known { return known }
        guard let address = facts.connection.remoteAddress else { return .notFound }
        let answer = await namesOfAddress(address)
        name.settle(answer)
        if case .notFound = answer {
            noteNameless("no host name found for IP address \(address.text)", facts.message.id)
        }
        return answer
    }

    /// Tells the log that a name in a host list has no address, and of whom the list was asked.
    func noteAddressless(_ name: ByteString, _ facts: Facts) {
        let peer = facts.connection.remoteAddress == nil ? nil : HostDescription.full(facts, self)
        let during =
            peer.map { " (during SMTP connection from \($0)\(interface(facts)))" as ByteString } ?? ""
        noteNameless("no IP address found for host \(name)\(during)", facts.message.id)
    }

    /// Our end of the connection, where the log wants it (`I=`).
    private func interface(_ facts: Facts) -> ByteString {
        guard settings.showsInterface, let address = facts.connection.interfaceAddress else { return "" }
        let port = settings.showsPortInHostText ? facts.connection.interfacePort : nil
        return " I=[\(address.text)]" + (port.map { ":\($0)" as ByteString } ?? "")
    }
}
