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
        note(line)
        let command: SMTPCommand
        do {
            command = try SMTP.CommandLine.parse(line, offered: advertised)
        } catch {
            return await syntaxError(error, line)
        }
        await obey(command)
    }

    private mutating func note(_ line: ByteString) {
        lastLine = line
        state.facts.connection.smtpCommand = line
        let name = ByteString(line.prefix { !$0.isASCIISpace && $0 != UInt8(ascii: ":") }).uppercasedASCII()
        history.append(name)
        state.facts.connection.smtpCommandArgument = ByteString(line.dropFirst(name.count).trimmed())
        if history.count > 21 { history.removeFirst() }
        state.facts.connection.smtpCommandHistory = history
    }

    private mutating func obey(_ command: SMTPCommand) async {
        switch command {
        case .hello(let argument, let isExtended): await hello(argument, isExtended)
        case .mail(let mail): await ordered(.mail) { await $0.mail(mail) }
        case .recipient(let recipient): await ordered(.recipient) { await $0.recipient(recipient) }
        case .data: await ordered(.data) { await $0.data() }
        case .bdat(let size, let isLast): await ordered(.bdat) { await $0.bdat(size, isLast) }
        case .reset:
            endTransaction()
            await say(Reply(250, "Reset OK"))
        case .noop: await say(Reply(250, "OK"))
        case .quit: await quit()
        case .verify(let argument): await probe(.vrfy, "VRFY", argument)
        case .expand(let argument): await probe(.expn, "EXPN", argument)
        case .etrn(let argument): await probe(.etrn, "ETRN", argument)
        case .help:
            await say(Reply(214, "Commands supported:\nHELO EHLO MAIL RCPT DATA BDAT NOOP QUIT RSET HELP"))
        case .startTLS: await say(Reply(503, "STARTTLS command used when not advertised"))
        case .auth: await say(Reply(503, "AUTH command used when not advertised"))
        case .xclient, .unknown: await unknown()
        }
    }

    /// Obeys a command that has its place in the order of a transaction.
    private mutating func ordered(
        _ event: EnvelopePhase.Event, _ body: (inout Session) async -> Void
    ) async {
        switch phase.check(event, offered: advertised) {
        case .decide: await body(&self)
        case .refuse(let reply, let logged):
            if event == .mail, phase.phase == .fresh {
                log.event(.noHello, state.facts, alsoReject: true)
                return await misused(reply, "")
            }
            await misused(reply, logged)
        }
    }

    // MARK: HELO, EHLO

    private mutating func hello(_ argument: ByteString, _ isExtended: Bool) async {
        let verb: ByteString = isExtended ? "EHLO" : "HELO"
        guard await acceptableHello(argument) else {
            log.event(.badHello(command: verb, argument: argument), state.facts, alsoReject: true)
            return await misused(Reply(501, "Syntactically invalid \(verb) argument(s)"), "")
        }
        state.facts.connection.helo = argument
        let verdict = await runACL(.helo)
        guard verdict.decision == .accept else {
            state.facts.connection.helo = nil
            log.rejected(.hello(argument), verdict, state)
            await say(
                refusal(
                    verdict, deny: Reply(550, "Administrative prohibition"),
                    defer: Reply(451, "Temporary local problem - please try later")))
            if verdict.decision == .drop { isOpen = false }
            return
        }
        endTransaction()
        phase.acceptHello()
        state.facts.connection.receivedProtocol = protocolName(isExtended)
        await say(await helloReply(argument, isExtended, verdict.message))
    }

    private func protocolName(_ isExtended: Bool) -> ByteString {
        let base: ByteString = isExtended ? "esmtp" : "smtp"
        return state.facts.connection.remoteAddress == nil ? "local-\(base)" : base
    }

    private mutating func acceptableHello(_ argument: ByteString) async -> Bool {
        if HeloRules.accepts(argument, allowing: settings.helloAllowedCharacters) { return true }
        return await isListed(.helloJunk)
    }

    private mutating func helloReply(_ argument: ByteString, _ isExtended: Bool, _ text: ByteString?) async
        -> Reply
    {
        let connection = state.facts.connection
        let peer = connection.remoteAddress.map { " [\($0.text)]" as ByteString } ?? ""
        let caller = connection.ident.map { "\($0) at " as ByteString } ?? ""
        let shown = connection.hostName.name ?? argument
        var lines: [ByteString] = [text ?? "\(activeHostName) Hello \(caller)\(shown)\(peer)"]
        advertised = []
        guard isExtended else { return Reply(250, lines: lines) }
        advertised = [.extended]
        let limit = await messageSizeLimit()
        lines.append(limit > 0 ? "SIZE \(limit)" : "SIZE")
        if settings.accepts8BitMIME { lines.append("8BITMIME") }
        if await isListed(.dsnAdvertise) {
            advertised.insert(.dsn)
            lines.append("DSN")
        }
        if await isListed(.pipeliningAdvertise) {
            advertised.insert(.pipelining)
            lines.append("PIPELINING")
        }
        if await isListed(.chunkingAdvertise) {
            advertised.insert(.chunking)
            lines.append("CHUNKING")
        }
        lines.append("HELP")
        return Reply(250, lines: lines)
    }

    /// `message_size_limit`, expanded; 0 is no limit.
    func messageSizeLimit() async -> Int {
        do {
            return try await system.expander.expandToInteger(settings.messageSizeLimit, state.facts)
        } catch {
            log.panic("failed to expand message_size_limit: \(error.text)")
            return 50 << 20
        }
    }

    // MARK: The rest

    private mutating func quit() async {
        let verdict = await runACL(.quit)
        await say(Reply(221, verdict.message ?? "\(activeHostName) closing connection"))
        isOpen = false
    }

    /// VRFY, EXPN and ETRN, which only an ACL can open; none of them gives more than a polite answer here.
    private mutating func probe(_ moment: ACLMoment, _ verb: ByteString, _ argument: ByteString) async {
        let verdict = await runACL(moment, unset: ACLVerdict(.deny))
        guard verdict.decision == .accept else {
            log.rejected(.command("\(verb) \(argument)"), verdict, state)
            let standard = Reply(
                moment == .etrn ? 458 : moment == .vrfy ? 252 : 550, "Administrative prohibition")
            return await say(
                refusal(
                    verdict, deny: standard, defer: Reply(451, "Temporary local problem - please try later")))
        }
        await say(Reply(moment == .etrn ? 458 : 252, "\(verb) is not done here"))
    }

    private mutating func unknown() async {
        unknownCommands += 1
        guard unknownCommands <= settings.maxUnknownCommands else {
            log.event(.tooManyUnknown(last: lastLine), state.facts)
            await say(Reply(500, "Too many unrecognized commands"))
            isOpen = false
            return
        }
        await misused(Reply(500, "unrecognized command"), "unrecognized command")
    }

    private mutating func syntaxError(_ error: SMTPSyntaxError, _ line: ByteString) async {
        log.event(.syntaxError(line: line, text: error.logged), state.facts)
        await misused(error.reply, "")
    }

    /// Answers a command that is wrong or out of place; too many of them end the session.
    mutating func misused(_ reply: Reply, _ logged: ByteString) async {
        if !logged.isEmpty { log.event(.protocolError(line: lastLine, text: logged), state.facts) }
        syntaxErrors += 1
        guard syntaxErrors > settings.maxSyntaxErrors else { return await say(reply) }
        log.event(.tooManyErrors(last: lastLine, commands: history.dropLast()), state.facts)
        await say(Reply(reply.code, lines: reply.lines + ["Too many syntax or protocol errors"]))
        isOpen = false
    }
}
