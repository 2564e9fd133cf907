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
        lastLine = line
        state.facts.connection.smtpCommand = line
        let name = CommandName(line)
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
        phase.followsRecipient = name.word == "RCPT" && phase.isInTransaction
    }

    /// Whether the client has sent more than it might, by `smtp_enforce_sync`.
    var isAhead: Bool {
        settings.enforcesSync && framer.hasPending && state.facts.connection.remoteAddress != nil
    }

    private mutating func note(_ name: CommandName, _ line: ByteString) {
        state.facts.connection.smtpCommandArgument = ByteString(line.dropFirst(name.spelled).trimmed())
        history.append(name.word)
        if history.count > 21 { history.removeFirst() }
        state.facts.connection.smtpCommandHistory = history
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

    /// `smtp_accept_max_nonmail`: false when there were too many, and the session is over.
    private mutating func mayStillTalk(_ name: CommandName) async -> Bool {
        guard !name.carriesMail else { return true }
        let kind: ByteString = name.word == "EHLO" ? "HELO" : name.word
        if freeNonMail.remove(kind) != nil { return true }
        nonMailCommands += 1
        guard nonMailCommands > settings.maxNonMail, state.facts.connection.remoteAddress != nil,
            await isListed(.nonMailLimited)
        else { return true }
        log.event(.tooManyNonMail(last: lastLine), state, headers: [])
        await say(Reply(554, "Too many nonmail commands"))
        isOpen = false
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
            endTransaction()
            await say(Reply(250, "Reset OK"))
        case .noop: await say(Reply(250, "OK"))
        case .quit: await quit()
        case .verify(let argument): await verify(argument)
        case .expand(let argument): await expand(argument)
        case .etrn(let argument): await turn(argument)
        case .help: await help()
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
                return await misused(reply)
            }
            if event == .recipient { phase.refuseRecipient(reply.text) }
            if logged.isEmpty { return await say(reply) }
            log.event(.protocolError(line: lastLine, text: logged), state.facts)
            await misused(reply)
        }
    }

    // MARK: HELO, EHLO

    private mutating func hello(_ argument: ByteString, _ isExtended: Bool) async {
        let verb: ByteString = isExtended ? "EHLO" : "HELO"
        guard await acceptableHello(argument) else {
            log.event(.badHello(command: verb, argument: argument), state.facts, alsoReject: true)
            return await misused(Reply(501, "Syntactically invalid \(verb) argument(s)"))
        }
        state.facts.connection.helo = argument
        let verdict = await runACL(.helo)
        guard verdict.decision == .accept else {
            log.rejected(.hello(argument), verdict, state)
            state.facts.connection.helo = nil
            await say(
                refusal(
                    verdict, deny: Reply(550, "Administrative prohibition"),
                    defer: Reply(451, "Temporary local problem - please try later")))
            if verdict.decision == .drop { drop() }
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
        var lines = [text.map(firstLine) ?? "\(activeHostName) Hello \(caller)\(shown)\(peer)"]
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
        for verb in ["ETRN", "VRFY", "EXPN"] as [ByteString] where hasACL(verb) { lines.append(verb) }
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

    /// An ACL's text for HELO or EHLO has one line: clients read those that follow as extensions.
    private func firstLine(_ text: ByteString) -> ByteString {
        guard text.contains(.newline) else { return text }
        log.panic(
            "EHLO/HELO response must not contain newlines: message truncated: 250 \(text.escapedForLog())")
        return ByteString(text.prefix { $0 != .newline })
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
        logIncomplete("QUIT")
        await say(Reply(221, verdict.message ?? "\(activeHostName) closing connection"))
        log.event(.closedByQuit, state.facts)
        isOpen = false
    }

    private mutating func help() async {
        let more = (["ETRN", "EXPN", "VRFY"] as [ByteString]).filter(hasACL).map { " \($0)" as ByteString }
        let names: ByteString = "HELO EHLO MAIL RCPT DATA BDAT NOOP QUIT RSET HELP"
        await say(Reply(214, "Commands supported:\n\(names)\(ByteString(more.joined()))"))
    }

    private func hasACL(_ verb: ByteString) -> Bool {
        system.configuration.main.template("acl_smtp_\(verb.lowercasedASCII())") != nil
    }

    /// VRFY: the address is looked at first; then the ACL decides, and routing tells.
    private mutating func verify(_ argument: ByteString) async {
        let address: EmailAddress
        do {
            address = try RecipientCommand(addressText: argument).recipient(settings.addressRules)
        } catch {
            return await say(Reply(501, error.message))
        }
        let isLocal = state.facts.connection.remoteAddress == nil
        if !address.isQualified, !isLocal, !(await isListed(.recipientUnqualified)) {
            log.unqualified("verify", address.text, state.facts)
            return await say(Reply(501, "\(argument): recipient address must contain a domain"))
        }
        let verdict = await runACL(.vrfy, unset: ACLVerdict(.deny))
        guard verdict.decision == .accept else { return await refuse("VRFY", argument, verdict, 252) }
        let text = address.qualified(with: system.settings.qualifyRecipient).text
        switch await RoutingVerifier(system).verify(text, asSender: false, state.facts) {
        case .accepted: await say(Reply(250, "<\(argument)> is deliverable"))
        case .deferred(_, let why):
            await say(Reply(451, "<\(argument)> cannot be resolved at this time: \(why)"))
        case .failed(let said, let why):
            let who = SessionLog.identity(state.facts).peer.logged(by: system.settings.logSelector)
            log.main("VRFY failed for \(argument) \(who)")
            await say(Reply(550, "<\(argument)> \(said ?? why)"))
        }
    }

    /// EXPN is answered as far as an ACL lets it; no list is told.
    private mutating func expand(_ argument: ByteString) async {
        let verdict = await runACL(.expn, unset: ACLVerdict(.deny))
        guard verdict.decision == .accept else { return await refuse("EXPN", argument, verdict, 550) }
        await say(Reply(252, "EXPN is not done here"))
    }

    /// ETRN starts no delivery here: a queue run does.
    private mutating func turn(_ argument: ByteString) async {
        if phase.isInTransaction {
            return await misused(Reply(503, "ETRN is not permitted inside a transaction"))
        }
        log.event(.etrn(argument: argument), state.facts)
        let verdict = await runACL(.etrn, unset: ACLVerdict(.deny))
        guard verdict.decision == .accept else { return await refuse("ETRN", argument, verdict, 458) }
        guard argument.first == UInt8(ascii: "#") else {
            return await wrongSyntax(Reply(501, "argument must begin with #"), "argument must begin with #")
        }
        await say(Reply(458, "Unable to queue messages for that node: queue runs deliver here"))
    }

    private mutating func refuse(
        _ verb: ByteString, _ argument: ByteString, _ verdict: ACLVerdict, _ code: Int
    ) async {
        log.rejected(.command("\(verb) \(argument)"), verdict, state)
        await say(
            refusal(
                verdict, deny: Reply(code, "Administrative prohibition"),
                defer: Reply(451, "Temporary local problem - please try later")))
    }

    private mutating func unknown() async {
        unknownCommands += 1
        log.event(.syntaxError(line: lastLine, text: "unrecognized command"), state.facts)
        guard unknownCommands <= settings.maxUnknownCommands else {
            log.event(.tooManyUnknown(last: lastLine), state, headers: [])
            await say(Reply(500, "Too many unrecognized commands"))
            isOpen = false
            return
        }
        await misused(Reply(500, "unrecognized command"))
    }

    /// Answers a command whose syntax is wrong.
    mutating func wrongSyntax(_ reply: Reply, _ text: ByteString) async {
        log.event(.syntaxError(line: lastLine, text: text), state.facts)
        await misused(reply)
    }

    /// Answers a command that is wrong or out of place; too many of them end the session.
    mutating func misused(_ reply: Reply) async {
        syntaxErrors += 1
        guard syntaxErrors > settings.maxSyntaxErrors else { return await say(reply) }
        log.event(.tooManyErrors(last: lastLine, commands: history), state, headers: [])
        await say(Reply(reply.code, lines: reply.lines + ["Too many syntax or protocol errors"]))
        isOpen = false
    }
}

/// The verb of a command line.
private struct CommandName {
    /// In capitals.
    let word: ByteString
    /// How many octets of the line it takes, `FROM:` or `TO:` included.
    let spelled: Int

    /// Nil when the line begins with no command that is known.
    init?(_ line: ByteString) {
        for known in Self.all where line.startsIgnoringCase(with: known) {
            if known.last != UInt8(ascii: ":"), let next = line[known.count...].first, next != .blank {
                continue
            }
            word = ByteString(known.prefix { $0 != .blank }).uppercasedASCII()
            spelled = known.count
            return
        }
        return nil
    }

    private static let all: [ByteString] = [
        "helo", "ehlo", "mail from:", "rcpt to:", "data", "bdat", "rset", "quit", "noop", "vrfy", "expn",
        "help",
        "etrn", "auth", "starttls",
    ]

    var carriesMail: Bool { (["MAIL", "RCPT", "DATA", "BDAT", "QUIT"] as [ByteString]).contains(word) }

    /// Whether nothing may follow before the reply (RFC 2920, section 3.1; without PIPELINING all but QUIT).
    func mustBeLast(_ offered: Advertised) -> Bool {
        if word == "QUIT" { return false }
        guard offered.contains(.pipelining) else { return word != "BDAT" }
        return !(["MAIL", "RCPT", "RSET", "BDAT"] as [ByteString]).contains(word)
    }
}
