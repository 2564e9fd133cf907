import Bytes
package import Expansion
import Hints
import OpenSSL
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
    /// Writes a line to the logs.
    let tell: @Sendable (ByteString) -> Void

    /// Nil when nobody wants to hear.
    init?(
        _ action: EventAction?, _ facts: Facts, tell: @escaping @Sendable (TransportLogLine) -> Void
    ) {
        guard let action else { return nil }
        self.action = action
        self.tell = { tell(TransportLogLine($0)) }
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

/// What events are told of a connection.
struct ConnectionState: Sendable {
    /// Our end; nil before there is a connection.
    var local: (address: IPAddress, port: Int)?
    /// What TLS came to; nil in clear text.
    var tls: TLSFacts?
    /// The proxy between us and the server.
    var proxy: UsedProxy?
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
    ///
    /// What is connected to is the host, or a proxy that lies before it.
    func connecting(through proxy: (address: IPAddress, port: Int)? = nil) async -> ClientTrouble? {
        let answer = await raise(MailEvent(.tcpConnect), ConnectionState(), at: proxy)
        guard !answer.isEmpty else { return nil }
        return ClientTrouble(scope: .host, isPermanent: false, errno: Int(EximErrno.event), text: "")
    }

    /// The trouble that closes a connection whose server has greeted; nil when there is none.
    func greeted(_ greeting: Reply, _ state: ConnectionState) async -> ClientTrouble? {
        let answer = await raise(MailEvent(.smtpConnect, data: greeting.text), state)
        guard !answer.isEmpty else { return nil }
        return ClientTrouble(
            scope: .host, isPermanent: false, errno: Int(EximErrno.expansionFailed),
            text: "deferred by smtp:connect event expansion: \(answer)")
    }

    /// The server has answered EHLO or LHLO.
    func answeredHello(_ answer: Reply, _ state: ConnectionState) async {
        _ = await raise(MailEvent(.smtpHello, data: answer.text), state)
    }

    /// The host is not as DANE wants it.
    func failed(_ result: DANEResult, _ tls: TLSFacts? = nil) async {
        _ = await raise(MailEvent(.daneFailure, data: result.rawValue), ConnectionState(tls: tls))
    }

    /// The connection is closed.
    func closed(_ state: ConnectionState) async { _ = await raise(MailEvent(.tcpClose), state) }

    /// The server has shown certificates, its own first; whether the action takes them all.
    ///
    /// The one that vouches for the others is asked about first.
    func certificates(_ chain: [Certificate], _ state: ConnectionState) async -> Bool {
        for (depth, certificate) in chain.enumerated().reversed() {
            // What the session came to is known to nobody before its certificates are taken.
            var seen = ConnectionState(local: state.local, tls: TLSFacts())
            seen.tls?.serverName = state.tls?.serverName
            seen.tls?.peerCertificate = certificate
            let answer = await raise(MailEvent(.tlsCertificate, data: "\(depth)"), seen)
            guard !answer.isEmpty else { continue }
            let subject = certificate.subjectText.escapingUnprintable()
            events.tell(
                "[\(address.text)] SSL verify denied by event-action: depth=\(depth) cert=\(subject): \(answer.escapingUnprintable())"
            )
            return false
        }
        return true
    }

    /// Through a proxy it is the proxy that the connection is with, as Exim has it.
    private func raise(
        _ event: MailEvent, _ state: ConnectionState, at proxy: (address: IPAddress, port: Int)? = nil
    ) async -> ByteString {
        let place = proxy ?? state.proxy.map { ($0.address, $0.port) } ?? (address, port)
        return await events.raise(event) { facts in
            facts.address.host = TaintedBytes(host)
            facts.address.hostAddress = place.0
            facts.address.hostPort = place.1
            facts.connection.sendingAddress = state.local?.address
            facts.connection.sendingPort = state.local?.port
            facts.connection.tlsOut = state.tls ?? TLSFacts()
            facts.connection.proxy = state.proxy?.facts
        }
    }
}
