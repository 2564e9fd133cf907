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
    /// It is accepted: its id, the text for the client, and when it can be delivered (nil in a rehearsal).
    case committed(MessageID, said: ByteString?, QueuedMessage?)
    /// An ACL threw it away without a word.
    case discarded(MessageID)
    /// Another host has it already: its id, and the text for the client.
    case passedOn(MessageID, said: ByteString?)
    /// Another host has refused it in these words.
    case relayed(Reply)
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
    /// Header lines that note what envelope addresses were before they were rewritten.
    var rewroteRecipients: [Header] = []
    var rewroteSender: [Header] = []
    /// A connection to the host that the message goes to.
    var held: HeldCallout?
    /// Whether the host was tried, and the next attempt is a queue run's.
    var hasBeenTried = false
    /// What the envelope sender becomes, when header lines have been made of the old one.
    var rewrittenSender: ByteString?

    /// How the message came, as far as the facts do not tell.
    struct Arriving {
        /// When reception began.
        var begun: SpoolTime
        /// The longest line of the data.
        var longestLine = 0
        /// Whether BDAT was used.
        var usedChunking = false
        /// How pipelining went.
        var pipelining = LoggedPipelining.notOffered
        /// Whether the connection began with TLS.
        var beganInTLS = false
        /// Whether the body is in wire form.
        var isWireFormat = false
        /// Whether DKIM signatures are checked.
        var checksSignatures = false
        /// The moment whose ACL decides.
        var moment: ACLMoment = .data
        /// For local callers: who submits, and what is done to the header.
        var submitter: Submitter?
        var fixups = FixupOptions()
        /// Flags of the spool's header file.
        var isLocal = false
        var isLocalError = false
        /// Whether addresses without a domain are taken, and whether they stay so (`-bnq`).
        var acceptsUnqualified = false
        var leavesUnqualified = false
        var dontDeliver = false
        var senderSetUntrusted = false
        /// Whether a trusted caller has set the sender: then the message is nobody's on this machine.
        var senderSetTrusted = false
        /// The message that this one answers (`-E`, `-oMm`).
        var reference: ByteString?
        /// What a trusted caller says of the host that he speaks for.
        var claims = PeerClaims()
        /// Why it is left to a queue run, as far as no ACL says so.
        var queued: QueueingRules.Reason?
        /// Line 2 of `-H`.
        var origin: (login: ByteString, uid: Int64, gid: Int64)
    }

    var system: MailSystem { context.system }
    var settings: ReceptionSettings { context.settings }

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
        if looksIntoMessage { showBody(&message) }
        await rewriteEnvelope(id)
        var fixed = await fixUp(message.headers, id)
        if let sender = rewrittenSender {
            envelope.sender = sender
            state.facts.message.sender = sender
        }
        let received = await receivedLine(id)
        fixed.headers = await rewritten(fixed.headers, id)
        fixed.headers.insert(Header(received, kind: .received), at: 0)
        // What ACLs before DATA said of header lines is done before the next one looks at them.
        if arrival.moment == .data { edit(&fixed) }
        setFacts(fixed, message, id)
        prepareScan(message)
        var moment = ACLMoment.dkim
        var verdict = await checkSignatures(message.evidence, &fixed)
        if verdict.decision == .accept {
            moment = partMoment
            verdict = await runPartACL(fixed.headers)
        }
        if verdict.decision == .accept {
            if arrival.moment == .data, looksIntoParts { addHeaders(&fixed) }
            moment = arrival.moment
            verdict = await runACL(id)
        }
        await endScan()
        switch verdict.decision {
        case .accept: break
        case .discard: return discard(message, fixed, verdict, by: moment)
        case .deny, .defer, .drop:
            log.rejected(Self.occasion(moment), verdict, state, header: fixed.headers)
            return .refused(verdict)
        }
        if envelope.recipients.isEmpty { return discard(message, fixed, verdict, by: moment) }
        edit(&fixed)
        if let outcome = await passOn(&message, fixed, verdict.message) { return outcome }
        return await commit(message, fixed, id, verdict.message)
    }

    /// Adds and removes the header lines that ACLs have named so far.
    mutating func edit(_ fixed: inout CompleteHeader) {
        fixed.headers = HeaderEdit(state).applied(to: fixed.headers)
        state.addedHeaders = []
        state.removedHeaders = []
        state.facts.message.headersAdded = nil
    }

    private mutating func runACL(_ id: MessageID) async -> ACLVerdict {
        // Nobody is left whom it could be about.
        if envelope.recipients.isEmpty, envelope.discardedBy != nil { return ACLVerdict(.accept) }
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
        _ message: consuming ReceivedMessage, _ fixed: CompleteHeader, _ verdict: ACLVerdict,
        by moment: ACLMoment
    ) -> ReceptionOutcome {
        let id = message.pending.id
        let isLast = verdict.decision == .discard
        let by = isLast ? moment.name : envelope.discardedBy ?? "RCPT"
        // Exim does not tell why of MIME parts.
        let why: ByteString =
            isLast && (moment == arrival.moment || moment == .dkim)
            ? verdict.logMessage.map { ": \($0)" } ?? "" : ""
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

    // MARK: Facts

    private mutating func setFacts(
        _ fixed: CompleteHeader, _ message: borrowing ReceivedMessage, _ id: MessageID
    ) {
        state.facts.message.id = id.bytes
        state.facts.message.headers = Self.texts(fixed.headers)
        state.facts.message.bodySize = message.pending.bodySize
        // Of a body in wire form Exim counts nothing (`spool_wireformat`).
        let isWire = arrival.isWireFormat
        state.facts.message.bodyLineCount = isWire ? 0 : message.pending.bodyLineCount
        state.facts.message.bodyZeroCount = isWire ? 0 : message.pending.bodyZeroCount
        state.facts.message.maxReceivedLineLength =
            isWire ? message.longestHeaderLine : max(arrival.longestLine, message.longestHeaderLine)
        state.facts.message.size = message.headers.reduce(message.pending.bodySize + 1) { $0 + $1.text.count }
        state.facts.message.lineCount = message.pending.bodyLineCount + fixed.headers.count
        state.facts.message.receivedTime = (arrival.begun.seconds, Int(arrival.begun.microseconds))
        state.facts.message.recipients = envelope.recipients.map(\.address)
        state.facts.message.recipientsCount = envelope.recipients.count
        let spool = state.queue.map { system.spool.named($0) } ?? system.spool
        let reader = BodyReading(path: spool, id: id, isWireFormat: arrival.isWireFormat)
        state.facts.message.readBody = { offset, length in reader.read(offset, length) }
    }
}
