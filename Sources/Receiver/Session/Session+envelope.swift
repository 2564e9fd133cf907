import ACL
import Bytes
import Configuration
import EximLog
import Expansion
import MailSystem
import MailText
import Routing
import SMTP

extension Session {
    /// Forgets the transaction, if there is one; the connection's variables stay.
    mutating func endTransaction() async {
        await held?.end()
        held = nil
        envelope = Envelope()
        let order = state.variableOrder.filter { $0.first == UInt8(ascii: "c") }
        let lasting = state.controls.filter { Self.lastingControls.contains($0.name) }
        var rates = state.rates
        rates.forgetMessage()
        state = ACLState(facts: Facts(peerOf: state.facts))
        state.rates = rates
        state.variableOrder = order
        state.controls = lasting
        // Exim leaves it to all that follow in the connection, which is not true of them.
        if let name = state.facts.connection.receivedProtocol, name.starts(with: Self.smtpUTF8Prefix) {
            state.facts.connection.receivedProtocol = ByteString(name.dropFirst(Self.smtpUTF8Prefix.count))
        }
        state.facts.connection.authenticatedSender = context.claims.authenticatedSender
        phase.endTransaction()
    }

    /// What the name of the protocol begins with for a message whose MAIL said SMTPUTF8 (manual, section 60.1).
    private static let smtpUTF8Prefix: ByteString = "utf8"

    /// Which addresses the commands of the transaction may bring.
    private func addressRules(_ command: MailCommand?) -> AddressRules {
        var rules = settings.addressRules
        if command?.isSMTPUTF8 == true { rules.allowsUTF8Domains = true }
        return rules
    }

    /// Controls that hold for the connection.
    private static let lastingControls: Set<ByteString> = [
        "allow_auth_unadvertised", "no_multiline_responses", "no_pipelining", "enforce_sync",
        "no_enforce_sync",
    ]

    // MARK: MAIL

    mutating func mail(_ command: MailCommand) async {
        guard await mayMail() else { return }
        await slowDown(settings.limits.mailRate, at: mailCommands, \.mailDelay)
        recipientCommands = 0
        lastMailLine = linesRead
        var command = command
        command.addressText = await rewrittenForSMTP(command.addressText)
        let address: EmailAddress
        do {
            address = try command.sender(addressRules(command))
        } catch {
            return await wrongSyntax(Reply(501, "\(command.argument): \(error.message)"), error.message)
        }
        guard let foreign = await noteForeignAuth(command) else { return }
        guard let given = await qualifiedSender(address, command) else { return }
        let limit = await messageSizeLimit()
        if limit > 0, let size = command.size, size > limit {
            log.event(
                .announcedTooBig(sender: given, size: size, maximum: limit), state.facts,
                alsoReject: true)
            return await say(Reply(552, "Message size exceeds maximum permitted"))
        }
        if let shortage = settings.limits.space.shortage(for: command.size) {
            log.main(shortage)
            return await say(Reply(452, "Space shortage, please try later"))
        }
        let sender = await ownSender(instead: given) ?? given
        envelope.sender = sender
        envelope.allowsUnqualifiedSender = await isListed(.senderUnqualified)
        envelope.allowsUnqualifiedRecipient = await isListed(.recipientUnqualified)
        envelope.mail = command
        state.facts.message.sender = sender
        state.facts.message.size = command.size ?? 0
        if command.isSMTPUTF8 {
            state.facts.message.isSMTPUTF8 = true
            state.facts.connection.receivedProtocol =
                Self.smtpUTF8Prefix + (state.facts.connection.receivedProtocol ?? "")
        }
        let verdict = await runACL(.mail)
        noteVerifiedSender()
        await answerMail(verdict, command, otherwise: foreign)
    }

    /// The address of a local caller who may not say that another one is his; nil for everybody else.
    private func ownSender(instead sender: ByteString) async -> ByteString? {
        guard let caller = context.localCaller, !(await caller.maySet(sender, context, mayBeNone: false))
        else {
            return nil
        }
        return caller.submitter.address.text
    }

