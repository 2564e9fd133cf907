import Bytes
import Configuration
import Expansion

/// The options of the smtp transport that sign messages (manual, section 58.2).
struct SigningSettings: Sendable {
    let domains: Template
    let selectors: Template
    let privateKey: Template
    let canonicalization: Template?
    let hash: Template?
    let identity: Template?
    let headers: Template?
    let strictness: Template?
    let lifetime: Template?

    /// Nil where domain, selector or key is not set: then nothing is ever signed.
    init?(_ block: OptionBlock) {
        guard let domains = block.template("dkim_domain"), let selectors = block.template("dkim_selector"),
            let privateKey = block.template("dkim_private_key")
        else { return nil }
        self.domains = domains
        self.selectors = selectors
        self.privateKey = privateKey
        canonicalization = block.template("dkim_canon")
        hash = block.template("dkim_hash")
        identity = block.template("dkim_identity")
        headers = block.template("dkim_sign_headers")
        strictness = block.template("dkim_strict")
        lifetime = block.template("dkim_timestamps")
    }
}
