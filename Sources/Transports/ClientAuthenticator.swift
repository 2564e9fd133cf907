package import Bytes
package import Configuration
import Expansion

/// The client's side of an authenticator instance (manual, chapters 33 to 41).
package struct ClientAuthenticator: Sendable {
    /// How we prove who we are, by the instance's driver.
    enum Method: Sendable {
        /// `plaintext`: a list of strings, each expanded when it is sent.
        case plaintext(strings: ByteString, ignoresInvalidBase64: Bool)
        /// `external`: one string.
        case external(Template)
        /// `cram_md5`: a digest of the server's challenge and a secret.
        case cramMD5(name: Template, secret: Template)
    }

    /// The instance's name.
    package let name: ByteString
    let publicName: ByteString
    let method: Method
    let condition: Template?
    let identity: Template?

    /// The client's side of an instance; nil when its options do not make it one.
    package init?(_ block: OptionBlock) {
        guard block.servesUsAsClient, let publicName = block.publicName else { return nil }
        name = block.name
        self.publicName = publicName
        condition = block.template("client_condition")
        identity = block.template("client_set_id")
        guard let method = Self.method(block) else { return nil }
        self.method = method
    }

    private static func method(_ block: OptionBlock) -> Method? {
        switch block.driver {
        case "plaintext":
            block.template("client_send").map {
                .plaintext(
                    strings: $0.source,
                    ignoresInvalidBase64: block.flag("client_ignore_invalid_base64") ?? false)
            }
        case "external": block.template("client_send").map { .external($0) }
        case "cram_md5":
            block.template("client_secret").map {
                .cramMD5(name: block.template("client_name") ?? "$primary_hostname", secret: $0)
            }
        default: nil
        }
    }

    /// The templates that make up what is sent.
    func templates(_ expander: Expander) -> [Template] {
        switch method {
        case .plaintext(let strings, _):
            expander.items(ofList: TaintedBytes(strings)).map { Template($0.bytes) }
        case .external(let string): [string]
        case .cramMD5(let name, let secret): [name, secret]
        }
    }
}

/// Who we have authenticated as, for log lines and for MAIL.
package struct ClientIdentity: Sendable, Hashable {
    /// The authenticator's name.
    package var authenticator: ByteString
    /// What `client_set_id` gave; nil when it is not set.
    package var id: ByteString?
}
