import ACL
import Bytes
import Configuration
import EximLog
import Expansion
import MailSystem
import SMTP

extension Session {
    mutating func hello(_ argument: ByteString, _ isExtended: Bool) async {
        let verb: ByteString = isExtended ? "EHLO" : "HELO"
        guard await acceptableHello(argument) else {
            log.event(.badHello(command: verb, argument: argument), state.facts, alsoReject: true)
            return await misused(Reply(501, "Syntactically invalid \(verb) argument(s)"))
        }
        state.facts.connection.helo = argument
        guard await isVerified(verb, argument) else { return }
        let verdict = await runACL(.helo)
        guard verdict.decision == .accept else {
            log.rejected(.hello(argument), verdict, state)
            await refuse(verdict)
            state.facts.connection.helo = nil
            return
        }
        await endTransaction()
        phase.acceptHello()
        state.facts.connection.receivedProtocol = protocolName(isExtended: isExtended)
        await say(await helloReply(argument, isExtended, verdict.message))
    }

    /// What the message comes by (`$received_protocol`).
    func protocolName(isExtended: Bool) -> ByteString {
        var way = ReceivedProtocol(isLocal ? .localSMTP : .remote)
        way.isExtended = isExtended
        way.isSecure = phase.isSecure
        way.isAuthenticated = isExtended && phase.isAuthenticated
        return way.name
    }

    private mutating func acceptableHello(_ argument: ByteString) async -> Bool {
        if HeloRules.accepts(argument, allowing: settings.helloAllowedCharacters) { return true }
        return await isListed(.helloJunk)
    }

    /// `helo_lookup_domains`, `helo_verify_hosts` and `helo_try_verify_hosts`; false when the name is refused, and the
    /// client has been told.
    private mutating func isVerified(_ verb: ByteString, _ name: ByteString) async -> Bool {
        state.facts.connection.heloVerified = false
        guard state.facts.connection.remoteAddress != nil else { return true }
        let domains = settings.helloLookupDomains
        if await system.expander.matchDomain(name.lowercasedASCII(), in: domains, &state.facts).isMatch {
            await lookUpPeer()
        }
        let must = await isListed(.helloVerified)
        if !must {
            guard await isListed(.helloTried) else { return true }
        }
        let checked = await context.acls.verifyHello(&state)
        log.flush(&state)
        guard !checked, must else { return true }
        log.event(.unverifiedHello(line: "\(verb) \(name)"), state.facts, alsoReject: true)
        await misused(Reply(550, "\(verb) argument does not match calling host"))
        return false
    }

    private mutating func helloReply(_ argument: ByteString, _ isExtended: Bool, _ text: ByteString?) async
        -> Reply
    {
        let connection = state.facts.connection
        let peer = connection.remoteAddress.map { " [\($0.text)]" as ByteString } ?? ""
        let caller = connection.ident.map { "\($0) at " as ByteString } ?? ""
        let shown = connection.hostName.name ?? argument
        let first = text.map(firstLine) ?? "\(activeHostName) Hello \(caller)\(shown)\(peer)"
        advertised = []
        offeredMechanisms = []
        return Reply(250, lines: [first] + (isExtended ? await extensions() : []))
    }

    /// The extensions that are offered to this client, which are noted as such.
    private mutating func extensions() async -> [ByteString] {
        advertised = [.extended]
        let limit = await messageSizeLimit()
        var lines: [ByteString] = [limit > 0 ? "SIZE \(limit)" : "SIZE"]
        if await isListed(.limitsAdvertise), let limits = await limitsLine() { lines.append(limits) }
        if settings.accepts8BitMIME { lines.append("8BITMIME") }
        if await isListed(.dsnAdvertise) {
            advertised.insert(.dsn)
            lines.append("DSN")
        }
        for verb in ["ETRN", "VRFY", "EXPN"] as [ByteString] where hasACL(verb) { lines.append(verb) }
        if !state.has("no_pipelining"), await isListed(.pipeliningAdvertise) {
            advertised.insert(.pipelining)
            lines.append("PIPELINING")
        }
        offeredMechanisms = await advertisedMechanisms()
        if !offeredMechanisms.isEmpty {
            advertised.insert(.auth)
            lines.append("AUTH \(offeredMechanisms.joined(separator: " "))")
        }
        if await isListed(.chunkingAdvertise) {
            advertised.insert(.chunking)
            lines.append("CHUNKING")
        }
        if !phase.isSecure, !context.isBatched, await mayBeListed(.tlsAdvertise) {
            advertised.insert(.startTLS)
            lines.append("STARTTLS")
        }
        if settings.accepts8BitMIME, await isListed(.smtpUTF8Advertise) {
            advertised.insert(.smtpUTF8)
            lines.append("SMTPUTF8")
        }
        return lines + ["HELP"]
    }

    /// The limits of a session that the client may know before (RFC 9422); nil where there are none.
    private func limitsLine() async -> ByteString? {
        var items: [ByteString] = []
        let mails = await messagesPerConnection()
        if mails > 0 { items.append("MAILMAX=\(mails)") }
        if settings.limits.recipients > 0 { items.append("RCPTMAX=\(settings.limits.recipients)") }
        return items.isEmpty ? nil : "LIMITS \(items.joined(separator: " "))"
    }

    /// An ACL's text for HELO or EHLO has one line: clients read those that follow as extensions.
    private func firstLine(_ text: ByteString) -> ByteString {
        guard text.contains(.newline) else { return text }
        log.panic(
            "EHLO/HELO response must not contain newlines: message truncated: 250 \(text.shown(by: system.settings.logSelector))"
        )
        return ByteString(text.prefix { $0 != .newline })
    }

    func hasACL(_ verb: ByteString) -> Bool {
        system.configuration.main.template("acl_smtp_\(verb.lowercasedASCII())") != nil
    }

    /// `message_size_limit`, expanded; 0 is no limit.
    func messageSizeLimit() async -> Int {
        await number(settings.limits.messageSize, "message_size_limit") ?? 50 << 20
    }

    /// `smtp_accept_max_per_connection`, expanded; 0 is no limit.
    func messagesPerConnection() async -> Int {
        await number(settings.limits.acceptMaxPerConnection, "smtp_accept_max_per_connection") ?? 1000
    }

    private func number(_ template: Template, _ option: ByteString) async -> Int? {
        do {
            return try await system.expander.expandToInteger(template, state.facts)
        } catch {
            log.panic("failed to expand \(option): \(error.text)")
            return nil
        }
    }
}