    /// `smtp_accept_max_per_connection`: whether the session may bring another message.
    private mutating func mayMail() async -> Bool {
        guard isNetworked else { return true }
        let most = await messagesPerConnection()
        guard most > 0, mailCommands > most else { return true }
        log.event(.tooManyMessages, state.facts, alsoReject: true)
        await say(Reply(421, "too many messages in this connection"))
        return false
    }

    private mutating func answerMail(
        _ verdict: ACLVerdict, _ command: MailCommand, otherwise standard: ByteString
    ) async {
        switch verdict.decision {
        case .accept, .discard:
            if verdict.decision == .discard {
                envelope.discardedBy = "MAIL"
                envelope.discardReason = verdict.logMessage
            }
            phase.acceptMail()
            await say(acceptance(verdict.message, Reply(250, standard)))
        case .deny, .drop, .defer:
            log.rejected(.mail(argument: command.argument), verdict, state)
            await endTransaction()
            await refuse(verdict)
        }
    }

    private mutating func qualifiedSender(_ address: EmailAddress, _ command: MailCommand) async
        -> ByteString?
    {
        if address.isNull || address.isQualified { return address.text }
        guard await isListed(.senderUnqualified) || isLocal else {
            log.unqualified("sender", address.text, state.facts)
            await say(Reply(501, "\(command.argument): sender address must contain a domain"))
            return nil
        }
        return address.qualified(with: system.settings.qualifyDomain).text
    }

    /// The address of a command after the rules that concern it as it is written (flag `S`; manual, section 31.9).
    func rewrittenForSMTP(_ text: ByteString) async -> ByteString {
        do {
            return try await system.rewriter.rewriteCommandAddress(text, state.facts) ?? text
        } catch {
            // The address stays as it came.
            log.panic(error.text)
            return text
        }
    }

    /// A sender that has been verified has been rewritten for that, and stays so.
    private mutating func noteVerifiedSender() {
        if envelope.sender != nil, let sender = state.facts.message.sender { envelope.sender = sender }
    }

    // MARK: RCPT

    mutating func recipient(_ command: RecipientCommand) async {
        recipientCommands += 1
        await slowDown(settings.limits.recipientRate, at: recipientCommands, \.recipientDelay)
        var command = command
        command.addressText = await rewrittenForSMTP(command.addressText)
        let address: EmailAddress
        do {
            address = try command.recipient(addressRules(envelope.mail))
        } catch {
            let reply = Reply(501, "\(command.argument): \(error.message)")
            phase.refuseRecipient(reply.text)
            return await wrongSyntax(reply, error.message)
        }
        guard let recipient = await qualifiedRecipient(address, command) else { return }
        if settings.limits.recipients > 0, envelope.acceptedCount >= settings.limits.recipients {
            return await tooManyRecipients()
        }
        holdCallouts()
        let verdict = await cutThrough(recipient, await decide(on: recipient))
        await answer(recipient, command, verdict)
    }

    private mutating func tooManyRecipients() async {
        if !envelope.hasTooMany {
            envelope.hasTooMany = true
            let word: ByteString =
                settings.limits.rejectsTooManyRecipients ? "message rejected" : "excess temporarily rejected"
            let who = SessionLog.identity(state.facts).peer.logged(by: system.settings.logSelector)
            system.log.reject("too many recipients: \(word): sender=<\(envelope.sender ?? "")> \(who)")
        }
        await say(Reply(settings.limits.rejectsTooManyRecipients ? 552 : 452, "too many recipients"))
    }

