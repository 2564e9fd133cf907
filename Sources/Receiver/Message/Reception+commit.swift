import ACL
import Bytes
import Configuration
import EximLog
import Expansion
import MailSystem
import MailText
import Routing
import SMTP
import Spooler

/// The commit: `-H`, the log line, and what is logged of a message that waits.
extension Reception {
    mutating func commit(
        _ message: consuming ReceivedMessage, _ fixed: CompleteHeader, _ id: MessageID, _ said: ByteString?
    ) async -> ReceptionOutcome {
        let (header, sender) = headerFile(message, fixed)
        let size = header.receptionSize(bodySize: message.pending.bodySize)
        let record = arrivalRecord(sender, fixed, size)
        let notes = queueingNotes(header)
        let stamp = system.log.currentStamp()
        let lines = [record.messageLogText(by: system.settings.logSelector)] + notes
        let first = lines.map { "\(stamp) \($0)" as ByteString }.joined(separator: "\n")
        if context.isRehearsal {
            log.main(record.text(by: system.settings.logSelector), id: id.bytes)
            for note in notes { log.main(note, id: id.bytes) }
            return .committed(id, said: said, nil)
        }
        let committed: CommittedMessage
        do {
            committed = try await message.pending.commit(header, logging: first, in: context.commits)
        } catch {
            log.panic(ByteString(error.description), id: id.bytes)
            return .failed("spool error: \(ByteString(error.description))")
        }
        // From here on the message is ours: whatever goes wrong now must not make the client send it again.
        log.main(record.text(by: system.settings.logSelector), id: id.bytes)
        if let failure = committed.messageLogFailure {
            log.panic("message log: \(ByteString(failure.description))", id: id.bytes)
        }
        for note in notes { log.main(note, id: id.bytes) }
        let outcome = ReceptionOutcome.committed(id, said: said, committed.release())
        await tellOfFreezing(id, header)
        return outcome
    }

    /// Tells those that `freeze_tell` names of a message that an ACL has frozen, unless it said not to.
    ///
    /// Nobody hears of our own reports: an ACL that freezes all would never end.
    private func tellOfFreezing(_ id: MessageID, _ header: HeaderFile) async {
        let controls = state.controls.filter { $0.name == "freeze" }
        guard header.isFrozen, !arrival.isLocalError, !controls.contains(where: { $0.options == "no_tell" }),
            let people = system.configuration.main.text("freeze_tell"), !people.isEmpty
        else { return }
        let from = await MistakeReporting(nil, system.configuration.main).from(context, state.facts)
        var frame = NotificationFrame(
            from: from, to: people, hostname: system.settings.primaryHostName, boundary: "")
        frame.headers = header.headers.filter { !$0.isDeleted }.map { Header($0.text) }
        let text: ByteString =
            "Message \(id.bytes) was frozen on arrival by ACL.\nThe sender is <\(header.sender)>.\n"
        do throws(Submission.Refusal) {
            let notice = ComposedNotification.frozen(frame, text, onArrival: true)
            try await Submission.handIn(notice.head, about: id, context)
        } catch {
            log.main("freeze notice not submitted: \(error.text)", id: id.bytes)
        }
    }

    func headerFile(
        _ message: borrowing ReceivedMessage, _ fixed: CompleteHeader
    ) -> (HeaderFile, sender: ByteString) {
        let sender = fixed.sender?.text ?? envelope.sender ?? ""
        var header = HeaderFile(
            id: message.pending.id, origin: arrival.origin, sender: sender,
            receivedTime: arrival.begun.seconds)
        HeaderFileFilling(state, envelope, arrival, now: SpoolTime.now()).fill(&header, body: message.pending)
        header.headers = fixed.headers.map { HeaderLine($0.text, type: $0.kind.rawValue) }
        return (header, sender)
    }

    /// What is said in both logs of a message that is not delivered at once.
    private func queueingNotes(_ header: HeaderFile) -> [ByteString] {
        var notes: [ByteString] = header.isFrozen ? ["frozen by ACL"] : []
        if let text = queuedFor?.text, system.settings.logSelector.has(.delayDelivery) {
            notes.append("no immediate delivery: \(text)")
        }
        return notes
    }

    /// Why the message is left to a queue run; nil when it is not.
    private var queuedFor: QueueingRules.Reason? {
        state.has("queue_only") || state.has("queue") ? .byACL : arrival.queued
    }

    /// Whether no delivery is begun now.
    var waits: Bool {
        queuedFor != nil || hasBeenTried || state.has("freeze")
    }

    func arrivalRecord(_ sender: ByteString, _ fixed: CompleteHeader, _ size: Int) -> Arrival {
        let connection = state.facts.connection
        var record = Arrival(
            sender: sender, peer: SessionLog.peerName(state.facts),
            protocol: connection.receivedProtocol ?? "local", size: size)
        record.reference = arrival.reference
        record.isFaked = PretendedRefusal(state)?.code == 550
        record.interface = connection.interfaceAddress.map {
            LoggedInterface(address: $0.text, port: connection.interfacePort ?? 0)
        }
        record.tls = SessionLog.security(state.facts)
        record.tlsOnConnect = arrival.beganInTLS
        record.authentication = SessionLog.authentication(state.facts)
        record.usedChunking = arrival.usedChunking
        record.proxy = connection.proxy?.localAddress?.text
        record.pipelining = arrival.pipelining
        record.bodyType = envelope.mail?.body.map { $0 == .sevenBit ? 7 : 8 } ?? 0
        if let identity = fixed.messageID {
            record.messageID = identity.id.isEmpty ? nil : identity.id
            record.messageIDWasCreated = identity.created
        }
        record.subject = (fixed.headers.named("subject").first?.unfoldedValue).map(
            system.expander.decodingWords)
        record.rawSender = sender
        record.recipients = envelope.recipients.map { $0.given ?? $0.address }
        record.queue = state.queue ?? ""
        record.dkimDomain =
            state.facts.message.dkim?.signatures.first { $0.status == "pass" }?.values["dkim_domain"]
        let (begun, now) = (arrival.begun, SpoolTime.now())
        let seconds = Int(now.seconds) - Int(begun.seconds)
        record.receiveTime = LogInterval(
            microseconds: seconds * 1_000_000 + Int(now.microseconds) - Int(begun.microseconds))
        return record
    }
}
