import ACL
import Bytes
import EximLog
import Expansion
import MailSystem
import MailText

/// Writes what a session logs.
struct SessionLog {
    let system: MailSystem
    let writesReject: Bool

    /// The peer as log lines name it: `H=(helo) [ip]`, `U=login`.
    func peer(_ facts: Facts, prefixed: Bool = false) -> ByteString {
        let interface = facts.connection.interfaceAddress.map {
            LoggedInterface(address: $0.text, port: facts.connection.interfacePort ?? 0)
        }
        return Self.peerName(facts).logged(
            by: system.settings.logSelector, interface: interface, prefixed: prefixed)
    }

    /// What is known of the peer.
    static func peerName(_ facts: Facts) -> PeerName {
        let connection = facts.connection
        return PeerName(
            name: connection.hostName.name, helo: connection.helo, address: connection.remoteAddress?.text,
            port: connection.remotePort ?? 0, ident: connection.ident)
    }

    /// A line of the main log.
    func main(_ text: ByteString) {
        system.log.write(main: text)
    }

    /// A line that goes where its targets say; `message` is the id it belongs to.
    func write(_ text: ByteString, to targets: RejectTargets, id: ByteString? = nil) {
        let line = id.map { "\($0) \(text)" as ByteString } ?? text
        if targets.contains(.main) { system.log.write(main: line) }
        if targets.contains(.reject), writesReject { system.log.write(reject: line) }
        if targets.contains(.panic) { system.log.write(panic: line) }
    }

    /// Writes what ACLs left for the log, and takes it out of the state.
    func flush(_ state: inout ACLState) {
        for line in state.logLines {
            let text = line.namesPeer ? "\(peer(state.facts, prefixed: true)) \(line.text)" : line.text
            write(text, to: line.targets, id: state.facts.message.id)
        }
        state.logLines = []
    }

    /// A refusal: `H=... F=<sender> [temporarily ]rejected <what>: <why>`.
    func rejected(_ what: ByteString, _ verdict: ACLVerdict, _ state: ACLState, header: [Header]? = nil) {
        let temporarily: ByteString = verdict.decision == .defer ? "temporarily " : ""
        let sender = state.facts.message.sender.map { " F=<\($0)>" as ByteString } ?? ""
        let why = verdict.logMessage.map { ": \($0.escapedForLog())" as ByteString } ?? ""
        let text: ByteString =
            "\(peer(state.facts, prefixed: true))\(sender) \(temporarily)rejected \(what)\(why)"
        let id = state.facts.message.id
        let line = id.map { "\($0) \(text)" as ByteString } ?? text
        if verdict.rejectTargets.contains(.main) { system.log.write(main: line) }
        guard verdict.rejectTargets.contains(.reject), writesReject else { return }
        system.log.write(reject: line + rejectedHeader(header, state))
    }

    /// The envelope and header lines that follow a refusal in the reject log.
    private func rejectedHeader(_ header: [Header]?, _ state: ACLState) -> ByteString {
        guard let header, system.settings.logSelector.has(.rejectedHeader) else { return "" }
        let message = state.facts.message
        var text: ByteString = "\nEnvelope-from: <\(message.sender ?? "")>"
        for (index, recipient) in message.recipients.prefix(5).enumerated() {
            text += (index == 0 ? "\nEnvelope-to: <\(recipient)>" : "\n    <\(recipient)>") as ByteString
        }
        if message.recipients.count > 5 { text += "\n    ..." as ByteString }
        for line in header {
            text += "\n\(ByteString([line.kind.rawValue])) \(line.text.dropLast())" as ByteString
        }
        return text
    }
}
