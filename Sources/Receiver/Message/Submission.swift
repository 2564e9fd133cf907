import ACL
import Bytes
import Configuration
import EximLog
import Expansion
import MailSystem
import MailText
import SMTP
import Spooler

/// A message handed in on standard input, with its recipients on the command line or in its header (`-t`).
struct Submission {
    /// What the command line says.
    struct Request: Sendable {
        /// Addresses as they were given.
        var recipients: [ByteString] = []
        /// `-t`: the header's recipients; those on the command line are taken away from them, or added
        /// (`extract_addresses_remove_arguments`).
        var takesHeaderRecipients = false
        /// `-i`: a line with a dot alone does not end the message.
        var ignoresDots = false
        /// `-f`: the envelope sender; empty for `<>`; nil for the caller's own.
        var sender: ByteString?
        /// `-E`: a bounce about the message of that id.
        var bounceOf: ByteString?
        /// `-N`.
        var dontDeliver = false
        /// `-bnq`: addresses in header lines that have no domain stay so.
        var leavesUnqualified = false

        /// What hands in a report about a message of that id; nil when it has got none.
        static func report(about id: MessageID?) -> Request {
            var request = Request()
            request.takesHeaderRecipients = true
            request.ignoresDots = true
            request.sender = "<>"
            request.bounceOf = id?.bytes ?? ""
            return request
        }
    }

    /// Why nothing was submitted; the text is for the caller.
    enum Refusal: Error {
        case usage(ByteString)
        case noRecipients
        /// The message is wrong; whether its sender has been told by mail.
        case mistake(SubmissionMistake, isMailed: Bool)
        case temporary(ByteString)
        /// `check_spool_space` and its relatives; what is lacking.
        case noSpace(ByteString)
    }

    let context: SessionContext
    let caller: LocalCaller
    let request: Request
    /// How the sender hears of mistakes.
    let reporting: MistakeReporting

    private var claims: PeerClaims { context.claims }

    /// Reads standard input to its end, and commits the message.
    func run(input: CInt = 0) async throws(Refusal) -> (order: DeliveryOrder, waits: Bool) {
        try await run(
            StandardInput(
                descriptor: input, endsAtDot: !request.ignoresDots, timeout: context.settings.receiveTimeout))
    }

    /// Commits what is read.
    func run(_ source: consuming StandardInput) async throws(Refusal) -> (order: DeliveryOrder, waits: Bool) {
        let begun = SpoolTime.now()
        if let shortage = context.settings.limits.space.shortage(for: nil) {
            context.system.log.main(shortage)
            throw .noSpace(shortage)
        }
        var reader = source
        var envelope = try await settledEnvelope(&reader)
        var state = ACLState(facts: Facts())
        await begin(&state)
        var intake = MessageIntake(
            spool: state.queue.map { context.system.spool.named($0) } ?? context.system.spool,
            ids: context.system.ids, limits: context.settings.limits.header,
            sizeLimit: await sizeLimit(state.facts), copy: reporting.copy(context.settings.limits.header),
            fromLine: context.settings.fromLine.pattern)
        // Of a message that will not be taken no more is read.
        while intake.trouble == nil, let block = reader.next() { intake.take(block) }
        if reader.hasTimedOut {
            context.system.log.main("timed out while reading - message abandoned")
            throw .temporary("timed out while reading: nothing came for receive_timeout")
        }
        if let captures = intake.fromCaptures { await takeSender(from: captures, &envelope, &state) }
        var draft = Draft(
            state: state, begun: begun, longestLine: reader.longestLine, copy: intake.copy, size: intake.size)
        let (headers, id) = (intake.headers, intake.id)
        let message: ReceivedMessage
        do { message = try intake.finish() } catch {
            throw await refuse(error, envelope, headers, id, draft)
        }
        draft.copy.endHeader()
        try await addHeaderRecipients(&envelope, message, draft)
        return try await submit(message, envelope, draft)
    }

    /// A message as far as it is known when its last octet has come.
    struct Draft {
        var state: ACLState
        let begun: SpoolTime
        let longestLine: Int
        var copy: IntakeCopy
        /// How many octets came.
        let size: Int
    }

