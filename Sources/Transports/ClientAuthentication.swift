import Bytes
import Expansion
import Hints
import OpenSSL
import Routing
import SMTP

/// Authenticates us to a server that has greeted (manual, section 33.5).
struct ClientAuthentication {
    /// What came of all attempts.
    enum Outcome {
        /// The server knows us.
        case authenticated(ClientIdentity)
        /// It does not, and need not: nobody asked for it, or no attempt was possible.
        case anonymous
        /// The host is not used now.
        case failed(ClientTrouble)
        /// Our own configuration is at fault: no host is used now.
        case ownFault(ByteString)
    }

    /// What came of one authenticator.
    private enum Attempt {
        case accepted
        /// The server refused for good.
        case refused(Reply)
        /// This authenticator will not do; a text is for the log.
        case cancelled(ByteString)
        /// The host is not used now.
        case failed(ClientTrouble)
        /// Our own configuration is at fault, or the server does what nobody does.
        case ownFault(ByteString)
    }

    let expander: Expander
    /// With `$host` and its like.
    var facts: Facts
    let authenticators: [ClientAuthenticator]
    let host: RouteHost
    /// Whether the host is in `hosts_require_auth`.
    let isRequired: Bool
    /// Lines for the log.
    var lines: [TransportLogLine] = []

    /// The most prompts that have a variable.
    private static let variables = 3

    /// Tries one authenticator after the other that fits what the server offers.
    mutating func run(on connection: SMTPConnection) async -> Outcome {
        let offered = connection.extensions.authMechanisms
        var reason: ByteString = "server did not advertise AUTH support"
        if !offered.isEmpty {
            reason = "no common mechanisms were found"
            for authenticator in authenticators
            where offered.contains(where: { $0.equalsIgnoringCase(authenticator.publicName) }) {
                guard await isWanted(authenticator) else { continue }
                switch await attempt(authenticator, connection) {
                case .accepted: return .authenticated(await identity(authenticator))
                case .refused(let reply):
                    note("failed", authenticator, reply.loggedText)
                case .cancelled(let text):
                    if !text.isEmpty { note("cancelled authentication", authenticator, text) }
                    continue
                case .failed(let trouble): return .failed(trouble)
                case .ownFault(let text): return .ownFault(text)
                }
                reason = "authentication attempt(s) failed"
            }
        }
        guard isRequired else { return .anonymous }
        return .failed(
            ClientTrouble(
                scope: .host, isPermanent: false, errno: Int(EximErrno.authenticationFailed),
                text: "authentication required but \(reason)"))
    }

    private mutating func note(_ what: ByteString, _ authenticator: ClientAuthenticator, _ text: ByteString) {
        let place: ByteString = "H=\(host.name) [\(host.address?.text ?? "")]"
        lines.append(TransportLogLine("\(authenticator.name) authenticator \(what) \(place) \(text)"))
    }

    /// `client_condition`.
    private mutating func isWanted(_ authenticator: ClientAuthenticator) async -> Bool {
        guard let condition = authenticator.condition else { return true }
        do throws(ExpansionError) {
            return try await expander.isTrueLoosely(condition: condition, facts)
        } catch {
            if case .forcedFailure = error { return false }
            let text: ByteString =
                "failed to expand condition \"\(condition.source)\" for \(authenticator.name) client authenticator: \(error.text)"
            lines.append(TransportLogLine(text, isPanic: true))
            return false
        }
    }

    /// `client_set_id`.
    private func identity(_ authenticator: ClientAuthenticator) async -> ClientIdentity {
        var identity = ClientIdentity(authenticator: authenticator.name)
        guard let template = authenticator.identity else { return identity }
        // One that cannot be expanded is shown to nobody.
        if let id = await expanded(template).success { identity.id = id }
        return identity
    }

    private mutating func attempt(
        _ authenticator: ClientAuthenticator, _ connection: SMTPConnection
    ) async -> Attempt {
        facts.connection.authenticationStrings = []
        facts.captures = []
        switch authenticator.method {
        case .plaintext(_, let ignoresInvalid):
            let items = authenticator.templates(expander)
            return await sendStrings(items, ignoresInvalid, authenticator, connection)
        case .external(let string): return await sendStrings([string], false, authenticator, connection)
        case .cramMD5(let name, let secret):
            return await answerChallenge(name, secret, authenticator, connection)
        }
    }

    // MARK: Expansion

    private enum Expanded {
        case text(ByteString)
        case cancelled
        case failed(ByteString)

        var success: ByteString? { if case .text(let text) = self { text } else { nil } }
    }

    private func expanded(_ template: Template) async -> Expanded {
        do throws(ExpansionError) {
            return .text(try await expander.expand(template, facts).bytes)
        } catch {
            if case .forcedFailure = error { return .cancelled }
            return .failed(error.text)
        }
    }

    private func trouble(_ template: Template, _ authenticator: ClientAuthenticator, _ why: ByteString)
        -> Attempt
    {
        .ownFault("expansion of \"\(template.source)\" failed in \(authenticator.name) authenticator: \(why)")
    }

