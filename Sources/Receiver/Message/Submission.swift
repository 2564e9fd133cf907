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
    }

    /// Why nothing was submitted; the text is for the caller.
    enum Refusal: Error {
        case usage(ByteString)
        case noRecipients
        case badAddresses([ByteString])
        case rejected(ByteString)
        case temporary(ByteString)
    }

    let context: SessionContext
    let caller: LocalCaller
    let request: Request

    private var claims: PeerClaims { context.claims }

    /// Reads standard input to its end, and commits the message.
    func run(input: CInt = 0) async throws(Refusal) -> (id: MessageID, waits: Bool) {
        let begun = SpoolTime.now()
        if let shortage = context.settings.limits.space.shortage(for: nil) {
            context.system.log.main(shortage)
            throw .temporary("there is not enough room for mail: \(shortage)")
        }
        let limit = await sizeLimit()
        var intake = MessageIntake(
            spool: context.system.spool, ids: context.system.ids, limits: context.settings.limits.header,
            sizeLimit: limit)
        var state = ACLState(facts: Facts())
        await begin(&state)
        var reader = StandardInput(
            descriptor: input, endsAtDot: !request.ignoresDots, timeout: context.settings.receiveTimeout)
        while let block = reader.next() { intake.take(block) }
        if reader.hasTimedOut {
            context.system.log.main("timed out while reading - message abandoned")
            throw .temporary("timed out while reading: nothing came for receive_timeout")
        }
        let message: ReceivedMessage
        do { message = try intake.finish() } catch { throw Self.refusal(error) }
        return try await submit(message, state, begun: begun, longestLine: reader.longestLine)
    }

    private func submit(
        _ message: consuming ReceivedMessage, _ begunState: ACLState, begun: SpoolTime, longestLine: Int
    ) async throws(Refusal) -> (id: MessageID, waits: Bool) {
        var message = message
        let envelope = try await envelope(&message)
        var state = begunState
        state.facts.message.sender = envelope.sender
        state.facts.message.recipientsCount = envelope.recipients.count
        state.facts.message.recipients = envelope.recipients.map(\.address)
        var arriving = Reception.Arriving(begun: begun, origin: caller.origin)
        arriving.longestLine = longestLine
        arriving.moment = .notSMTP
        arriving.claims = claims
        arriving.acceptsUnqualified = !request.leavesUnqualified
        arriving.leavesUnqualified = request.leavesUnqualified
        // Who speaks for another host hands its message on as it is.
        if claims.address == nil { arriving.submitter = caller.submitter }
        arriving.fixups = caller.fixups
        arriving.fixups.removesBcc = request.takesHeaderRecipients
        arriving.isLocal = request.bounceOf == nil && !setsSender && claims.address == nil
        arriving.isLocalError = request.bounceOf != nil
        if request.takesHeaderRecipients, removesArguments {
            arriving.nonRecipients = try parsed(request.recipients)
        }
        arriving.dontDeliver = request.dontDeliver
        arriving.reference = request.bounceOf ?? claims.reference
        arriving.senderSetUntrusted = envelope.isSenderSetByUntrusted
        arriving.queued = context.settings.queueing.reason(context.choice, .init())
        let log = SessionLog(system: context.system)
        var reception = Reception(context, log, state, envelope, arriving)
        switch await reception.complete(message) {
        case .committed(let id, _, _):
            return (id, reception.waits)
        case .discarded(let id): return (id, true)
        case .refused(let verdict):
            throw .rejected(
                "message rejected by non-SMTP ACL: \(verdict.message ?? "local configuration problem")")
        case .failed(let text): throw .temporary(text)
        }
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

    /// Whether a trusted caller gives the sender: then the message counts as handed on, not as his own.
    private var setsSender: Bool { request.sender != nil && caller.isTrusted }

    private func sizeLimit() async -> Int {
        do {
            return try await context.system.expander.expandToInteger(
                context.settings.limits.messageSize, Facts())
        } catch {
            return 50 << 20
        }
    }

    // MARK: The envelope

    private func envelope(_ message: inout ReceivedMessage) async throws(Refusal) -> Envelope {
        var envelope = Envelope()
        try await setSender(of: &envelope)
        let named = try parsed(request.recipients)
        guard request.takesHeaderRecipients else {
            envelope.recipients = named.map { .init(address: $0, notify: [], originalRecipient: nil) }
            if envelope.recipients.isEmpty { throw .noRecipients }
            return envelope
        }
        let taken = headerRecipients(message.headers)
        if !taken.bad.isEmpty { throw .badAddresses(taken.bad) }
        let removed = removesArguments ? Set(named.map { $0.lowercasedASCII() }) : []
        for address in (removesArguments ? [] : named) + taken.good
        where !removed.contains(address.lowercasedASCII()) {
            envelope.recipients.append(.init(address: address, notify: [], originalRecipient: nil))
        }
        if envelope.recipients.isEmpty { throw .noRecipients }
        return envelope
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
        let wanted = given.isEmpty || given == "<>" ? "" : try parsed([given]).first ?? ""
        let isHis = await caller.maySet(wanted, context, mayBeNone: true)
        envelope.sender = isHis ? wanted : caller.submitter.address.text
        envelope.isSenderSetByUntrusted = isHis && !caller.isTrusted
    }

    private func parsed(_ texts: [ByteString]) throws(Refusal) -> [ByteString] {
        var good: [ByteString] = []
        var bad: [ByteString] = []
        for text in texts {
            for item in AddressParser.parseList(text, rules: rules) {
                switch item.outcome {
                case .success(let parsed): good.append(qualified(parsed.address))
                case .failure(let error): bad.append("\(text): \(error.message)")
                }
            }
        }
        if !bad.isEmpty { throw .badAddresses(bad) }
        return good
    }

    private var rules: AddressRules { context.settings.addressRules }

    private func qualified(_ address: EmailAddress) -> ByteString {
        address.qualified(with: context.system.settings.qualifyRecipient).text
    }

    /// The addresses of To:, Cc: and Bcc:, or of their Resent- forms when there are any.
    private func headerRecipients(_ headers: [Header]) -> (good: [ByteString], bad: [ByteString]) {
        let isResent = headers.contains { $0.name.startsIgnoringCase(with: ByteString("resent-")) }
        var good: [ByteString] = []
        var bad: [ByteString] = []
        for header in headers where [.to, .cc, .bcc].contains(header.kind) {
            guard header.name.startsIgnoringCase(with: ByteString("resent-")) == isResent else { continue }
            for item in AddressParser.parseList(header.value, rules: rules) {
                switch item.outcome {
                case .success(let parsed): good.append(qualified(parsed.address))
                case .failure(let error): bad.append("\(header.value): \(error.message)")
                }
            }
        }
        return (good, bad)
    }

    private static func refusal(_ trouble: MessageIntake.Trouble) -> Refusal {
        switch trouble {
        case .tooBig(let limit): .rejected("message too big: max=\(limit)")
        case .headerTooLong(let text): .rejected(text)
        case .spool(let error): .temporary(ByteString(error.description))
        }
    }
}
