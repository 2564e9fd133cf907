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

/// What became of a message at its end.
enum ReceptionOutcome {
    /// It is accepted: its id, the text for the client, and when it can be delivered.
    case committed(MessageID, said: ByteString?, QueuedMessage)
    /// An ACL threw it away without a word.
    case discarded(MessageID)
    /// An ACL refused it.
    case refused(ACLVerdict)
    /// It could not be written: try again later.
    case failed(ByteString)
}

/// Brings a received message from its last octet to the commit: header lines, ACL, `-H`, log line.
struct Reception {
    let context: SessionContext
    let log: SessionLog
    var state: ACLState
    var envelope: Envelope
    let arrival: Arriving

    /// How the message came, as far as the facts do not tell.
    struct Arriving {
        /// When reception began.
        var begun: SpoolTime
        /// The longest line of the data.
        var longestLine = 0
        /// Whether BDAT was used.
        var usedChunking = false
        /// Addresses that `-t` takes away.
        var nonRecipients: [ByteString] = []
        /// How pipelining went.
        var pipelining = LoggedPipelining.notOffered
        /// Whether the body is in wire form.
        var isWireFormat = false
        /// The moment whose ACL decides.
        var moment: ACLMoment = .data
        /// For local callers: who submits, and what is done to the header.
        var submitter: Submitter?
        var fixups = FixupOptions()
        /// Flags of the spool's header file.
        var isLocal = false
        var isLocalError = false
        var dontDeliver = false
        var senderSetUntrusted = false
        /// Whether a trusted caller has set the sender: then the message is nobody's on this machine.
        var senderSetTrusted = false
        /// The message that this one answers (`-E`).
        var reference: ByteString?
        /// Line 2 of `-H`.
        var origin: (login: ByteString, uid: Int64, gid: Int64)
    }

    private var system: MailSystem { context.system }
    private var settings: ReceptionSettings { context.settings }

    init(
        _ context: SessionContext, _ log: SessionLog, _ state: ACLState, _ envelope: Envelope,
        _ arrival: Arriving
    ) {
        self.context = context
        self.log = log
        self.state = state
        self.envelope = envelope
        self.arrival = arrival
    }

    /// Completes the message.
    mutating func complete(_ message: consuming ReceivedMessage) async -> ReceptionOutcome {
        var message = message
        let id = message.pending.id
        if system.configuration.main.template(arrival.moment.option) != nil { showBody(&message) }
        let received = await receivedLine(id)
        var fixed = fixUp(message.headers, id)
        if allowsUnqualified { fixed.headers = qualified(fixed.headers) }
        fixed.headers.insert(Header(received, kind: .received), at: 0)
        do {
            fixed.headers = try await rewritten(fixed.headers)
        } catch {
            log.panic("header rewriting failed: \(error.text)", id: id.bytes)
            return .failed("header rewriting failed")
        }
        setFacts(fixed, message, id)
        let verdict = await runACL(id)
        switch verdict.decision {
        case .accept: break
        case .discard: return discard(message, fixed, verdict)
        case .deny, .defer, .drop:
            log.rejected(
                arrival.moment == .data ? .afterData : .message("by non-SMTP ACL"), verdict, state,
                header: fixed.headers)
            return .refused(verdict)
        }
        if envelope.recipients.isEmpty { return discard(message, fixed, verdict) }
        fixed.headers = HeaderEdit(state).applied(to: fixed.headers)
        return await commit(message, fixed, id, verdict.message)
    }

    private mutating func runACL(_ id: MessageID) async -> ACLVerdict {
        guard let option = system.configuration.main.template(arrival.moment.option) else {
            return ACLVerdict(.accept)
        }
        let verdict = await context.acls.run(option, at: arrival.moment, &state)
        log.flush(&state)
        return verdict
    }

    /// Brings what has come of the body into the file, for ACLs that look at it.
    private func showBody(_ message: inout ReceivedMessage) {
        var none: [UInt8] = []
        do {
            _ = try message.pending.readBody(at: 0, into: &none)
        } catch {
            log.panic("\(ByteString(error.description))", id: message.pending.id.bytes)
        }
    }

