import ACL
import Bytes
import EximLog
import Expansion
import MailSystem
import MailText
import Routing
import SMTP

/// VRFY, EXPN, ETRN and HELP.
extension Session {
    mutating func help() async {
        let more = (["ETRN", "EXPN", "VRFY"] as [ByteString]).filter(hasACL).map { " \($0)" as ByteString }
        let names: ByteString = "AUTH HELO EHLO MAIL RCPT DATA BDAT NOOP QUIT RSET HELP"
        await say(Reply(214, "Commands supported:\n\(names)\(ByteString(more.joined()))"))
    }

    /// VRFY: the address is looked at first; then the ACL decides, and routing tells.
    mutating func verify(_ argument: ByteString) async {
        let address: EmailAddress
        do {
            address = try RecipientCommand(addressText: argument).recipient(settings.addressRules)
        } catch {
            return await say(Reply(501, error.message))
        }
        if !address.isQualified, !isLocal, !(await isListed(.recipientUnqualified)) {
            log.unqualified("verify", address.text, state.facts)
            return await say(Reply(501, "\(argument): recipient address must contain a domain"))
        }
        let text = address.qualified(with: system.settings.qualifyRecipient).text
        state.facts.address = AddressFacts(of: text)
        defer { state.facts.address = AddressFacts() }
        let verdict = await runACL(.vrfy, unset: ACLVerdict(.deny))
        guard verdict.decision == .accept else { return await refuse("VRFY", argument, verdict, 252) }
        let verifier = RoutingVerifier(system)
        let (rewritten, lines) = await verifier.rewritten(text, asSender: false, state.facts)
        state.logLines += lines
        log.flush(&state)
        switch await verifier.verify(rewritten, asSender: false, state.facts) {
        case .accepted: await say(Reply(250, "<\(text)> is deliverable"))
        case .deferred(let deferral):
            await say(Reply(451, "<\(text)> \(deferral.said ?? deferral.logged)"))
        case .failed(let failure):
            let who = SessionLog.identity(state.facts).peer.logged(by: system.settings.logSelector)
            log.main("VRFY failed for \(argument) \(who)")
            await say(Reply(550, "<\(text)> \(failure.words)"))
        }
    }

    /// EXPN: what an address becomes by one step of redirection.
    mutating func expand(_ argument: ByteString) async {
        let verdict = await runACL(.expn, unset: ACLVerdict(.deny))
        guard verdict.decision == .accept else { return await refuse("EXPN", argument, verdict, 550) }
        let domain = system.settings.qualifyRecipient
        let given = argument.isEmpty ? "@\(domain)" : EmailAddress(argument).qualified(with: domain).text
        let (address, _) = await RoutingVerifier(system).rewritten(given, asSender: false, state.facts)
        let result = await system.router.route(
            RoutingAddress(address), state.facts, purpose: .verifyRecipient)
        switch result.verdict {
        case .deliver: await say(Reply(250, "<\(address)>"))
        case .discarded, .finished: await say(Reply(250, "mail to <\(address)> is discarded"))
        case .failed: await say(Reply(553, "\(given) is undeliverable"))
        case .deferred: await say(Reply(553, "\(given) cannot be resolved at this time"))
        case .redirected(let items): await say(Reply(250, lines: items.map { "<\($0.child.address)>" }))
        }
    }

    /// ETRN: the messages that wait for a domain are delivered now.
    mutating func turn(_ argument: ByteString) async {
        if phase.isInTransaction {
            log.event(
                .protocolError(line: lastLine, text: "ETRN is not permitted inside a transaction"),
                state.facts)
            return await misused(Reply(503, "ETRN is not permitted inside a transaction"))
        }
        log.event(.etrn(argument: argument), state.facts)
        let verdict = await runACL(.etrn, unset: ACLVerdict(.deny))
        guard verdict.decision == .accept else { return await refuse("ETRN", argument, verdict, 458) }
        let request: TurnRequest
        if let command = settings.etrn.command {
            guard let words = await turnCommand(command, argument) else { return }
            request = .command(words)
        } else if argument.first == UInt8(ascii: "#") {
            request = .queue(ByteString(argument.dropFirst()))
        } else {
            return await wrongSyntax(Reply(501, "argument must begin with #"), "argument must begin with #")
        }
        if context.isRehearsal { return await say(Reply(250, "OK")) }
        switch await context.turns.start(request, for: argument) {
        case .started: await say(Reply(250, "OK"))
        case .busy: await say(Reply(458, "Already processing \(argument)"))
        case .impossible(let why):
            log.panic("ETRN: \(why)")
            await say(Reply(458, "Unable to queue messages for \(argument)"))
        }
    }

    /// The words of `smtp_etrn_command`; nil when they cannot be had, and the client has been told.
    private mutating func turnCommand(_ template: ByteString, _ argument: ByteString) async -> [ByteString]? {
        var facts = state.facts
        facts.address.domain = TaintedBytes(argument, .tainted)
        do throws(CommandWords.Problem) {
            return try await CommandWords.expanded(template, system.expander, facts, in: "ETRN processing")
        } catch {
            log.panic("failed to set up ETRN command: \(error.text)")
            await say(Reply(458, "Internal failure"))
            return nil
        }
    }

    private mutating func refuse(
        _ verb: ByteString, _ argument: ByteString, _ verdict: ACLVerdict, _ code: Int
    ) async {
        log.rejected(.command("\(verb) \(argument)"), verdict, state)
        await refuse(verdict, deny: Reply(code, "Administrative prohibition"))
    }
}
