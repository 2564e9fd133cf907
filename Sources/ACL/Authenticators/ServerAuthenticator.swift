package import Bytes
package import Configuration
package import Expansion

/// The server's side of an authenticator instance (manual, chapters 33 to 41).
package struct ServerAuthenticator: Sendable {
    /// How the client proves who it is, by the instance's driver.
    enum Method: Sendable {
        /// `plaintext`: strings in the clear, asked for by prompts.
        case plaintext(prompts: Template?)
        /// `cram_md5`: a digest of a challenge and a secret.
        case cramMD5(secret: Template)
        /// `external`: a name that is known to be right by other means.
        case external(second: Template?, third: Template?)
        /// `dovecot`: Dovecot's authentication server decides.
        case dovecot(socket: ByteString)
        /// `tls`: the client's certificate, which has been found good; what becomes `$auth1` and so on.
        case certificate(parameters: [Template])
    }

    /// The instance's name (`$sender_host_authenticated`).
    package let name: ByteString
    /// The mechanism's name as clients know it (`public_name`).
    package let publicName: ByteString
    let method: Method
    let condition: Template?
    let identity: Template?
    let advertiseCondition: Template?
    /// What decides whether a client may name an authenticated sender in MAIL (`server_mail_auth_condition`).
    package let mailCondition: Template?

    /// The server's side of an instance; nil when its options do not make it one.
    package init?(_ block: OptionBlock) {
        guard block.servesClients, let publicName = block.publicName, let method = Self.method(block) else {
            return nil
        }
        self.method = method
        name = block.name
        self.publicName = publicName
        condition = block.template("server_condition")
        identity = block.template("server_set_id")
        advertiseCondition = block.template("server_advertise_condition")
        mailCondition = block.template("server_mail_auth_condition")
    }

    /// Whether it authenticates by the client's certificate alone, without AUTH (manual, chapter 42).
    package var isByCertificate: Bool {
        if case .certificate = method { true } else { false }
    }

    private static func method(_ block: OptionBlock) -> Method? {
        switch block.driver {
        case "plaintext": return .plaintext(prompts: block.template("server_prompts"))
        case "cram_md5": return block.template("server_secret").map { .cramMD5(secret: $0) }
        case "external":
            return .external(
                second: block.template("server_param2"), third: block.template("server_param3"))
        case "dovecot": return block.text("server_socket").map { .dovecot(socket: $0) }
        case "tls":
            let all = [
                block.template("server_param1") ?? block.template("server_param"),
                block.template("server_param2"), block.template("server_param3"),
            ]
            // As in Exim, one that is not set ends the list.
            return .certificate(parameters: all.prefix { $0 != nil }.compactMap(\.self))
        default: return nil
        }
    }

    /// Whether the mechanism is offered to this client; the error is for the log.
    package func isAdvertised(by expander: Expander, _ facts: Facts) async throws(ExpansionError) -> Bool {
        try await holds(advertiseCondition, expander, facts)
    }

    /// Whether a client that has authenticated so may name this authenticated sender; the error is for the log.
    package func acceptsSender(by expander: Expander, _ facts: Facts) async throws(ExpansionError) -> Bool {
        try await holds(mailCondition, expander, facts)
    }

    private func holds(
        _ condition: Template?, _ expander: Expander, _ facts: Facts
    ) async throws(ExpansionError) -> Bool {
        guard let condition else { return true }
        do throws(ExpansionError) {
            return try await expander.isTrueLoosely(condition: condition, facts)
        } catch {
            if case .forcedFailure = error { return false }
            throw .failed(
                "failed to expand condition \"\(condition.source)\" for \(name) authenticator: \(error.text)")
        }
    }
}
