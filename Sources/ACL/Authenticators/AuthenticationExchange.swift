package import Bytes
import EximLog
package import Expansion
import OpenSSL

/// One attempt to authenticate: challenges go out, answers come in, and a verdict ends it.
///
/// It does no input or output of its own but Dovecot's; the session obeys each step.
package struct AuthenticationExchange: Sendable {
    /// What to do next.
    package enum Step: Sendable {
        /// Send `334` with this text, which is in base 64 already, and give the client's line to `take`.
        case ask(ByteString)
        /// It is over.
        case decided(AuthenticationVerdict)
    }

    /// The most strings that a client may send: as many as there are numbered variables.
    static let mostStrings = 20
    /// How many of them have a variable of their own, `$auth1` to `$auth4`.
    static let variables = 4

    private let authenticator: ServerAuthenticator
    private let expander: Expander
    private var facts: Facts
    private var strings: [ByteString] = []
    private var prompts: [ByteString] = []
    private var promptsUsed = 0
    private var challenge = ByteString()
    private var dovecot: DovecotExchange?

    /// Prepares an attempt; nothing is said yet.
    package init(_ authenticator: ServerAuthenticator, _ expander: Expander, _ facts: Facts) {
        self.authenticator = authenticator
        self.expander = expander
        self.facts = facts
        self.facts.captures = []
    }

    /// Begins with what came with the command: nil for nothing, `=` for an empty string.
    package mutating func begin(_ initial: ByteString?) async -> Step {
        switch authenticator.method {
        case .plaintext(let prompts): return await beginPlaintext(initial, prompts)
        case .cramMD5:
            guard initial == nil else { return await end(.unexpected) }
            challenge = "<\(UInt64.random(in: .min ... .max)).\(expander.environment.now().seconds)@\(host)>"
            return ask(challenge)
        case .external:
            guard let initial else { return ask("") }
            if let fault = read(initial: initial) { return await end(fault) }
            return await decideExternal()
        case .certificate(let parameters): return await decide(adding: parameters)
        case .dovecot(let socket):
            var exchange = DovecotExchange(socket, authenticator.publicName, expander, facts)
            let step = await exchange.begin(initial)
            dovecot = exchange
            return await follow(step)
        }
    }

    /// Takes the client's answer to a challenge.
    package mutating func take(_ answer: ByteString) async -> Step {
        if answer == "*" { return await end(.cancelled) }
        if var exchange = dovecot {
            let step = await exchange.take(answer)
            dovecot = exchange
            return await follow(step)
        }
        guard let text = Base64.decode(answer) else { return await end(.malformed) }
        switch authenticator.method {
        case .plaintext:
            add(text)
            return await nextPrompt()
        case .cramMD5(let secret): return await checkDigest(text, secret)
        case .external, .dovecot, .certificate:
            add(text)
            return await decideExternal()
        }
    }

    private var host: ByteString { expander.environment.settings.primaryHostName }

    private func ask(_ text: ByteString) -> Step { .ask(Base64.encode(text)) }

    // MARK: Strings

    /// Takes what came with the command; the fault when it cannot be read.
    private mutating func read(initial: ByteString) -> AuthenticationVerdict.Outcome? {
        if initial == "=" {
            strings = [""]
            return nil
        }
        guard let text = Base64.decode(initial) else { return .malformed }
        if !text.isEmpty { add(text) }
        return nil
    }

    /// Adds the strings of a text, which have NUL between them; what follows a last NUL is no string.
    private mutating func add(_ text: ByteString) {
        var parts = text.split(separator: 0, omittingEmptySubsequences: false).map { ByteString($0) }
        if parts.count > 1, parts.last == "" { parts.removeLast() }
        strings += parts.prefix(max(0, Self.mostStrings - strings.count))
    }

    private mutating func showStrings() {
        facts.connection.authenticationStrings = Array(strings.prefix(Self.variables))
        facts.captures = [""] + strings.map { TaintedBytes($0, .tainted) }
    }

    // MARK: plaintext

    private mutating func beginPlaintext(_ initial: ByteString?, _ list: Template?) async -> Step {
        if let initial, let fault = read(initial: initial) { return await end(fault) }
        guard let list else { return await decide() }
        do throws(ExpansionError) {
            prompts = try await expander.items(ofList: list, facts).map(\.bytes)
        } catch {
            return await end(.deferred(said: "", logged: error.text))
        }
        return await nextPrompt()
    }

    private mutating func nextPrompt() async -> Step {
        while promptsUsed < prompts.count {
            let prompt = prompts[promptsUsed]
            promptsUsed += 1
            if promptsUsed > strings.count { return ask(prompt) }
        }
        return await decide()
    }

    // MARK: cram_md5

    private mutating func checkDigest(_ text: ByteString, _ template: Template) async -> Step {
        let name = ByteString(text.prefix { !$0.isASCIISpace && $0 != 0 })
        strings = [name]
        showStrings()
        guard name.count < text.count, text[name.count].isASCIISpace else { return await end(.failed) }
        let digest = ByteString(text.dropFirst(name.count + 1).prefix(32))
        let secret: ByteString
        do throws(ExpansionError) {
            secret = try await expander.expand(template, facts).bytes
        } catch {
            return await end(Self.outcome(of: error))
        }
        let wanted: ByteString
        do throws(OpenSSLError) {
            wanted = Hex.encode(try MessageAuthentication.hmac(challenge, key: secret, .md5))
        } catch {
            return await end(.deferred(said: "", logged: ByteString("\(error)" as String)))
        }
        return await isSame(digest, wanted) ? decide() : end(.failed)
    }

    /// Whether two digests are the same, in a time that does not tell where they differ.
    private func isSame(_ one: ByteString, _ other: ByteString) -> Bool {
        let (one, other) = (one.lowercasedASCII(), other.lowercasedASCII())
        guard one.count == other.count else { return false }
        return zip(one, other).reduce(0 as UInt8) { $0 | ($1.0 ^ $1.1) } == 0
    }

    // MARK: external

    private mutating func decideExternal() async -> Step {
        guard case .external(let second, let third) = authenticator.method else { return await decide() }
        return await decide(adding: second.map { [$0] + (third.map { [$0] } ?? []) } ?? [])
    }

    /// Adds what templates come to, each of which sees those before it, and decides.
    private mutating func decide(adding templates: [Template]) async -> Step {
        for template in templates {
            showStrings()
            do throws(ExpansionError) {
                strings.append(try await expander.expand(template, facts).bytes)
            } catch {
                return await end(Self.outcome(of: error))
            }
        }
        return await decide()
    }

    // MARK: dovecot

    private mutating func follow(_ step: DovecotExchange.Step) async -> Step {
        switch step {
        case .ask(let text): return .ask(text)
        case .accepted(let user):
            strings = user.map { [$0] } ?? []
            return await decide()
        case .refused(let user):
            strings = user.map { [$0] } ?? []
            return await end(.failed)
        case .deferred(let text): return await end(.deferred(said: "", logged: text))
        }
    }

    // MARK: The end

    private static func outcome(of error: ExpansionError) -> AuthenticationVerdict.Outcome {
        if case .forcedFailure = error { return .failed }
        return .deferred(said: "", logged: error.text)
    }

    /// What `server_condition` says; without one the client has passed.
    private mutating func decide() async -> Step {
        showStrings()
        guard let condition = authenticator.condition else { return await end(.succeeded) }
        let text: ByteString
        do throws(ExpansionError) {
            text = try await expander.expand(condition, facts).bytes
        } catch {
            return await end(Self.outcome(of: error))
        }
        switch text.lowercasedASCII() {
        case "", "0", "no", "false": return await end(.failed)
        case "1", "yes", "true": return await end(.succeeded)
        default: return await end(.deferred(said: text, logged: text))
        }
    }

    private mutating func end(_ outcome: AuthenticationVerdict.Outcome) async -> Step {
        showStrings()
        var verdict = AuthenticationVerdict(outcome: outcome)
        guard let template = authenticator.identity else { return .decided(verdict) }
        do throws(ExpansionError) {
            // A NUL or a newline must not get into logs and spool files.
            verdict.identity = expander.environment.shown(try await expander.expand(template, facts).bytes)
        } catch {
            if outcome == .succeeded { verdict.outcome = .deferred(said: "", logged: error.text) }
        }
        return .decided(verdict)
    }
}