    private func submit(
        _ message: consuming ReceivedMessage, _ envelope: Envelope, _ draft: Draft
    ) async throws(Refusal) -> (order: DeliveryOrder, waits: Bool) {
        let id = message.pending.id
        var reception = reception(envelope, draft)
        switch await reception.complete(message) {
        case .committed(let id, _, _):
            return (DeliveryOrder(id: id, queue: reception.state.queue ?? ""), reception.waits)
        case .discarded(let id), .passedOn(let id, _): return (DeliveryOrder(id: id), true)
        case .relayed(let reply): throw .temporary(reply.text)
        case .refused(let verdict):
            let headers = reception.state.facts.message.headers.map {
                Header($0.text, kind: HeaderKind(rawValue: $0.type) ?? .other)
            }
            let words = verdict.message ?? "local configuration problem"
            throw await complain(.rejected(words), envelope, headers, id, draft)
        case .failed(let text): throw .temporary(text)
        }
    }

    private func reception(_ envelope: Envelope, _ draft: Draft) -> Reception {
        var state = draft.state
        state.facts.message.sender = envelope.sender
        state.facts.message.recipientsCount = envelope.recipients.count
        state.facts.message.recipients = envelope.recipients.map(\.address)
        var arriving = Reception.Arriving(begun: draft.begun, origin: caller.origin)
        arriving.longestLine = draft.longestLine
        arriving.moment = .notSMTP
        arriving.claims = claims
        arriving.acceptsUnqualified = !request.leavesUnqualified
        arriving.leavesUnqualified = request.leavesUnqualified
        // Who speaks for another host hands its message on as it is.
        if claims.address == nil { arriving.submitter = caller.submitter }
        arriving.fixups = caller.fixups
        arriving.fixups.removesBcc = request.takesHeaderRecipients
        arriving.isLocal =
            request.bounceOf == nil && !setsSender && !envelope.isSenderFromLine && claims.address == nil
        arriving.isLocalError = request.bounceOf != nil
        arriving.dontDeliver = request.dontDeliver
        arriving.reference = request.bounceOf.flatMap { $0.isEmpty ? nil : $0 } ?? claims.reference
        arriving.senderSetUntrusted = envelope.isSenderSetByUntrusted
        arriving.queued = context.settings.queueing.reason(context.choice, .init())
        return Reception(context, SessionLog(system: context.system), state, envelope, arriving)
    }

    /// What is known before the first line, and `acl_not_smtp_start`, whose decision is of no account.
    private func begin(_ state: inout ACLState) async {
        state.facts.connection.ident = caller.login
        state.facts.connection.receivedProtocol = "local"
        if !setsSender {
            state.facts.connection.authenticatedID = caller.login
            state.facts.connection.authenticatedSender = caller.submitter.address.text
        }
        claims.apply(to: &state.facts.connection)
        let moment = ACLMoment.notSMTPStart
        guard let option = context.system.configuration.main.template(moment.option) else { return }
        _ = await context.acls.run(option, at: moment, &state)
        SessionLog(system: context.system).flush(&state)
    }

    /// Takes the sender from a line before the header, which is believed only of a trusted caller.
    private func takeSender(
        from captures: [TaintedBytes], _ envelope: inout Envelope, _ state: inout ACLState
    ) async {
        guard caller.isTrusted, request.sender == nil, request.bounceOf == nil else { return }
        var facts = state.facts
        facts.captures = captures
        let text: ByteString
        do {
            text = try await context.system.expander.expand(context.settings.fromLine.sender, facts).bytes
        } catch {
            return context.system.log.panic("failed to expand uucp_from_sender: \(error.text)")
        }
        let isNone = text.isEmpty || text == "<>"
        let good = isNone ? [] : parsed([text]).good
        guard isNone || good.count == 1 else { return }
        envelope.sender = good.first?.qualified(with: context.system.settings.qualifyDomain).text ?? ""
        envelope.isSenderFromLine = true
        state.facts.connection.authenticatedSender = nil
    }

    /// Whether a trusted caller gives the sender: then the message counts as handed on, not as his own.
    private var setsSender: Bool { request.sender != nil && caller.isTrusted }

    private func sizeLimit(_ facts: Facts) async -> Int {
        do {
            return try await context.system.expander.expandToInteger(
                context.settings.limits.messageSize, facts)
        } catch {
            return 50 << 20
        }
    }

    // MARK: The envelope

