import ACL
import Bytes
import Configuration
import EximLog
import Expansion
import MailSystem
import SMTP

/// AUTH (RFC 4954; manual, chapter 33).
extension Session {
    /// What the client may use now: what was offered to it, and AUTH where `control = allow_auth_unadvertised` says so.
    var usable: Advertised { state.has("allow_auth_unadvertised") ? advertised.union(.auth) : advertised }

    /// Obeys AUTH in its place; the mechanism comes as the client spelled it.
    mutating func auth(_ mechanism: ByteString, _ initial: ByteString?) async {
        state.facts.connection.authenticationFailed = true
        await ordered(.auth) { await $0.authenticate(mechanism, initial) }
        if phase.isAuthenticated { state.facts.connection.authenticationFailed = false }
    }

    private mutating func authenticate(_ mechanism: ByteString, _ initial: ByteString?) async {
        let verdict = await runACL(.auth)
        guard verdict.decision == .accept else {
            // What follows the mechanism is a secret.
            log.rejected(.command("AUTH \(mechanism)"), verdict, state)
            return await refuse(verdict, deny: Reply(503, "Administrative prohibition"))
        }
        guard mechanism.allSatisfy(Self.isOfMechanism) else {
            return await wrongSyntax(
                Reply(501, "invalid character in authentication mechanism name"),
                "invalid character in authentication mechanism name")
        }
        guard let authenticator = authenticator(mechanism) else {
            let text: ByteString = "\(mechanism) authentication mechanism not supported"
            log.event(.protocolError(line: lastLine, text: text), state.facts)
            return await misused(Reply(504, text))
        }
        guard let result = await exchange(authenticator, initial) else { return }
        note(result, authenticator)
        if result.outcome != .succeeded {
            log.event(
                .authenticationFailed(authenticator: authenticator.name, text: result.logged), state.facts,
                alsoReject: true)
        }
        await say(Reply(result.reply.code, result.reply.text))
    }

    private static func isOfMechanism(_ octet: UInt8) -> Bool {
        octet.isASCIIAlphanumeric || octet == UInt8(ascii: "-") || octet == UInt8(ascii: "_")
    }

    private func authenticator(_ mechanism: ByteString) -> ServerAuthenticator? {
        settings.authenticators.first { authenticator in
            !authenticator.isByCertificate && authenticator.publicName.equalsIgnoringCase(mechanism)
                && (offeredMechanisms.contains(authenticator.publicName)
                    || state.has("allow_auth_unadvertised"))
        }
    }

    /// Asks and hears the client until there is a verdict; nil when the session is over.
    private mutating func exchange(
        _ authenticator: ServerAuthenticator, _ initial: ByteString?
    ) async -> AuthenticationVerdict? {
        var exchange = AuthenticationExchange(authenticator, system.expander, state.facts)
        var step = await exchange.begin(initial)
        while true {
            switch step {
            case .decided(let verdict): return verdict
            case .ask(let challenge):
                await say(Reply(334, challenge))
                guard isOpen, let answer = await nextLine(isAnswer: true) else { return nil }
                step = await exchange.take(answer)
            }
        }
    }

    mutating func note(_ result: AuthenticationVerdict, _ authenticator: ServerAuthenticator) {
        guard result.outcome == .succeeded else {
            if let identity = result.identity { state.facts.connection.authenticatedFailID = identity }
            return
        }
        phase.acceptAuthentication()
        state.facts.connection.authenticatedID = result.identity
        state.facts.connection.authenticatedFailID = nil
        state.facts.connection.authenticatorName = authenticator.name
        state.facts.connection.authenticatorPublicName = authenticator.publicName
        state.facts.connection.receivedProtocol = protocolName(isExtended: true)
    }

    /// The mechanisms that are offered to the client, in the order of the configuration.
    mutating func advertisedMechanisms() async -> [ByteString] {
        guard !settings.authenticators.isEmpty, !phase.isAuthenticated, await isListed(.authAdvertise) else {
            return []
        }
        var names: [ByteString] = []
        for authenticator in settings.authenticators where !authenticator.isByCertificate {
            do throws(ExpansionError) {
                if try await authenticator.isAdvertised(by: system.expander, state.facts) {
                    names.append(authenticator.publicName)
                }
            } catch {
                log.panic(error.text)
            }
        }
        return names
    }

    // MARK: AUTH= of MAIL

    /// `AUTH=` counts from a client that has authenticated, unless `acl_smtp_mailauth` decides, and where the
    /// authenticator's `server_mail_auth_condition` agrees (manual, section 33.2).
    ///
    /// Gives what MAIL is answered when no other ACL has words for it; nil when MAIL is refused for now, and the client
    /// has been told.
    mutating func noteForeignAuth(_ command: MailCommand) async -> ByteString? {
        guard let auth = command.auth, !auth.isEmpty, auth != "<>" else { return "OK" }
        state.facts.connection.authenticatedSender = XText.decode(auth)
        guard system.configuration.main.template(ACLMoment.mailauth.option) != nil else {
            if !phase.isAuthenticated { ignore(auth, "client not authenticated") }
            return await keepForeignAuth(auth, "OK")
        }
        let verdict = await runACL(.mailauth)
        switch verdict.decision {
        case .accept: return await keepForeignAuth(auth, "OK")
        case .defer:
            state.facts.connection.authenticatedSender = nil
            log.rejected(.command("MAILAUTH \(command.argument) AUTH=\(auth)"), verdict, state)
            await refuse(verdict)
            return nil
        case .deny, .discard, .drop:
            ignore(auth, "rejected by ACL")
            return verdict.message ?? "OK"
        }
    }

    /// Asks the authenticator by which the client has authenticated.
    private mutating func keepForeignAuth(_ auth: ByteString, _ answer: ByteString) async -> ByteString {
        let name = state.facts.connection.authenticatorName
        guard phase.isAuthenticated, state.facts.connection.authenticatedSender != nil,
            let authenticator = settings.authenticators.first(where: { $0.name == name })
        else { return answer }
        var isAccepted = false
        do throws(ExpansionError) {
            isAccepted = try await authenticator.acceptsSender(by: system.expander, state.facts)
        } catch {
            log.panic(error.text)
        }
        if !isAccepted {
            let id = state.facts.connection.authenticatedID
            let tail: ByteString = id.map { ": authenticated ID=\"\($0)\"" } ?? ""
            ignore(auth, "server_mail_auth_condition failed\(tail)")
        }
        return answer
    }

    private mutating func ignore(_ auth: ByteString, _ why: ByteString) {
        state.facts.connection.authenticatedSender = nil
        let who = SessionLog.identity(state.facts).peer.logged(by: system.settings.logSelector)
        log.main("ignoring AUTH=\(auth) from \(who) (\(why))")
    }
}
