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
    /// Why the host is not used at all.
    var refusal: DANERefusal?
    /// A line for the log about the host.
    var note: ByteString?

    /// TLS is not spoken.
    static let none = TLSPlan(isAvoided: true)

    /// Whether the DNS says what the server's certificate is.
    var isDANE: Bool { wishes.dane != nil }
    /// Whether the DNS has records that the server speaks TLS, be they of use or not.
    var isAnnounced = false

    /// What is known where no session came about.
    var factsOfFailure: TLSFacts? {
        guard let dane = wishes.dane else { return nil }
        var facts = TLSFacts()
        facts.tlsaUsage = dane.usages
        return facts
    }

    fileprivate mutating func announce(at base: ByteString) {
        isAnnounced = true
        wishes.serverName = base
    }

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
    private let proofRequested: ListText?
    private let proofRequired: ListText?
    private let certificate: Template?
    private let privateKey: Template?
    private let authorities: Template?
    private let revocationList: Template?
    private let ciphers: Template?
    private let serverName: Template?
    private let protocols: Template?
    private let triesClear: Bool
    private let isImmediate: Bool
    let dane: DANEOptions

    init(_ block: OptionBlock) {
        avoided = block.list("hosts_avoid_tls")
        avoidedInCallouts = block.list("hosts_verify_avoid_tls")
        required = block.list("hosts_require_tls")
        singled = block.list("hosts_nopass_tls")
        needingProtocol = block.list("hosts_require_alpn")
        verified = block.list("tls_verify_hosts")
        tried = block.list("tls_try_verify_hosts")
        named = block.list("tls_verify_cert_hostnames")
        proofRequested = block.list("hosts_request_ocsp")
        proofRequired = block.list("hosts_require_ocsp")
        certificate = block.template("tls_certificate")
        privateKey = block.template("tls_privatekey")
        authorities = block.template("tls_verify_certificates")
        revocationList = block.template("tls_crl")
        ciphers = block.template("tls_require_ciphers")
        serverName = block.template("tls_sni")
        protocols = block.template("tls_alpn")
        triesClear = block.flag("tls_tempfail_tryclear") ?? true
        isImmediate = block.text("protocol") == "smtps"
        dane = DANEOptions(block)
    }

    /// Makes the plan for a host.
    func plan(for place: TLSPlace) async -> TLSPlan {
        let lists = HostLists(host: place.host, facts: place.facts, expander: place.routing.expander)
        var plan = TLSPlan()
        switch await dane.finding(for: place, lists) {
        case .none(let note): plan.note = note
        case .demanded(let demand):
            plan.wishes.dane = demand
            plan.announce(at: demand.base)
        case .encrypted(let base): plan.announce(at: base)
        case .refused(let refusal, let note): (plan.refusal, plan.note) = (refusal, note)
        }
        guard plan.refusal == nil else { return plan }
        plan.isImmediate = isImmediate
        plan.wishes.proof = await proof(place, usages: plan.wishes.dane?.usages ?? 0)
        // What must be proved does not go where nothing can be.
        plan.isRequired =
            isImmediate || plan.isAnnounced || plan.wishes.proof == .required
            ? true : await lists.mayHave(required)
        plan.isAvoided = isImmediate ? false : await lists.have(place.isCallout ? avoidedInCallouts : avoided)
        plan.triesClear = triesClear && !plan.isAnnounced
        guard !plan.isAvoided else { return plan }
        plan.needsProtocol = await lists.mayHave(needingProtocol)
        plan.servesOneMessage = await lists.have(singled)
        plan.settings.options = place.options
        // DANE alone verifies a host that it knows.
        plan.wishes.verification = plan.isDANE ? .required : await verification(lists)
        if !plan.isDANE, plan.wishes.verification != .none, await lists.mayHave(named, otherwise: true) {
            // Whoever signs nothing may have put the end of the aliases there.
            plan.wishes.names = [
                plan.isAnnounced ? place.host.name : place.host.names.last ?? place.host.name
            ]
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

    /// Whether the server is asked for a proof; the lists are expanded when the usages of TLSA records are known.
    private func proof(_ place: TLSPlace, usages: Int) async -> TLSProofWish {
        var facts = place.facts
        facts.connection.tlsOut.tlsaUsage = usages
        let lists = HostLists(host: place.host, facts: facts, expander: place.routing.expander)
        if await lists.mayHave(proofRequired) { return .required }
        guard let proofRequested, proofRequested.template.source != "*" else {
            // A pinned certificate is good for as long as its record says so.
            return usages == 0 || usages == 4 ? .requested : .none
        }
        return await lists.have(proofRequested) ? .requested : .none
    }

    private func expand(_ plan: inout TLSPlan, _ lists: HostLists) async throws(TLSFault) {
        if let file = try await lists.text(certificate, "tls_certificate") {
            plan.settings.certificates = [file]
            plan.settings.privateKeys = try await lists.text(privateKey, "tls_privatekey").map { [$0] } ?? []
        }
        if plan.isDANE {
            plan.settings.ciphers = try await lists.text(dane.ciphers, "dane_require_tls_ciphers")
        }
        if plan.settings.ciphers == nil {
            plan.settings.ciphers = try await lists.text(ciphers, "tls_require_ciphers")
        }
        let offered = try await lists.text(protocols, "tls_alpn") ?? ""
        plan.wishes.protocols = ItemList.split(offered, separator: UInt8(ascii: ":"))
        if plan.isDANE { return }
        if !plan.isAnnounced {
            plan.wishes.serverName = try await lists.text(serverName, "tls_out_sni")
        }
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
struct HostLists {
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
