import Bytes
import Configuration
import Expansion
import MailSystem
import OpenSSL

/// The options of TLS with clients, typed; each is Exim's option of that name.
struct TLSRules: Sendable {
    var certificate: Template?
    var privateKey: Template?
    var revocationList: Template?
    /// `tls_ocsp_file`.
    var proofs: Template?
    /// `tls_verify_certificates`.
    var trust: Template
    var dhParameters: Template?
    /// `tls_eccurve`.
    var groups: Template?
    /// `tls_require_ciphers`.
    var ciphers: Template?
    /// `tls_alpn`.
    var protocols: Template
    /// `openssl_options`.
    var options = TLSOptions.usual
    /// `tls_on_connect_ports`.
    var ports: Set<Int> = []
    /// `tls_remember_esmtp`.
    var remembersHello: Bool

    init(_ main: OptionBlock) throws(StartError) {
        certificate = main.template("tls_certificate")
        privateKey = main.template("tls_privatekey")
        revocationList = main.template("tls_crl")
        proofs = main.template("tls_ocsp_file")
        trust = main.template("tls_verify_certificates") ?? "system"
        dhParameters = main.template("tls_dhparam")
        groups = main.template("tls_eccurve")
        ciphers = main.template("tls_require_ciphers")
        protocols = main.template("tls_alpn") ?? "smtp : esmtp"
        remembersHello = main.flag("tls_remember_esmtp") ?? false
        if let text = main.text("openssl_options") {
            do throws(TLSOptions.Mistake) { options = try TLSOptions(text) } catch {
                throw StartError("openssl_options: \"\(error.item)\" is no switch with + or - before it")
            }
        }
        for port in ItemList.split(main.text("tls_on_connect_ports"), separator: UInt8(ascii: ":")) {
            ports.insert(try ListeningAddress.number(port, of: "tls_on_connect_ports"))
        }
    }

    /// Whether a session may have another certificate by the name that its client asks for (manual, section 43.12).
    var dependsOnServerName: Bool {
        certificate?.source.contains(ByteString("tls_in_sni")) ?? false
    }

    /// Whether nothing depends on who connects, so that it can be tried when the program starts.
    var isFixed: Bool {
        let all = [certificate, privateKey, revocationList, trust, dhParameters, groups, ciphers, proofs]
        return all.allSatisfy { !($0?.source.contains(UInt8(ascii: "$")) ?? false) }
    }
}

/// Expands the options of TLS for one client.
struct TLSExpansion {
    let rules: TLSRules
    let expander: Expander
    let facts: Facts

    /// What sessions are set up with.
    func settings() async throws(TLSFailure) -> TLSSettings {
        var settings = TLSSettings()
        settings.certificates = try await list(rules.certificate, "tls_certificate")
        settings.privateKeys = try await list(rules.privateKey, "tls_privatekey")
        if settings.certificates.isEmpty {
            settings.privateKeys = []
            settings.selfSignedName = expander.environment.settings.primaryHostName
        }
        settings.proofs = Self.proofs(try await list(rules.proofs, "tls_ocsp_file"))
        settings.revocationList = try await text(rules.revocationList, "tls_crl")
        settings.trust =
            switch try await text(rules.trust, "tls_verify_certificates") {
            case nil: .nobody
            case "system": .system
            case let path?: .path(path)
            }
        settings.ciphers = try await text(rules.ciphers, "tls_require_ciphers")
        let groups = try await text(rules.groups, "tls_eccurve")
        settings.groups = groups == "auto" ? nil : groups
        settings.options = rules.options
        try await addDHParameters(&settings)
        return settings
    }

    /// The application protocols that are agreed to; empty for any.
    func protocols() async throws(TLSFailure) -> [ByteString] { try await list(rules.protocols, "tls_alpn") }

    /// `tls_dhparam`: a file's are taken; where Exim has numbers of its own by name, the library's choice is as good.
    private func addDHParameters(_ settings: inout TLSSettings) async throws(TLSFailure) {
        guard let chosen = try await text(rules.dhParameters, "tls_dhparam") else { return }
        if chosen.first == UInt8(ascii: "/") {
            settings.dhParameters = chosen
        } else if chosen == "none" {
            settings.ciphers = "\(settings.ciphers ?? "DEFAULT"):!kDHE"
        } else if !Self.isGroup(chosen) {
            throw TLSFailure("No standard prime named", chosen)
        }
    }

    private static func isGroup(_ name: ByteString) -> Bool {
        (["default", "historic"] as [ByteString]).contains(name)
            || (["ffdhe", "ike", "exim.dev."] as [ByteString]).contains { name.starts(with: $0) }
    }

    /// A list of files; a format that stands before one holds for those behind it, too.
    private static func proofs(_ items: [ByteString]) -> [OCSPProof.File] {
        var format = OCSPProof.Format.der
        return items.map { item in
            var path = item[...]
            for (prefix, named) in [("DER ", .der), ("PEM ", .pem)] as [(ByteString, OCSPProof.Format)]
            where item.starts(with: prefix) {
                format = named
                path = item.dropFirst(prefix.count)
            }
            return OCSPProof.File(path: ByteString(path.trimmed()), format: format)
        }
    }

    private func list(_ template: Template?, _ option: ByteString) async throws(TLSFailure) -> [ByteString] {
        guard let list = try await text(template, option) else { return [] }
        return expander.items(ofList: TaintedBytes(list)).map(\.bytes).filter { !$0.isEmpty }
    }

    /// Nil for one that is not set, that comes to nothing, or whose expansion is made to fail.
    private func text(_ template: Template?, _ option: ByteString) async throws(TLSFailure) -> ByteString? {
        guard let template else { return nil }
        do throws(ExpansionError) {
            let text = try await expander.expand(template, facts).bytes
            return text.isEmpty ? nil : text
        } catch {
            if case .forcedFailure = error { return nil }
            throw TLSFailure(expanding: option, error)
        }
    }
}
