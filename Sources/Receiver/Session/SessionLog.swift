import ACL
import Bytes
import EximLog
import Expansion
import MailSystem
import MailText

/// Writes what a session logs.
struct SessionLog {
    let system: MailSystem
    /// Whether lines about the beginning and end of connections are written (`hosts_connection_nolog`).
    var namesConnections = true

    private var selector: LogSelector { system.settings.logSelector }

    /// What is known of the peer.
    static func peerName(_ facts: Facts) -> PeerName {
        let connection = facts.connection
        return PeerName(
            name: connection.hostName.name, helo: connection.helo, address: connection.remoteAddress?.text,
            port: connection.remotePort ?? 0, ident: connection.ident)
    }

    /// How the client has authenticated; nil when it has not.
    static func authentication(_ facts: Facts) -> LoggedAuthentication? {
        let connection = facts.connection
        return connection.authenticatorName.map {
            LoggedAuthentication(
                authenticator: $0, id: connection.authenticatedID, sender: connection.authenticatedSender)
        }
    }

    /// TLS of the session; nil for clear text.
    static func security(_ facts: Facts) -> LoggedTLS? {
        let tls = facts.connection.tlsIn
        return tls.cipher.map {
            LoggedTLS(
                cipher: $0, verification: tls.certificateVerified ? .yes : .no, peerDN: tls.peerDN,
                sni: tls.serverName)
        }
    }

    /// Who talks to us, for all lines of a session.
    static func identity(_ facts: Facts) -> SessionIdentity {
        var identity = SessionIdentity(peerName(facts))
        identity.interface = facts.connection.interfaceAddress.map {
            LoggedInterface(address: $0.text, port: facts.connection.interfacePort ?? 0)
        }
        identity.tls = security(facts)
        identity.authentication = authentication(facts)
        return identity
    }

    /// A line of the main log.
    func main(_ text: ByteString, id: ByteString? = nil) { system.log.main(text, id: id) }

    /// A line that the postmaster must see: main and panic log.
    func panic(_ text: ByteString, id: ByteString? = nil) { system.log.panic(text, id: id) }

    /// Something that befell the session, where the log selector wants it.
    func event(_ event: SessionEvent, _ facts: Facts, alsoReject: Bool = false) {
        guard namesConnections || !event.concernsConnection,
            let text = event.text(by: selector, of: Self.identity(facts))
        else { return }
        if alsoReject { system.log.reject(text) } else { system.log.main(text) }
    }

    /// A session that is dropped for what its client did: main and reject log, with the header lines that have come
    /// and the envelope as far as it is known.
    func event(_ event: SessionEvent, _ state: ACLState, headers: [Header]?, id: ByteString? = nil) {
        guard let text = event.text(by: selector, of: Self.identity(state.facts)) else { return }
        write(text, to: [.main, .reject], id: id, header: headers.map { Self.known(state, $0) })
    }

    /// A message was refused for its form: main and reject log, with what has come of it.
    func refused(_ text: ByteString, _ state: ACLState, headers: [Header]) {
        write(text, to: [.main, .reject], id: nil, header: Self.known(state, headers))
    }

    /// An address without a domain was refused.
    func unqualified(_ what: ByteString, _ address: ByteString, _ facts: Facts) {
        let event = SessionEvent.unqualified(role: what, address: address)
        guard let text = event.text(by: selector, of: Self.identity(facts)) else { return }
        if system.log.options.showsOnly, !selector.has(.smtpSyntaxError) { return }
        system.log.write(
            EximLogWriter.Line(
                text, id: nil, logs: selector.has(.smtpSyntaxError) ? [.main, .reject] : [.reject]))
    }

    private static func known(_ state: ACLState, _ headers: [Header]) -> RejectedHeader {
        RejectedHeader(
            sender: state.facts.message.sender ?? "", recipients: state.facts.message.recipients,
            headers: headers.map { ($0.kind.rawValue, $0.text) })
    }

    /// Writes what ACLs left for the log, and takes it out of the state.
    func flush(_ state: inout ACLState) {
        for line in state.logLines { write(line, state.facts) }
        state.logLines = []
    }

    /// Writes a line of an ACL, where the log selector wants it.
    func write(_ line: ACLState.LogLine, _ facts: Facts) {
        guard line.item.map(selector.has) ?? true else { return }
        let who = Self.identity(facts).peer.logged(by: selector)
        // What ACLs write may hold a sender's octets: one line stays one line.
        let said = line.text.shown(by: selector, tabPrints: true)
        let text = line.namesPeer && !who.isEmpty ? "\(who) \(said)" : said
        write(text, to: line.targets, id: facts.message.id)
    }

    /// A refusal by an ACL, with the header when it is known.
    func rejected(
        _ subject: Rejection.Subject, _ verdict: ACLVerdict, _ state: ACLState, header: [Header]? = nil
    ) {
        // Exim names nobody for what a local caller hands in, and calls every refusal final.
        let isLocal = subject == .message("by non-SMTP ACL")
        let record = Rejection(
            subject, of: isLocal ? SessionIdentity(PeerName(address: nil)) : Self.identity(state.facts),
            sender: state.facts.message.sender ?? "",
            isTemporary: verdict.decision == .defer && !isLocal, reason: Self.reason(of: verdict))
        let rejected = header.map { Self.known(state, $0) }
        write(
            record.text(by: selector), to: verdict.rejectTargets, id: state.facts.message.id, header: rejected
        )
    }

    /// The host that a message was passed on to has refused it for an address.
    func rejected(_ delivery: Delivery, isTemporary: Bool, _ state: ACLState, header: [Header]) {
        let subject = Rejection.Subject.passedOn(
            address: delivery.addressText(by: selector), isTemporary: isTemporary)
        let record = Rejection(
            subject, of: Self.identity(state.facts), sender: state.facts.message.sender ?? "",
            isTemporary: false, reason: delivery.wayText(by: selector))
        write(
            record.text(by: selector), to: isTemporary ? [.main] : [.main, .reject],
            id: state.facts.message.id, header: isTemporary ? nil : Self.known(state, header))
    }

    /// The first line of why.
    private static func reason(of verdict: ACLVerdict) -> ByteString? {
        verdict.logMessage.map { ByteString($0.prefix { $0 != .newline }) }
    }

    private func write(
        _ text: ByteString, to targets: RejectTargets, id: ByteString?, header: RejectedHeader? = nil
    ) {
        var logs: [LogKind] = []
        if targets.contains(.main) { logs.append(.main) }
        if targets.contains(.reject) { logs.append(.reject) }
        if targets.contains(.panic) { logs.append(.panic) }
        let tail = selector.has(.rejectedHeader) ? header?.lines ?? "" : ""
        system.log.write(EximLogWriter.Line(text, id: id, logs: logs, rejectTail: tail))
    }
}