    /// Ends a message without recipients: it is logged as arrived and gone, and nothing is kept.
    private mutating func discard(
        _ message: consuming ReceivedMessage, _ fixed: CompleteHeader, _ verdict: ACLVerdict
    ) -> ReceptionOutcome {
        let id = message.pending.id
        let isLast = verdict.decision == .discard
        let by = isLast ? (arrival.moment == .data ? "DATA" : "non-SMTP") : envelope.discardedBy ?? "RCPT"
        let why: ByteString = isLast ? verdict.logMessage.map { ": \($0)" } ?? "" : ""
        if isLast { envelope.recipients = [] }
        var edited = fixed
        edited.headers = HeaderEdit(state).applied(to: fixed.headers)
        let (header, sender) = headerFile(message, edited)
        let record = arrivalRecord(sender, edited, header.receptionSize(bodySize: message.pending.bodySize))
        log.main(record.text(by: system.settings.logSelector), id: id.bytes)
        log.main("=> blackhole (\(by) ACL discarded recipients)\(why)", id: id.bytes)
        log.main("Completed", id: id.bytes)
        return .discarded(id)
    }

    // MARK: Header lines

    /// The Received: line, from `received_header_text` or as Exim words it.
    private mutating func receivedLine(_ id: MessageID) async -> ByteString {
        let date = CivilTime(seconds: Int(SpoolTime.now().seconds), offset: zoneOffset()).headerDate
        let recipient = envelope.recipients.count == 1 ? envelope.recipients[0].address : nil
        state.facts.message.id = id.bytes
        state.facts.message.receivedFor = recipient
        if let template = settings.receivedHeaderText {
            do {
                let text = try await system.expander.expand(template, state.facts).bytes
                return ReceivedHeader.line(text: text, date: date)
            } catch {
                log.panic("failed to expand received_header_text: \(error.text)")
            }
        }
        let connection = state.facts.connection
        var header = ReceivedHeader(
            hostname: system.settings.primaryHostName, product: system.settings.product, id: id.bytes,
            sender: envelope.sender ?? "")
        header.peer = SessionLog.peerName(state.facts)
            .receivedHost(showingPort: system.settings.logSelector.has(.incomingPort))
        header.ident = connection.ident
        header.helo = connection.helo
        header.protocol = connection.receivedProtocol
        header.recipient = recipient
        return header.line(date: date)
    }

    private func zoneOffset() -> Int {
        system.settings.logTimestamp.usesUTC
            ? 0 : system.expander.environment.zoneOffset(SpoolTime.now().seconds)
    }

    /// What is added to and taken out of the header as it came: much for a submission, little for a relay.
    private func fixUp(_ headers: [Header], _ id: MessageID) -> CompleteHeader {
        let isSubmission = state.has("submission")
        guard arrival.submitter != nil || isSubmission else { return removing(headers) }
        var options = arrival.fixups
        let control = SubmissionControl(state)
        if control?.retainsSender ?? false { options.retainsSender = true }
        if arrival.submitter == nil, state.facts.connection.authenticatedID == nil {
            options.checksFrom = false
        }
        options.suppressed = state.has("suppress_local_fixups")
        let submitter =
            arrival.submitter
            ?? Submitter(
                login: state.facts.connection.authenticatedID ?? "", fullName: control?.name ?? "",
                qualifyDomain: control?.domain ?? system.settings.qualifyDomain,
                isTrusted: false,
                namesEveryone: !(control?.name ?? "").isEmpty)
        let message = Submitter.Message(
            id: id.bytes, hostname: system.settings.primaryHostName,
            sender: EmailAddress(envelope.sender ?? ""),
            date: CivilTime(seconds: Int(SpoolTime.now().seconds), offset: zoneOffset()).headerDate)
        return CompleteHeader(submitter.fix(headers, of: message, options: options))
    }

