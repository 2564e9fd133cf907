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
    /// Obeys one command line.
    mutating func obey(_ line: ByteString) async {
        lastLine = CommandName.withoutSecret(line)
        state.rates.forgetCommand()
        state.facts.connection.smtpCommand = line
        let name = CommandName(line)
        if refusesCommands, name?.word != "QUIT" { return await refuseWithoutProxy() }
        if advertised.contains(.pipelining), framer.hasPending, name?.word != "BDAT" { usedPipelining = true }
        if name?.mustBeLast(advertised) ?? true, isAhead { return await outOfStep() }
        guard let name else { return await unknown() }
        if line.contains(0) { return await containsNUL() }
        guard await mayStillTalk(name) else { return }
        note(name, line)
        do {
            let command = try SMTP.CommandLine.parse(line, offered: advertised)
            await obey(command)
        } catch {
            await wrongParameters(error, name)
        }
        phase.finish(name.word)
    }

    /// Whether the client has sent more than it might, by `smtp_enforce_sync`.
    ///
    /// What comes under TLS cannot be somebody else's, and is not looked at so.
    var isAhead: Bool { framer.hasPending && enforcesSync && !phase.isSecure }

    private mutating func note(_ name: CommandName, _ line: ByteString) {
        state.facts.connection.smtpCommandArgument = ByteString(line.dropFirst(name.spelled).trimmed())
        state.facts.connection.smtpCommandHistory.append(name.word)
        if state.facts.connection.smtpCommandHistory.count > 21 {
            state.facts.connection.smtpCommandHistory.removeFirst()
        }
        if name.word == "MAIL" { mailCommands += 1 }
    }

    /// Order comes before syntax: a command in the wrong place is told so, whatever follows it.
    private mutating func wrongParameters(_ error: SMTPSyntaxError, _ name: CommandName) async {
        let event: EnvelopePhase.Event? = name.word == "MAIL" ? .mail : name.word == "RCPT" ? .recipient : nil
        if let event, case .refuse = phase.check(event, offered: advertised) {
            return await ordered(event) { _ in }
        }
        if name.word == "RCPT" { phase.refuseRecipient(error.reply.text) }
        await wrongSyntax(error.reply, error.logged)
    }

    private mutating func containsNUL() async {
        await wrongSyntax(
            Reply(501, "NUL characters are not allowed in SMTP commands"),
            "NUL character(s) present (shown as '?')")
    }

    /// A message has come, to whatever end, and another may follow: the commands that go before it are free again, once.
    mutating func expectMessage() { freeNonMail.formUnion(["RSET", "HELO", "STARTTLS"]) }

    /// `smtp_accept_max_nonmail`: false when there were too many, and the session is over.
    private mutating func mayStillTalk(_ name: CommandName) async -> Bool {
        guard !name.carriesMail else { return true }
        let kind: ByteString = name.word == "EHLO" ? "HELO" : name.word
        if freeNonMail.remove(kind) != nil { return true }
        nonMailCommands += 1
        guard nonMailCommands > settings.limits.maxNonMail, !context.isBatched,
            await isListed(.nonMailLimited)
        else { return true }
        log.event(.tooManyNonMail(last: lastLine), state, headers: [])
        await leave(for: "bad-commands", Reply(554, "Too many nonmail commands"))
        return false
    }

    private mutating func obey(_ command: SMTPCommand) async {
        switch command {
        case .hello(let argument, let isExtended): await hello(argument, isExtended)
        case .mail(let mail): await ordered(.mail) { await $0.mail(mail) }
        case .recipient(let recipient): await ordered(.recipient) { await $0.recipient(recipient) }
        case .data: await ordered(.data) { await $0.data() }
        case .bdat(let size, let isLast): await bdat(size, isLast)
        case .reset:
            logIncomplete("RSET")
            await endTransaction()
            await say(Reply(250, "Reset OK"))
        case .noop: await say(Reply(250, "OK"))
        case .quit: await quit()
        case .verify(let argument): await verify(argument)
        case .expand(let argument): await expand(argument)
        case .etrn(let argument): await turn(argument)
        case .help: await help()
        case .startTLS: await ordered(.startTLS) { await $0.startTLS() }
        case .auth(let mechanism, let initial): await auth(mechanism, initial)
        case .xclient, .unknown: await unknown()
        }
    }

    /// Obeys a command that has its place in the order of a transaction.
    mutating func ordered(
        _ event: EnvelopePhase.Event, _ body: (inout Session) async -> Void
    ) async {
        switch phase.check(event, offered: usable) {
        case .decide: await body(&self)
        case .refuse(let reply, let logged):
            if event == .mail, phase.phase == .fresh {
                log.event(.noHello, state.facts, alsoReject: true)
                return await say(reply)
            }
            // Its words are told again with those of DATA, code and all.
            if event == .recipient { phase.refuseRecipient(reply.text) }
            if logged.isEmpty { return await say(reply) }
            log.event(.protocolError(line: lastLine, text: logged), state.facts)
            await misused(reply)
        }
    }

    // MARK: The end, and mistakes

    private mutating func quit() async {
        logIncomplete("QUIT")
        let verdict = await runACL(.quit)
        await say(Reply(221, verdict.message ?? "\(activeHostName) closing connection"))
        log.event(.closedByQuit, state.facts)
        hasQuit = true
        isOpen = false
    }

    /// Ends a session that the client has not ended by QUIT: `acl_smtp_notquit` may have other words.
    mutating func leave(for reason: ByteString, _ reply: Reply) async {
        var words = reply
        if let own = await endWithoutQuit(for: reason).message { words = cut(Reply(reply.code, own)) }
        await say(words)
        isOpen = false
    }

    /// Runs `acl_smtp_notquit`; its decision is of no account.
    @discardableResult
    mutating func endWithoutQuit(for reason: ByteString) async -> ACLVerdict {
        state.facts.connection.notQuitReason = reason
        return await runACL(.notquit)
    }

    private mutating func unknown() async {
        log.event(.syntaxError(line: lastLine, text: "unrecognized command"), state.facts)
        guard await mayTryAgain() else { return }
        await misused(Reply(500, "unrecognized command"))
    }

    /// No command is known of a client whose PROXY header was none; it may not go on for ever.
    private mutating func refuseWithoutProxy() async {
        guard await mayTryAgain() else { return }
        await say(Self.refusedWithoutProxy)
    }

    /// Counts an unknown command, of which too many end the session.
    private mutating func mayTryAgain() async -> Bool {
        unknownCommands += 1
        if unknownCommands <= settings.limits.maxUnknownCommands { return true }
        log.event(.tooManyUnknown(last: lastLine), state, headers: [])
        await leave(for: "bad-commands", Reply(500, "Too many unrecognized commands"))
        return false
    }

    /// Answers a command whose syntax is wrong.
    mutating func wrongSyntax(_ reply: Reply, _ text: ByteString) async {
        log.event(.syntaxError(line: lastLine, text: text), state.facts)
        await misused(reply)
    }

    /// Answers a command that is wrong or out of place; too many of them end the session.
    mutating func misused(_ reply: Reply) async {
        syntaxErrors += 1
        guard syntaxErrors > settings.limits.maxSyntaxErrors else { return await say(reply) }
        log.event(
            .tooManyErrors(last: lastLine, commands: state.facts.connection.smtpCommandHistory), state,
            headers: [])
        await leave(
            for: "bad-commands",
            Reply(reply.code, lines: reply.lines + ["Too many syntax or protocol errors"]))
    }
}