    // MARK: plaintext and external

    private mutating func sendStrings(
        _ items: [Template], _ ignoresInvalid: Bool, _ authenticator: ClientAuthenticator,
        _ connection: SMTPConnection
    ) async -> Attempt {
        for (index, item) in items.enumerated() {
            let text: ByteString
            switch await expanded(item) {
            case .text(let octets): text = Self.withNUL(octets)
            case .cancelled:
                if index > 0 { _ = await cancel(connection) }
                return .cancelled("")
            case .failed(let why):
                if index > 0 { _ = await cancel(connection) }
                return trouble(item, authenticator, why)
            }
            let encoded = Base64.encode(text)
            let line: ByteString =
                index > 0
                ? encoded : "AUTH \(authenticator.publicName)\(encoded.isEmpty ? "" : " \(encoded)")"
            let reply: Reply
            switch await connection.ask(line, logged: Self.logged(line)) {
            case .success(let heard): reply = heard
            case .failure(let trouble): return .failed(trouble)
            }
            if reply.isPositive { return .accepted }
            guard reply.isIntermediate else { return refusal(reply, line) }
            guard index < items.count - 1 else {
                if case .plaintext = authenticator.method { return refusal(reply, line) }
                _ = await cancel(connection)
                return .ownFault("Too few items in client_send in \(authenticator.name) authenticator")
            }
            guard let prompt = Self.challenge(of: reply) ?? (ignoresInvalid ? "" : nil) else {
                _ = await cancel(connection)
                return .cancelled(
                    "Invalid base64 string in server response \"\(reply.loggedText)\"")
            }
            if index < Self.variables { facts.connection.authenticationStrings.append(prompt) }
        }
        return .cancelled("")
    }

    private static func challenge(of reply: Reply) -> ByteString? { Base64.decode(reply.lines.last ?? "") }

    /// A circumflex stands for NUL, two of them for one.
    private static func withNUL(_ text: ByteString) -> ByteString {
        var result = ByteString()
        var rest = text[...]
        while let octet = rest.popFirst() {
            guard octet == UInt8(ascii: "^") else {
                result.append(octet)
                continue
            }
            if rest.first == UInt8(ascii: "^") {
                rest = rest.dropFirst()
                result.append(octet)
            } else {
                result.append(0)
            }
        }
        return result
    }

    // MARK: cram_md5

    private func answerChallenge(
        _ name: Template, _ secret: Template, _ authenticator: ClientAuthenticator,
        _ connection: SMTPConnection
    ) async -> Attempt {
        var parts: [ByteString] = []
        for template in [secret, name] {
            switch await expanded(template) {
            case .text(let text): parts.append(text)
            case .cancelled: return .cancelled("")
            case .failed(let why): return trouble(template, authenticator, why)
            }
        }
        let first: Reply
        let line: ByteString = "AUTH \(authenticator.publicName)"
        switch await connection.ask(line, logged: line) {
        case .success(let reply): first = reply
        case .failure(let trouble): return .failed(trouble)
        }
        guard first.isIntermediate else { return refusal(first, line) }
        guard let challenge = Self.challenge(of: first) else {
            return .ownFault("bad base 64 string in challenge: \(first.lines.last ?? "")")
        }
        let digest: ByteString
        do throws(OpenSSLError) {
            digest = Hex.encode(try MessageAuthentication.hmac(challenge, key: parts[0], .md5))
        } catch {
            _ = await cancel(connection)
            return .ownFault(ByteString("\(error)" as String))
        }
        let answer = Base64.encode("\(parts[1]) \(digest)" as ByteString)
        switch await connection.ask(answer, logged: Self.logged(answer)) {
        case .success(let reply): return reply.isPositive ? .accepted : refusal(reply, answer)
        case .failure(let trouble): return .failed(trouble)
        }
    }

    // MARK: Replies

    /// What stands for a line of ours in error texts: stars for what may be a secret.
    private static func logged(_ line: ByteString) -> ByteString {
        let words = line.split(separator: .blank, maxSplits: 2)
        guard words.first.map({ ByteString($0) }) == "AUTH" else { return stars(line.count) }
        return words.count > 2 ? "AUTH \(ByteString(words[1])) \(stars(words[2].count))" : line
    }

    private static func stars(_ count: Int) -> ByteString {
        ByteString(repeatElement(UInt8(ascii: "*"), count: count))
    }

    private func refusal(_ reply: Reply, _ line: ByteString) -> Attempt {
        if reply.isPermanent { return .refused(reply) }
        return .failed(
            ClientTrouble(
                scope: .host, isPermanent: false, errno: 0,
                text: "SMTP error from remote mail server after \(Self.logged(line)): \(reply.loggedText)",
                code: reply.code))
    }

    /// Ends an exchange that we cannot go on with.
    private func cancel(_ connection: SMTPConnection) async -> Reply? {
        switch await connection.ask("*", logged: "*") {
        case .success(let reply): reply
        case .failure: nil
        }
    }
}