    /// Applies the rewriting rules: a rewritten line stays as an old one, with the new one behind it.
    private func rewritten(_ headers: [Header]) async throws(ExpansionError) -> [Header] {
        guard !system.rewriter.isEmpty else { return headers }
        var result: [Header] = []
        for header in headers {
            guard let new = try await system.rewriter.rewrite(header, state.facts) else {
                result.append(header)
                continue
            }
            result.append(Header(header.text, kind: .old))
            result.append(new)
        }
        return result
    }

    /// Whether addresses without a domain may stand in the header: they get one.
    private var allowsUnqualified: Bool {
        arrival.submitter != nil || envelope.allowsUnqualifiedSender || envelope.allowsUnqualifiedRecipient
    }

    /// Completes addresses without a domain: a changed line stays as an old one, with the new one behind it.
    private func qualified(_ headers: [Header]) -> [Header] {
        let isLocal = arrival.submitter != nil
        return headers.flatMap { header -> [Header] in
            let domain: ByteString
            switch header.kind {
            case .from, .sender, .replyTo:
                guard isLocal || envelope.allowsUnqualifiedSender else { return [header] }
                domain = system.settings.qualifyDomain
            case .to, .cc, .bcc:
                guard isLocal || envelope.allowsUnqualifiedRecipient else { return [header] }
                domain = system.settings.qualifyRecipient
            default: return [header]
            }
            let text = Self.qualified(header.text, with: domain)
            if text == header.text { return [header] }
            return [Header(header.text, kind: .old), Header(text, kind: header.kind)]
        }
    }

    private static func qualified(_ text: ByteString, with domain: ByteString) -> ByteString {
        guard let colon = text.firstIndex(of: UInt8(ascii: ":")) else { return text }
        var value = ByteString(text[(colon + 1)...])
        for item in AddressParser.parseList(value).reversed() {
            guard case .success(let parsed) = item.outcome, !parsed.address.isQualified,
                !parsed.address.isNull
            else { continue }
            value.replaceSubrange(
                parsed.place.upperBound..<parsed.place.upperBound, with: "@\(domain)" as ByteString)
        }
        return ByteString(text[...colon]) + value
    }

    private func removing(_ headers: [Header]) -> CompleteHeader {
        var result = CompleteHeader(headers: headers)
        let gone: [(ByteString, Bool)] = [
            ("return-path", settings.removesReturnPath), ("delivery-date", settings.removesDeliveryDate),
            ("envelope-to", settings.removesEnvelopeTo),
        ]
        for index in headers.indices {
            for (name, isRemoved) in gone where isRemoved && headers[index].isNamed(name) {
                result.headers[index].kind = .old
            }
        }
        if let line = headers.first(where: { $0.kind == .messageID }) {
            result.messageID = (Self.withoutBrackets(line.value), false)
        }
        return result
    }

    private static func withoutBrackets(_ value: ByteString) -> ByteString {
        // A value of another form is no identity that a log could show.
        guard value.first == UInt8(ascii: "<"), let end = value.firstIndex(of: UInt8(ascii: ">")) else {
            return ""
        }
        return ByteString(value[1..<end])
    }

    private mutating func setFacts(
        _ fixed: CompleteHeader, _ message: borrowing ReceivedMessage, _ id: MessageID
    ) {
        state.facts.message.id = id.bytes
        state.facts.message.headers = fixed.headers.map { HeaderText(type: $0.kind.rawValue, text: $0.text) }
        state.facts.message.bodySize = message.pending.bodySize
        state.facts.message.bodyLineCount = message.pending.bodyLineCount
        state.facts.message.bodyZeroCount = message.pending.bodyZeroCount
        state.facts.message.maxReceivedLineLength = max(arrival.longestLine, message.longestHeaderLine)
        state.facts.message.size = message.headers.reduce(message.pending.bodySize + 1) { $0 + $1.text.count }
        state.facts.message.lineCount = message.pending.bodyLineCount + fixed.headers.count
        state.facts.message.receivedTime = (arrival.begun.seconds, Int(arrival.begun.microseconds))
        state.facts.message.recipients = envelope.recipients.map(\.address)
        state.facts.message.recipientsCount = envelope.recipients.count
        let reader = BodyReading(path: system.spool, id: id)
        state.facts.message.readBody = { offset, length in reader.read(offset, length) }
    }

