import Bytes
import Expansion
import Hints
import Routing
import SMTP

// TLS with a host: what is wanted, and what is done when it does not come about (manual, section 43.10).
extension SMTPTransport {
    /// How TLS goes with a host; `$host` and its like are set.
    func plan(for host: RouteHost, port: Int) async -> TLSPlan {
        await settings.tls.plan(
            for: TLSPlace(
                host: host, port: port, facts: scene.facts, routing: environment.routing,
                options: environment.tls.options))
    }

    /// The host is not used, since DANE is wanted and the DNS does not have what it needs.
    mutating func refuse(
        _ refusal: DANERefusal, _ used: UsedHost, _ key: RetryKey, isLast: Bool
    ) async {
        await tell(refusal.result, used)
        guard refusal.isPermanent else {
            let trouble = ClientTrouble(
                scope: .host, isPermanent: false, errno: Int(EximErrno.dnsDeferred), text: refusal.text)
            return await take(hostTrouble: trouble, used, key, isLast: isLast)
        }
        for index in pending {
            settle(
                index,
                TransportOutcome(.failed(TransportTrouble(refusal.text, errno: EximErrno.dnsDeferred))))
        }
    }

    /// Raises `dane:fail`.
    private mutating func tell(_ result: DANEResult, _ used: UsedHost) async {
        guard let address = used.host.address else { return }
        flush()
        let told = HostEvents(events, host: used.host.name, address: address, port: used.port)
        await told?.failed(result, used.tls)
    }

    /// A connection that another message has left and that is as good as one of our own.
    func keptConnection(_ key: ConnectionKey, _ host: RouteHost) async -> SMTPConnection? {
        guard let kept = await environment.connections.take(key) else { return nil }
        guard let proven = kept.credentials else { return kept }
        // What we authenticate with may depend on the session.
        var facts = scene.facts
        facts.connection.tlsOut = kept.state.tls ?? TLSFacts()
        if await credentials(for: host, facts) == proven { return kept }
        await kept.quit()
        return nil
    }

    /// Opens a connection; in clear text after all where no TLS session comes about and that is allowed.
    mutating func open(
        _ key: ConnectionKey, _ opening: SMTPConnection.Opening
    ) async -> Result<SMTPConnection, SMTPConnection.Failure> {
        let loops = environment.connections.loops
        var opening = opening
        let offer = TLSOffer(key.tls, environment.tls)
        opening.tls = key.tls.isAvoided ? nil : offer
        let result = await SMTPConnection.open(key, opening, loops)
        guard case .failure(let failure) = result else { return result }
        let trouble = failure.trouble
        if key.tls.isAnnounced { await tellOfDANE(trouble, key) }
        guard !key.tls.isAvoided, TLSOffer.isFailure(trouble) else { return result }
        guard await offer.mayGoClear(tell: { lines.append($0) }) else { return result }
        await tellOfEnding(pending.map { (index: $0, trouble: trouble) }, UsedHost(key), isLast: false)
        lines.append(
            TransportLogLine(
                "\(trouble.text): delivering unencrypted to H=\(key.hostName) [\(key.address.text)] (not in hosts_require_tls)"
            ))
        flush()
        opening.options.usesTLS = false
        opening.tls = nil
        return await SMTPConnection.open(key, opening, loops)
    }
}

extension SMTPTransport {
    /// A host that DANE knows could not be used; where TLS was the reason, that is told.
    private mutating func tellOfDANE(_ trouble: ClientTrouble, _ key: ConnectionKey) async {
        var used = UsedHost(key)
        if TLSOffer.isFailure(trouble) {
            used.tls = key.tls.factsOfFailure
            lines.append(
                TransportLogLine(
                    DANEResult.failureText(
                        of: "\(used.host.name) [\(used.host.address?.text ?? "")]", trouble.text)))
            await tell(.validationFailure, used)
        } else if trouble.errno == Int(EximErrno.tlsRequired) {
            await tell(.of(trouble.text), used)
        }
    }
}

extension UsedHost {
    /// The host that a connection goes to.
    fileprivate init(_ key: ConnectionKey) {
        self.init(host: RouteHost(name: key.hostName, address: key.address), port: key.port)
    }
}
