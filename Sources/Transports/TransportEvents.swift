import Bytes
package import Expansion
import Hints
import SMTP
import Synchronization

extension Transport {
    /// `event_action`; nil when it is not set.
    ///
    /// `tell` is given the line for the logs when the option cannot be expanded.
    package func eventAction(
        _ expander: Expander, tell: @escaping @Sendable (TransportLogLine) -> Void
    ) -> EventAction? {
        generic.eventAction.map { template in
            EventAction(template, of: name, expander) { tell(TransportLogLine($0, isPanic: true)) }
        }
    }
}

/// What one call of a transport tells its `event_action`.
///
/// A class, since connections tell too. Variables that the action sets live as long as it.
final class TransportEvents: Sendable {
    private let action: EventAction
    private let facts: Mutex<Facts>

    /// Nil when nobody wants to hear.
    init?(_ action: EventAction?, _ facts: Facts) {
        guard let action else { return nil }
        self.action = action
        self.facts = Mutex(facts)
    }

    /// Raises an event with facts that `change` makes fit; gives what the action came to.
    @discardableResult
    func raise(_ event: MailEvent, _ change: (inout Facts) -> Void = { _ in }) async -> ByteString {
        let common = facts.withLock(\.self)
        var own = common
        change(&own)
        let answer = await action.raise(event, updating: &own)
        facts.withLock { $0.keepACLVariables(of: own) }
        return answer
    }
}

/// What a connection to one host tells, from before it is made until it is closed.
struct HostEvents: Sendable {
    private let events: TransportEvents
    private let host: ByteString
    private let address: IPAddress
    private let port: Int

    /// Nil when nobody wants to hear.
    init?(_ events: TransportEvents?, host: ByteString, address: IPAddress, port: Int) {
        guard let events else { return nil }
        (self.events, self.host, self.address, self.port) = (events, host, address, port)
    }

    /// The trouble that keeps us from connecting; nil when there is none.
    func connecting() async -> ClientTrouble? {
        let answer = await raise(MailEvent(.tcpConnect), nil)
        guard !answer.isEmpty else { return nil }
        return ClientTrouble(scope: .host, isPermanent: false, errno: Int(EximErrno.event), text: "")
    }

    /// The trouble that closes a connection whose server has greeted; nil when there is none.
    func greeted(_ greeting: Reply, _ local: LocalEnd?) async -> ClientTrouble? {
        let answer = await raise(MailEvent(.smtpConnect, data: greeting.text), local)
        guard !answer.isEmpty else { return nil }
        return ClientTrouble(
            scope: .host, isPermanent: false, errno: Int(EximErrno.expansionFailed),
            text: "deferred by smtp:connect event expansion: \(answer)")
    }

    /// The server has answered EHLO or LHLO.
    func answeredHello(_ answer: Reply, _ local: LocalEnd?) async {
        _ = await raise(MailEvent(.smtpHello, data: answer.text), local)
    }

    /// The connection is closed.
    func closed(_ local: LocalEnd?) async { _ = await raise(MailEvent(.tcpClose), local) }

    /// Our end of a connection.
    typealias LocalEnd = (address: IPAddress, port: Int)

    private func raise(_ event: MailEvent, _ local: LocalEnd?) async -> ByteString {
        await events.raise(event) { facts in
            facts.address.host = TaintedBytes(host)
            facts.address.hostAddress = address
            facts.address.hostPort = port
            facts.connection.sendingAddress = local?.address
            facts.connection.sendingPort = local?.port
        }
    }
}