    /// The envelope as the command line has it; a mistake in it is answered when the whole input has been read.
    private func settledEnvelope(_ reader: inout StandardInput) async throws(Refusal) -> Envelope {
        var envelope = Envelope()
        try await setSender(of: &envelope)
        let (named, bad) = parsed(request.recipients)
        var mistake = bad.first.map { SubmissionMistake.badRecipient($0) }
        if mistake == nil, isTooMany(named.count) {
            mistake = .tooManyRecipients(most: context.settings.limits.recipients, fromHeader: false)
        }
        if let mistake {
            var copy = reporting.copy(context.settings.limits.header)
            if reporting.isByMail { while let block = reader.next() { copy.takeBody(block[...]) } }
            let draft = Draft(
                state: ACLState(facts: Facts()), begun: SpoolTime.now(), longestLine: 0, copy: copy, size: 0)
            throw await complain(mistake, envelope, [], nil, draft)
        }
        if request.takesHeaderRecipients, removesArguments {
            envelope.removed = named.map { recipient($0).address }
        } else {
            envelope.recipients = named.map(recipient)
            if envelope.recipients.isEmpty, !request.takesHeaderRecipients { throw .noRecipients }
        }
        return envelope
    }

    /// One without a domain gets one; the log shows it as it was given.
    private func recipient(_ address: EmailAddress) -> Envelope.Recipient {
        let full = address.qualified(with: context.system.settings.qualifyRecipient)
        return Envelope.Recipient(
            address: full.text, given: address.isQualified ? nil : address.text, notify: [])
    }

    private func isTooMany(_ count: Int) -> Bool {
        let most = context.settings.limits.recipients
        return most > 0 && count > most
    }

    /// `-t`: the recipients of To:, Cc: and Bcc: but for those who are taken away.
    private func addHeaderRecipients(
        _ envelope: inout Envelope, _ message: borrowing ReceivedMessage, _ draft: Draft
    ) async throws(Refusal) {
        guard request.takesHeaderRecipients else { return }
        let taken = headerRecipients(message.headers)
        let removed = Set(envelope.removed.map { $0.lowercasedASCII() })
        envelope.recipients += taken.good.map(recipient).filter {
            !removed.contains($0.address.lowercasedASCII())
        }
        let isServed = !envelope.recipients.isEmpty
        let mistake: SubmissionMistake
        if isTooMany(envelope.recipients.count) {
            mistake = .tooManyRecipients(most: context.settings.limits.recipients, fromHeader: true)
        } else if !taken.bad.isEmpty {
            mistake = .badAddresses(taken.bad, othersAreServed: isServed)
        } else if isServed {
            return
        } else {
            mistake = taken.good.isEmpty ? .noRecipients : .allSuppressed
        }
        let id = message.pending.id
        if case .tooManyRecipients = mistake {
        } else {
            // Exim names the message twice.
            context.system.log.panic(
                "\(id.bytes) \(taken.bad.isEmpty ? "no recipients" : "bad addresses") found in headers",
                id: id.bytes)
        }
        let refusal = await complain(
            mistake, envelope, await fixedUp(message.headers, envelope, id, draft), id, draft)
        // Where the sender is told by mail, or there is none, the others are served.
        if case .badAddresses(_, othersAreServed: true) = mistake, reporting.isByMail {
            if case .mistake(_, isMailed: true) = refusal { return }
            if envelope.sender?.isEmpty ?? true { return }
        }
        throw refusal
    }

    private func fixedUp(
        _ headers: [Header], _ envelope: Envelope, _ id: MessageID, _ draft: Draft
    ) async -> [Header] {
        await reception(envelope, draft).fixUp(headers, id).headers
    }

    /// `extract_addresses_remove_arguments`.
    private var removesArguments: Bool {
        context.system.configuration.main.flag("extract_addresses_remove_arguments") ?? true
    }

    /// The envelope sender: the caller's own address, unless he may set another one.
    private func setSender(of envelope: inout Envelope) async throws(Refusal) {
        guard let given = request.sender else {
            envelope.sender = request.bounceOf == nil ? caller.submitter.address.text : ""
            return
        }
        let (good, bad) =
            given.isEmpty || given == "<>" ? ([], []) : parsed([given])
        if let bad = bad.first { throw .usage("bad -f address \"\(bad.text)\": \(bad.reason)") }
        let wanted = good.first?.qualified(with: context.system.settings.qualifyDomain).text ?? ""
        let isHis = await caller.maySet(wanted, context, mayBeNone: true)
        envelope.sender = isHis ? wanted : caller.submitter.address.text
        envelope.isSenderSetByUntrusted = isHis && !caller.isTrusted
    }

