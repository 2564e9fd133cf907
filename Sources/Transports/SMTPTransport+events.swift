import Bytes
import Expansion
import Hints
import Routing
import SMTP

// What `event_action` hears of addresses and hosts (manual, chapter 61). Of connections tells HostEvents.
extension SMTPTransport {
    /// Writes what there is to log, before an event is raised or a connection ends that tells of it.
    mutating func flush() {
        if events != nil { writeLines() }
    }

    /// Writes what there is to log at once.
    mutating func writeLines() {
        for line in lines { environment.tell(line) }
        lines = []
    }

    /// A host has said something about a recipient.
    mutating func tellOfRecipient(
        _ trouble: ClientTrouble, _ index: Int, _ used: UsedHost, isLast: Bool
    ) async {
        guard events != nil, !trouble.isPermanent, let code = trouble.code, trouble.errno != 0 else { return }
        let more = EximErrno.more(fromMX: used.host.mx != nil, replyCode: code, connecting: false)
        for name: MailEvent.Name in isLast ? [.recipientHostDefer, .recipientDefer] : [.recipientHostDefer] {
            await raise(MailEvent(name, data: trouble.text, deferErrno: more), index, used)
        }
    }

    /// A connection has ended, or could not be made, with troubles: what is logged and told of the host, and of the whole
    /// when there is no further host.
    mutating func tellOfEnding(
        _ troubles: [(index: Int, trouble: ClientTrouble)], _ used: UsedHost, isLast: Bool
    ) async {
        var said: Set<ByteString> = []
        for (_, trouble) in troubles where trouble.scope == .host {
            note(trouble, used, isLast: isLast, &said)
        }
        guard events != nil else { return }
        if let (index, trouble) = troubles.first(where: { $0.trouble.scope == .host }) {
            await raise(event(.hostDefer, trouble), index, used)
        }
        if isLast, let (index, trouble) = troubles.first(where: { Self.puts(off: $0.trouble) }) {
            await raise(event(.messageDefer, trouble), index, used)
        }
    }

    /// Whether all wait for another time: a host that refuses all for good may be there again, too.
    private static func puts(off trouble: ClientTrouble) -> Bool {
        switch trouble.scope {
        case .host: true
        case .message: !trouble.isPermanent
        case .recipient: false
        }
    }

    private func event(_ name: MailEvent.Name, _ trouble: ClientTrouble) -> MailEvent {
        let number = Int32(clamping: trouble.errno)
        let word = number > 0 ? SystemFailure(number: number).text : ""
        let text: ByteString =
            trouble.text.isEmpty || word.isEmpty
            ? "\(trouble.text)\(word)" : "\(trouble.text): \(word)"
        return MailEvent(name, data: text, deferErrno: number)
    }

    private mutating func raise(_ event: MailEvent, _ index: Int, _ used: UsedHost) async {
        flush()
        let item = scene.items[index]
        let transport = scene.transport.name
        await events?.raise(event) { facts in
            facts.address = item.instruction.facts
            facts.address.transportName = transport
            facts.address.setHost(used)
            facts.connection.sendingAddress = used.localAddress
            facts.connection.sendingPort = used.localAddress.map { _ in used.localPort }
            facts.connection.tlsOut = used.tls ?? TLSFacts()
            facts.connection.proxy = used.proxyFacts
        }
    }
}

extension AddressFacts {
    /// `$host`, `$host_address` and `$host_port` of a host that was used.
    package mutating func setHost(_ used: UsedHost) {
        host = TaintedBytes(used.host.name)
        hostAddress = used.host.address
        hostPort = used.port
        hostDNSSEC = used.host.dnssec
    }
}
