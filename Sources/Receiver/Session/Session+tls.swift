import ACL
import Bytes
import EximLog
import Expansion
import MailSystem
import OpenSSL
import SMTP

/// TLS with clients (RFC 3207; manual, chapter 43).
extension Session {
    // MARK: How it begins

    /// Obeys STARTTLS in its place.
    mutating func startTLS() async {
        let verdict = await runACL(.starttls)
        guard verdict.decision == .accept else {
            log.rejected(.command("STARTTLS "), verdict, state)
            return await refuse(verdict)
        }
        logIncomplete("STARTTLS")
        await endTransaction()
        let first: TLSContext
        do throws(TLSFailure) { first = try await serviceContext() } catch {
            log.event(.tlsFailed(text: error.text), state.facts)
            return await say(Reply(454, "TLS currently unavailable"))
        }
        // Whoever sends more in the clear does not know, or is somebody else: it is not obeyed.
        framer = LineFramer()
        await say(Reply(220, "TLS go ahead"))
        guard isOpen else { return }
        guard await secure(first) else {
            log.event(.closedByEOF, state.facts)
            await endWithoutQuit(for: "tls-failed")
            isOpen = false
            return
        }
        forgetClearText()
        await authenticateByCertificate()
    }

    /// Begins with TLS where the port or the command line says so; false when the session is over.
    mutating func startTLSOnConnect() async -> Bool {
        guard context.beginsWithTLS(at: state.facts.connection.interfacePort) else { return true }
        beganInTLS = true
        let first: TLSContext
        do throws(TLSFailure) { first = try await serviceContext() } catch {
            log.event(.tlsFailed(text: error.text), state.facts)
            return false
        }
        guard await secure(first) else { return false }
        phase.acceptTLS()
        return true
    }

    /// What a client said in the clear counts no more (RFC 3207, section 4.2).
    private mutating func forgetClearText() {
        let wasAuthenticated = phase.isAuthenticated
        phase.acceptTLS()
        state.facts.connection.helo = nil
        state.facts.connection.heloVerified = false
        if wasAuthenticated {
            state.facts.connection.authenticatorName = nil
            state.facts.connection.authenticatorPublicName = nil
            state.facts.connection.authenticatedID = nil
            state.facts.connection.authenticatedSender = nil
        }
        let remembers = settings.tls.remembersHello && advertised.contains(.extended)
        advertised.remove(.startTLS)
        if remembers {
            phase.acceptHello()
        } else {
            advertised = []
            offeredMechanisms = []
        }
        state.facts.connection.receivedProtocol = protocolName(isExtended: remembers)
    }

    // MARK: The handshake

    /// Shakes hands, and looks at the client's certificate; false when there is no TLS, and the log says why.
    private mutating func secure(_ first: TLSContext) async -> Bool {
        let carrier = wire
        do throws(TLSFailure) {
            let line: TLSWire
            do throws(OpenSSLError) {
                line = try TLSWire(over: carrier, try context.tls.context(for: TLSSettings()))
            } catch { throw TLSFailure(error.operation, error.reason) }
            wire = line
            let limit = await receiveTimeout()
            let negotiated = try await shakeHands(line, first, until: limit.map { .now + .seconds($0) })
            await line.setTimeout(seconds: limit)
            try await offerToEvents(negotiated.chain)
            let name = state.facts.connection.tlsIn.serverName
            state.facts.connection.tlsIn = TLSFacts(negotiated, serverName: name)
            return true
        } catch {
            await tell(error)
            return false
        }
    }

    private mutating func shakeHands(
        _ line: TLSWire, _ first: TLSContext, until deadline: ContinuousClock.Instant?
    ) async throws(TLSFailure) -> TLSNegotiated {
        let hello = try await line.hear(until: deadline)
        state.facts.connection.tlsIn.serverName = hello.serverName
        if hello.protocols.isEmpty, await mayBeListed(.alpnRequired) {
            throw TLSFailure("handshake", "ALPN required but not negotiated")
        }
        let isNamed = hello.serverName != nil && settings.tls.dependsOnServerName
        let chosen = isNamed ? try await serviceContext() : first
        let protocols = try await tlsExpansion.protocols()
        if hello.protocols.count > 1, !protocols.isEmpty {
            let names = ByteString(hello.protocols.joined(separator: ":").prefix(256))
            log.main("TLS ALPN (\(names.escapingUnprintable())) rejected")
        }
        return try await line.serve(
            with: chosen, await wantedVerification(), protocols: protocols, until: deadline)
    }