    private func parsed(
        _ texts: [ByteString]
    ) -> (good: [EmailAddress], bad: [SubmissionMistake.BadAddress]) {
        var good: [EmailAddress] = []
        var bad: [SubmissionMistake.BadAddress] = []
        for text in texts {
            for item in AddressParser.parseList(text, rules: rules) {
                switch item.outcome {
                case .success(let parsed): good.append(parsed.address)
                case .failure(let error): bad.append(.init(text, error.message))
                }
            }
        }
        return (good, bad)
    }

    /// Domains beyond ASCII are taken from local callers, as in Exim: reports about such mail are among them.
    private var rules: AddressRules {
        var rules = context.settings.addressRules
        rules.allowsUTF8Domains = true
        return rules
    }

    /// The addresses of To:, Cc: and Bcc:, or of their Resent- forms when there are any.
    private func headerRecipients(
        _ headers: [Header]
    ) -> (good: [EmailAddress], bad: [SubmissionMistake.BadAddress]) {
        let isResent = headers.contains { $0.name.startsIgnoringCase(with: ByteString("resent-")) }
        let chosen = headers.filter {
            [.to, .cc, .bcc].contains($0.kind)
                && $0.name.startsIgnoringCase(with: ByteString("resent-")) == isResent
        }
        return parsed(chosen.map(\.value))
    }
}

/// What becomes of mistakes.
extension Submission {
    private func refuse(
        _ trouble: MessageIntake.Trouble, _ envelope: Envelope, _ headers: [Header], _ id: MessageID?,
        _ draft: Draft
    ) async -> Refusal {
        let log = SessionLog(system: context.system)
        switch trouble {
        case .spool(let error): return .temporary(ByteString(error.description))
        case .tooBig(let limit):
            var headers = headers
            if let id { headers = await fixedUp(headers, envelope, id, draft) }
            var state = draft.state
            state.facts.message.sender = envelope.sender
            state.facts.message.recipients = envelope.recipients.map(\.address)
            // Exim reads no further than it must.
            let event = SessionEvent.tooBig(sender: envelope.sender ?? "", read: limit + 1, maximum: limit)
            log.event(event, state, headers: headers, id: id?.bytes)
            return await complain(.tooBig(limit: limit), envelope, headers, id, draft)
        case .headerTooLong(let text):
            let isLine = text == HeaderReader.lineTooLong
            let limits = context.settings.limits.header
            let limit = isLine ? limits.line : limits.total
            log.event(.headerTooLong(isLine: isLine, maximum: limit), draft.state.facts)
            var text = ByteString(draft.copy.headerText)
            if isLine, text.last == .newline { text = ByteString(text.dropLast()) }
            let shown = [Header(text, kind: .other)]
            return await complain(
                isLine ? .headerLineTooLong(limit: limit) : .headerTooLong(limit: limit), envelope, shown,
                nil,
                draft)
        }
    }

    /// Tells the sender by mail, where that is wanted and can be done.
    private func complain(
        _ mistake: SubmissionMistake, _ envelope: Envelope, _ headers: [Header], _ id: MessageID?,
        _ draft: Draft
    ) async -> Refusal {
        guard reporting.isByMail else { return .mistake(mistake, isMailed: false) }
        let log = context.system.log
        guard let sender = envelope.sender, !sender.isEmpty else {
            let about = request.bounceOf.map { $0.isEmpty ? "" : " (R=\($0))" as ByteString } ?? ""
            log.main(
                "Error while reading message with no usable sender address\(about): \(mistake.logged)",
                id: id?.bytes)
            return .mistake(mistake, isMailed: false)
        }
        let report = await reporting.report(mistake, to: sender, headers, draft, context)
        do throws(Refusal) {
            try await Self.handIn(report.composed(), about: id, context)
            return .mistake(mistake, isMailed: true)
        } catch {
            log.main("the sender cannot be told of a mistake: \(error.text)", id: id?.bytes)
            return .mistake(mistake, isMailed: false)
        }
    }

    /// Submits a report of our own, in the mail user's name, and has it delivered.
    static func handIn(
        _ report: ByteString, about id: MessageID?, _ context: SessionContext
    ) async throws(Refusal) {
        var own = context
        own.claims = PeerClaims()
        own.choice = .standard
        let system = context.system
        let mailUser = await LocalCaller(
            CallerIdentity.mailUser(system), system, context.settings, fullName: nil)
        let submission = Submission(
            context: own, caller: mailUser, request: .report(about: id), reporting: .none)
        let (order, waits) = try await submission.run(StandardInput(text: report))
        if !waits { context.deliver(order) }
    }
}