    private mutating func decide(on recipient: ByteString) async -> ACLVerdict {
        if envelope.isDiscarded { return ACLVerdict(.discard) }
        let meant: ByteString
        do throws(RoutingTrouble) {
            let hack = system.router.environment.percentHack
            meant = try await hack?.meaning(of: recipient, state.facts) ?? recipient
        } catch {
            return ACLVerdict(.defer, logMessage: error.text)
        }
        state.recipient = meant
        state.facts.address = AddressFacts(of: meant)
        state.casedLocalPart = state.facts.address.localPart
        state.facts.address.localPart?.bytes = state.casedLocalPart?.bytes.lowercasedASCII() ?? ""
        state.facts.message.rcptCount += 1
        state.facts.message.recipientsCount = envelope.recipients.count
        // Those accepted so far are not told before the message is there, nor is the last one then.
        let accepted = state.facts.message.recipients
        state.facts.message.recipients = []
        defer {
            state.facts.message.recipients = accepted
            state.facts.address = AddressFacts()
        }
        let local = isLocal
        // Exim accepts recipients without an ACL only from local callers: a relay must be asked for.
        let verdict =
            context.isBatched
            ? ACLVerdict(.accept) : await runACL(.rcpt, unset: ACLVerdict(local ? .accept : .deny))
        state.recipient = nil
        noteVerifiedSender()
        return verdict
    }

    private mutating func answer(
        _ recipient: ByteString, _ command: RecipientCommand, _ verdict: ACLVerdict
    ) async {
        switch verdict.decision {
        case .accept, .discard:
            envelope.acceptedCount += 1
            phase.acceptRecipient()
            let discards = verdict.decision == .discard || envelope.isDiscarded
            if !discards {
                envelope.recipients.append(
                    .init(
                        address: recipient, notify: command.notify,
                        originalRecipient: command.originalRecipient))
                state.facts.message.recipients.append(recipient)
                state.facts.message.recipientsCount = envelope.recipients.count
            } else {
                noteDiscarded(command.argument, verdict)
            }
            await say(acceptance(verdict.message, Reply(250, "Accepted")))
        case .deny, .drop, .defer:
            log.rejected(.recipient(argument: command.argument), verdict, state)
            let reply = refusal(
                verdict, deny: Reply(550, "Administrative prohibition"),
                defer: Reply(451, "Temporary local problem - please try later"))
            phase.refuseRecipient(ByteString(reply.lines.joined(separator: "\n")))
            if reply.isTemporary {
                state.facts.message.rcptDeferCount += 1
            } else {
                state.facts.message.rcptFailCount += 1
            }
            await say(reply)
            if verdict.decision == .drop { await drop() }
        }
    }

    private mutating func noteDiscarded(_ argument: ByteString, _ verdict: ACLVerdict) {
        let isByMail = envelope.isDiscarded
        if !isByMail { envelope.discardedBy = "RCPT" }
        let text = Rejection.discarded(
            argument: argument, acl: isByMail ? "MAIL" : "RCPT", of: SessionLog.identity(state.facts),
            sender: envelope.sender ?? "", reason: isByMail ? envelope.discardReason : verdict.logMessage,
            by: system.settings.logSelector)
        system.log.reject(text)
    }

    private mutating func qualifiedRecipient(
        _ address: EmailAddress, _ command: RecipientCommand
    ) async -> ByteString? {
        if address.isQualified { return address.text }
        let isPostmaster = address.text.equalsIgnoringCase(ByteString("postmaster"))
        let local = isLocal
        if isPostmaster || local { return address.qualified(with: system.settings.qualifyRecipient).text }
        if await isListed(.recipientUnqualified) {
            return address.qualified(with: system.settings.qualifyRecipient).text
        }
        log.unqualified("recipient", address.text, state.facts)
        let reply = Reply(501, "\(command.argument): recipient address must contain a domain")
        phase.refuseRecipient(reply.text)
        await say(reply)
        return nil
    }
}

extension AddressFacts {
    /// What ACLs see of an address that a client has given.
    init(of address: ByteString) {
        self.init()
        let parts = address.cutAtLast(UInt8(ascii: "@")) ?? (address[...], [])
        localPart = TaintedBytes(ByteString(parts.before).unquotedLocalPart, .tainted)
        domain = TaintedBytes(parts.after.lowercasedASCII(), .tainted)
    }
}
