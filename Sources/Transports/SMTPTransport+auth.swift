import Bytes
import Expansion
import Hints
import Routing
import SMTP

// Who we are to a host: `hosts_try_auth`, `hosts_require_auth`, `authenticated_sender` (manual, sections 30.4 and 33.5).
extension SMTPTransport {
    /// Authenticates on a new connection where the options want it; the trouble that keeps us from using the host.
    mutating func authenticate(_ connection: SMTPConnection, _ host: RouteHost) async throws(TransportTrouble)
        -> ClientTrouble?
    {
        let isRequired = await isListed(host, settings.requiresAuthentication, otherwise: false)
        guard await mayAuthenticate(host) else { return nil }
        var facts = scene.facts
        facts.connection.tlsOut = connection.state.tls ?? TLSFacts()
        if facts.connection.tlsOut.cipher != nil {
            connection.credentials = await credentials(for: host, facts)
        }
        var attempts = ClientAuthentication(
            expander: environment.expander, facts: facts, authenticators: environment.authenticators,
            host: host, isRequired: isRequired)
        let outcome = await attempts.run(on: connection)
        lines += attempts.lines
        switch outcome {
        case .authenticated(let identity): connection.identity = identity
        case .anonymous: break
        case .failed(let trouble): return trouble
        case .ownFault(let text): throw TransportTrouble(text, errno: EximErrno.authenticatorTrouble)
        }
        return nil
    }

    private func mayAuthenticate(_ host: RouteHost) async -> Bool {
        if await isListed(host, settings.requiresAuthentication, otherwise: false) { return true }
        return await isListed(host, settings.triesAuthentication, otherwise: false)
    }

    /// What this message would authenticate with, so that no message uses a connection of another identity.
    func credentials(for host: RouteHost, _ facts: Facts) async -> ByteString {
        guard !environment.authenticators.isEmpty, await mayAuthenticate(host) else { return "" }
        var parts: [ByteString] = []
        for authenticator in environment.authenticators {
            let templates =
                authenticator.templates(environment.expander) + [authenticator.condition].compactMap { $0 }
            for template in templates {
                do throws(ExpansionError) {
                    parts.append(try await environment.expander.expand(template, facts).bytes)
                } catch {
                    parts.append("! \(error.text)")
                }
            }
        }
        return parts.joined(separator: "\n")
    }

    /// The authenticated sender for MAIL: the option's, or else the message's.
    func authenticatedSender() async throws(TransportTrouble) -> ByteString? {
        let own = scene.facts.connection.authenticatedSender
        guard let template = settings.authenticatedSender else { return own }
        do throws(ExpansionError) {
            let text = try await environment.expander.expand(template, scene.facts).bytes
            return text.isEmpty ? own : text
        } catch {
            if case .forcedFailure = error { return own }
            throw TransportTrouble("failed to expand authenticated_sender: \(error.text)", errno: -27)
        }
    }
}
