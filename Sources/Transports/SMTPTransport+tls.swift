import Bytes
import Expansion
import Hints
import Routing
import SMTP

// TLS with a host: what is wanted, and what is done when it does not come about (manual, section 43.10).
extension SMTPTransport {
    /// How TLS goes with a host; `$host` and its like are set.
    func plan(for host: RouteHost) async -> TLSPlan {
        await settings.tls.plan(for: host, scene.facts, environment.expander, environment.tls.options)
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
    ) async -> Result<SMTPConnection, ClientTrouble> {
        let loops = environment.connections.loops
        guard !key.tls.isAvoided else { return await SMTPConnection.open(key, opening, loops) }
        var opening = opening
        let offer = TLSOffer(key.tls, environment.tls)
        opening.tls = offer
        let result = await SMTPConnection.open(key, opening, loops)
        guard case .failure(let trouble) = result, TLSOffer.isFailure(trouble) else { return result }
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

extension UsedHost {
    /// The host that a connection goes to.
    fileprivate init(_ key: ConnectionKey) {
        self.init(host: RouteHost(name: key.hostName, address: key.address), port: key.port)
    }
}
