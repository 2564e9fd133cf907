import ACL
import Bytes
import EximLog
import Expansion
import MailSystem
import MailText

/// Writes what a session logs.
struct SessionLog {
    let system: MailSystem

    private var selector: LogSelector { system.settings.logSelector }

    /// What is known of the peer.
    static func peerName(_ facts: Facts) -> PeerName {
        let connection = facts.connection
        return PeerName(
            name: connection.hostName.name, helo: connection.helo, address: connection.remoteAddress?.text,
            port: connection.remotePort ?? 0, ident: connection.ident)
    }

    /// Who talks to us, for all lines of a session.
    static func identity(_ facts: Facts) -> SessionIdentity {
        var identity = SessionIdentity(peerName(facts))
        identity.interface = facts.connection.interfaceAddress.map {
            LoggedInterface(address: $0.text, port: facts.connection.interfacePort ?? 0)
        }
        return identity
    }

    /// A line of the main log.
    func main(_ text: ByteString, id: ByteString? = nil) { system.log.main(text, id: id) }

    /// A line that the postmaster must see: main and panic log.
    func panic(_ text: ByteString, id: ByteString? = nil) { system.log.panic(text, id: id) }

    /// Something that befell the session, where the log selector wants it.
    func event(_ event: SessionEvent, _ facts: Facts, alsoReject: Bool = false) {
        guard let text = event.text(by: selector, of: Self.identity(facts)) else { return }
        if alsoReject { system.log.reject(text) } else { system.log.main(text) }
    }

    /// An address without a domain was refused.
    func unqualified(_ what: ByteString, _ address: ByteString, _ facts: Facts) {
        let who = Self.identity(facts).peer.logged(by: selector)
        system.log.reject("unqualified \(what) rejected: <\(address)> \(who)")
    }

    /// Writes what ACLs left for the log, and takes it out of the state.
    func flush(_ state: inout ACLState) {
        for line in state.logLines {
            let who = Self.identity(state.facts).peer.logged(by: selector)
            let text = line.namesPeer && !who.isEmpty ? "\(who) \(line.text)" : line.text
            write(text, to: line.targets, id: state.facts.message.id)
        }
        state.logLines = []
    }

    /// A refusal by an ACL, with the header when it is known.
    func rejected(
        _ subject: Rejection.Subject, _ verdict: ACLVerdict, _ state: ACLState, header: [Header]? = nil
    ) {
        let record = Rejection(
            subject, of: Self.identity(state.facts), sender: state.facts.message.sender ?? "",
            isTemporary: verdict.decision == .defer, reason: verdict.logMessage)
        let rejected = header.map { header in
            RejectedHeader(
                sender: state.facts.message.sender ?? "",
                recipients: state.facts.message.recipients.map { "<\($0)>" },
                headers: header.map { ($0.kind.rawValue, $0.text) })
        }
        write(
            record.text(by: selector), to: verdict.rejectTargets, id: state.facts.message.id, header: rejected
        )
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