    /// How much the client's certificate matters; where it cannot be told whether it must have one, it must.
    private mutating func wantedVerification() async -> TLSVerification {
        switch await match(.tlsVerified) {
        case .matched, .deferred: .required
        case .notMatched: await isListed(.tlsTried) ? .tried : .none
        }
    }

    private var tlsExpansion: TLSExpansion {
        TLSExpansion(rules: settings.tls, expander: system.expander, facts: state.facts)
    }

    /// What this client is served with.
    private func serviceContext() async throws(TLSFailure) -> TLSContext {
        do throws(TLSFailure) {
            let made = try context.tls.service(with: try await tlsExpansion.settings())
            for fault in made.takeFaults() { log.main(fault.unusedProof) }
            return made
        } catch {
            if let text = error.panic { log.panic(text.escapingUnprintable()) }
            throw error
        }
    }

    private mutating func tell(_ failure: TLSFailure) async {
        if let action = system.eventAction(about: nil) {
            await action.raise(MailEvent(.tlsFailure, data: failure.text), updating: &state.facts)
        }
        log.event(.tlsFailed(text: failure.text), state.facts)
        state.facts.connection.tlsIn = TLSFacts()
    }

    // MARK: The client's certificate

    /// Asks `event_action` about each certificate of the client's chain, the authority's first.
    private mutating func offerToEvents(_ chain: [Certificate]) async throws(TLSFailure) {
        guard let action = system.eventAction(about: nil) else { return }
        for (depth, certificate) in chain.enumerated().reversed() {
            var seen = state.facts
            seen.connection.tlsIn.peerCertificate = certificate
            let answer = await action.raise(MailEvent(.tlsCertificate, data: "\(depth)"), updating: &seen)
            state.facts.keepACLVariables(of: seen)
            guard answer.isEmpty else {
                log.main("SSL verify denied by event-action: depth=\(depth): \(answer.escapingUnprintable())")
                throw TLSFailure("SSL_accept", "the certificate was refused by event_action")
            }
        }
    }

    /// Authenticates a client by its certificate, where that is good and there is an authenticator for it
    /// (manual, chapter 42).
    mutating func authenticateByCertificate() async {
        guard state.facts.connection.tlsIn.certificateVerified, !phase.isAuthenticated,
            let authenticator = settings.authenticators.first(where: \.isByCertificate)
        else { return }
        var exchange = AuthenticationExchange(authenticator, system.expander, state.facts)
        guard case .decided(let verdict) = await exchange.begin(nil) else { return }
        note(verdict, authenticator)
        if case .deferred = verdict.outcome {
            // Nobody is answered, and the session goes on without: at least the log says why.
            log.event(
                .authenticationFailed(authenticator: authenticator.name, text: verdict.logged), state.facts)
        }
    }

    // MARK: The line

    /// What comes next from the client; a line that broke under TLS is told of.
    func hear() async -> WireInput {
        let input = await wire.read()
        if case .ended = input, let fault = (wire as? TLSWire)?.takeFault() {
            log.event(.tlsFailed(text: fault.text), state.facts)
        }
        return input
    }
}

extension OpenSSLError {
    /// The line for the log about a proof that nobody is given.
    var unusedProof: ByteString {
        let text: ByteString = "tls_ocsp_file \(operation) is not used: \(reason)"
        return text.escapingUnprintable()
    }
}

extension TLSContexts {
    /// The context for a server's settings.
    func service(with settings: TLSSettings) throws(TLSFailure) -> TLSContext {
        do throws(OpenSSLError) { return try context(for: settings) } catch {
            let keys = settings.privateKeys.isEmpty ? settings.certificates : settings.privateKeys
            guard (settings.certificates + keys).contains(error.operation) else {
                throw TLSFailure(error.operation, error.reason)
            }
            let files = ByteString(settings.certificates.joined(separator: ":"))
            let keyFiles = ByteString(keys.joined(separator: ":"))
            throw TLSFailure("cert/key setup: cert=\(files) key=\(keyFiles)", error.reason)
        }
    }
}