    // MARK: The commit

    private mutating func commit(
        _ message: consuming ReceivedMessage, _ fixed: CompleteHeader, _ id: MessageID, _ said: ByteString?
    ) async -> ReceptionOutcome {
        let (header, sender) = headerFile(message, fixed)
        let size = header.receptionSize(bodySize: message.pending.bodySize)
        let record = arrivalRecord(sender, fixed, size)
        let notes = queueingNotes(header)
        let stamp = system.log.currentStamp()
        let lines = [record.messageLogText(by: system.settings.logSelector)] + notes
        let first = lines.map { "\(stamp) \($0)" as ByteString }.joined(separator: "\n")
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
        return .committed(id, said: said, committed.release())
    }

    private func headerFile(
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
        if let reason = queuedBy, system.settings.logSelector.has(.delayDelivery) {
            notes.append("no immediate delivery: queued by \(reason)")
        }
        return notes
    }

    /// Who keeps the message from being delivered at once; nil when nobody does.
    var queuedBy: ByteString? {
        if state.has("queue_only") || state.has("queue") { return "ACL" }
        return nil
    }

    private func arrivalRecord(_ sender: ByteString, _ fixed: CompleteHeader, _ size: Int) -> Arrival {
        let connection = state.facts.connection
        var record = Arrival(
            sender: sender, peer: SessionLog.peerName(state.facts),
            protocol: connection.receivedProtocol ?? "local", size: size)
        record.reference = arrival.reference
        record.interface = connection.interfaceAddress.map {
            LoggedInterface(address: $0.text, port: connection.interfacePort ?? 0)
        }
        record.usedChunking = arrival.usedChunking
        record.pipelining = arrival.pipelining
        record.bodyType = envelope.mail?.body.map { $0 == .sevenBit ? 7 : 8 } ?? 0
        if let identity = fixed.messageID {
            record.messageID = identity.id.isEmpty ? nil : identity.id
            record.messageIDWasCreated = identity.created
        }
        record.subject = fixed.headers.named("subject").first?.unfoldedValue
        record.rawSender = sender
        record.recipients = envelope.recipients.map(\.address)
        record.queue = state.queue ?? ""
        return record
    }
}

/// The options of `control = submission`.
private struct SubmissionControl {
    var domain: ByteString?
    var name: ByteString?
    var retainsSender = false

    init?(_ state: ACLState) {
        guard let control = state.controls.last(where: { $0.name == "submission" }) else { return nil }
        for option in control.options.split(separator: UInt8(ascii: "/")) {
            if option.elementsEqual("sender_retain".utf8) { retainsSender = true }
            guard let parts = option.cut(at: UInt8(ascii: "=")) else { continue }
            if parts.before.elementsEqual("domain".utf8) { domain = ByteString(parts.after) }
            if parts.before.elementsEqual("name".utf8) { name = ByteString(parts.after) }
        }
    }
}

/// A header with all that reception adds and removes.
private struct CompleteHeader {
    var headers: [Header]
    /// The envelope sender, when adding a Sender: line changed it.
    var sender: EmailAddress?
    /// The text of the Message-ID: line without brackets, and whether it was made here.
    var messageID: (id: ByteString, created: Bool)?

    init(headers: [Header]) { self.headers = headers }

    init(_ fixed: FixedHeader) {
        headers = fixed.headers
        sender = fixed.sender
        messageID = fixed.messageID
    }
}

/// Reads the body of a message that is being received, for `$message_body`.
private struct BodyReading: Sendable {
    let path: Spool
    let id: MessageID

    func read(_ offset: Int, _ length: Int) -> ByteString {
        guard case .some(let data) = try? path.rawFile(.data, of: id) else { return "" }
        let body = data.dropFirst(id.dataStartOffset)
        let start = offset >= 0 ? offset : max(0, body.count + offset)
        return ByteString(body.dropFirst(start).prefix(length))
    }
}
