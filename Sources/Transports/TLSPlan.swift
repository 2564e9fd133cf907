import Bytes
import Configuration
import Expansion
import OpenSSL
import Routing

/// How TLS goes with one host, by the options of the smtp transport, expanded for a message.
///
/// Connections with different plans are not exchanged for each other.
struct TLSPlan: Sendable, Hashable {
    /// Whether STARTTLS is not said (`hosts_avoid_tls`).
    var isAvoided = false
    /// Whether nothing goes in clear text (`hosts_require_tls`, `protocol = smtps`).
    var isRequired = false
    /// Whether TLS begins with the connection (`protocol = smtps`).
    var isImmediate = false
    /// `tls_tempfail_tryclear`.
    var triesClear = true
    /// Whether a session without an application protocol is none (`hosts_require_alpn`).
    var needsProtocol = false
    /// Whether a connection under TLS serves one message only (`hosts_nopass_tls`).
    var servesOneMessage = false
    /// What the context is made of.
    var settings = TLSSettings()
    /// What is asked of the server.
    var wishes = TLSClientWishes()
    /// An option that could not be expanded.
    var fault: TLSFault?

    /// TLS is not spoken.
    static let none = TLSPlan(isAvoided: true)

    /// Whether a host that cannot speak TLS today may be spoken to in clear text.
    var mayGoClear: Bool { !isRequired && triesClear }
}

/// The options of the smtp transport that bear on TLS (manual, sections 30.4 and 43.10).
struct TLSTransportOptions: Sendable {
    private let avoided: ListText?
    private let avoidedInCallouts: ListText?
    private let required: ListText?
    private let singled: ListText?
    private let needingProtocol: ListText?
    private let verified: ListText?
    private let tried: ListText?
    private let named: ListText?
    private let certificate: Template?
    private let privateKey: Template?
    private let authorities: Template?
    private let revocationList: Template?
    private let ciphers: Template?
    private let serverName: Template?
    private let protocols: Template?
    private let triesClear: Bool
    private let isImmediate: Bool

    init(_ block: OptionBlock) {
        avoided = block.list("hosts_avoid_tls")
        avoidedInCallouts = block.list("hosts_verify_avoid_tls")
        required = block.list("hosts_require_tls")
        singled = block.list("hosts_nopass_tls")
        needingProtocol = block.list("hosts_require_alpn")
        verified = block.list("tls_verify_hosts")
        tried = block.list("tls_try_verify_hosts")
        named = block.list("tls_verify_cert_hostnames")
        certificate = block.template("tls_certificate")
        privateKey = block.template("tls_privatekey")
        authorities = block.template("tls_verify_certificates")
        revocationList = block.template("tls_crl")
        ciphers = block.template("tls_require_ciphers")
        serverName = block.template("tls_sni")
        protocols = block.template("tls_alpn")
        triesClear = block.flag("tls_tempfail_tryclear") ?? true
        isImmediate = block.text("protocol") == "smtps"
    }

    /// Makes the plan for a host; `facts` know it as `$host` and `$host_address`.
    func plan(
        for host: RouteHost, _ facts: Facts, _ expander: Expander, _ options: TLSOptions,
        isCallout: Bool = false
    ) async -> TLSPlan {
        let lists = HostLists(host: host, facts: facts, expander: expander)
        var plan = TLSPlan()
        plan.isImmediate = isImmediate
        plan.isRequired = isImmediate ? true : await lists.mayHave(required)
        plan.isAvoided = isImmediate ? false : await lists.have(isCallout ? avoidedInCallouts : avoided)
        plan.triesClear = triesClear
        guard !plan.isAvoided else { return plan }
        plan.needsProtocol = await lists.mayHave(needingProtocol)
        plan.servesOneMessage = await lists.have(singled)
        plan.settings.options = options
        plan.wishes.verification = await verification(lists)
        if plan.wishes.verification != .none, await lists.mayHave(named, otherwise: true) {
            plan.wishes.names = [host.name]
        }
        do throws(TLSFault) {
            try await expand(&plan, lists)
        } catch {
            plan.fault = error
        }
        return plan
    }

    /// How much the server's certificate matters; with both lists blank all must verify, as the manual has it.
    private func verification(_ lists: HostLists) async -> TLSVerification {
        let isTriedBlank = tried.map { $0.template.source.trimmed().isEmpty } ?? false
        let isVerifiedBlank = verified.map { $0.template.source.trimmed().isEmpty } ?? true
        if isTriedBlank, isVerifiedBlank { return .required }
        if await lists.mayHave(verified) { return .required }
        return await lists.have(tried, otherwise: true) ? .tried : .none
    }

    private func expand(_ plan: inout TLSPlan, _ lists: HostLists) async throws(TLSFault) {
        if let file = try await lists.text(certificate, "tls_certificate") {
            plan.settings.certificates = [file]
            plan.settings.privateKeys = try await lists.text(privateKey, "tls_privatekey").map { [$0] } ?? []
        }
        plan.settings.ciphers = try await lists.text(ciphers, "tls_require_ciphers")
        plan.wishes.serverName = try await lists.text(serverName, "tls_out_sni")
        let offered = try await lists.text(protocols, "tls_alpn") ?? ""
        plan.wishes.protocols = ItemList.split(offered, separator: UInt8(ascii: ":"))
        guard plan.wishes.verification != .none else { return }
        plan.settings.trust = try await trust(lists)
        plan.settings.revocationList = try await lists.text(revocationList, "tls_crl")
    }

    private func trust(_ lists: HostLists) async throws(TLSFault) -> TLSSettings.Trust {
        guard let authorities else { return .system }
        switch try await lists.expanded(authorities, "tls_verify_certificates") {
        case nil, "system": return .system
        case "": return .nobody
        case let path?: return .path(path)
        }
    }
}

/// Answers what lists say of one host, and expands options for it.
private struct HostLists {
    let host: RouteHost
    let facts: Facts
    let expander: Expander

    func have(_ list: ListText?, otherwise: Bool = false) async -> Bool {
        guard let list else { return otherwise }
        return await expander.isListed(host, list, facts)
    }

    /// Whether a list has the host, or it cannot be told: for what protects.
    func mayHave(_ list: ListText?, otherwise: Bool = false) async -> Bool {
        guard let list else { return otherwise }
        var facts = facts
        let identity = HostIdentity(name: host.name, address: host.address)
        if case .notMatched = await expander.matchHost(identity, in: list, &facts) { return false }
        return true
    }

    /// Nil for an option that is not set, is empty, or fails by force.
    func text(_ template: Template?, _ option: ByteString) async throws(TLSFault) -> ByteString? {
        guard let template else { return nil }
        let text = try await expanded(template, option)
        return text?.isEmpty ?? true ? nil : text
    }

    /// Nil for a forced failure.
    func expanded(_ template: Template, _ option: ByteString) async throws(TLSFault) -> ByteString? {
        do throws(ExpansionError) {
            return try await expander.expand(template, facts).bytes
        } catch {
            if case .forcedFailure = error { return nil }
            throw TLSFault(
                text: "Internal error", line: "expansion of \(option) failed: \(error.text)")
        }
    }
}

extension Expander {
    /// Whether a host list of the smtp transport has a host.
    func isListed(_ host: RouteHost, _ list: ListText, _ facts: Facts) async -> Bool {
        var facts = facts
        let identity = HostIdentity(name: host.name, address: host.address)
        return await matchHost(identity, in: list, &facts).isMatch
    }
}
