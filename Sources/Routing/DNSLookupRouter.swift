import Bytes
import Configuration
import DNS
import Expansion

/// The dnslookup router: hosts by MX records (manual, chapter 17).
struct DNSLookupRouter: Sendable {
    private let ipv4Only: Template?
    private let ipv4Prefer: Template?
    private let mxDomains: ListText?
    private let mxFailDomains: ListText?
    private let failDeferDomains: ListText?
    private let checksSecondary: Bool

    init(_ block: OptionBlock) {
        ipv4Only = block.template("ipv4_only")
        ipv4Prefer = block.template("ipv4_prefer")
        mxDomains = block.list("mx_domains")
        mxFailDomains = block.list("mx_fail_domains")
        failDeferDomains = block.list("fail_defer_domains")
        checksSecondary = block.flag("check_secondary_mx") ?? false
    }

    func route(_ scene: inout RoutingScene) async throws(RoutingTrouble) -> DriverAnswer {
        if scene.domain.first == UInt8(ascii: "[") || scene.domain.isEmpty { return .declined(nil) }
        var options = HostLookup.Options()
        options.ipv4Only = await isOn(ipv4Only, scene) || scene.environment.disablesIPv6
        options.ipv4Prefer = await isOn(ipv4Prefer, scene)
        options.requireMX = try await isListed(mxDomains, "mx_domains", &scene)
        options.ignoreMXTrouble = try await isListed(mxFailDomains, "mx_fail_domains", &scene)
        options.allowsAddressTargets = scene.environment.allowsMXToIP
        let finder = scene.finder(HostFinding())
        let lookup = HostLookup(scene.environment.resolver, options: options)
        switch await finder.mailHosts(of: scene.domain, lookup) {
        case .hosts(let found): return try await accept(found, finder, &scene)
        case .noService:
            return try await decline("an MX or SRV record indicated no SMTP service", &scene)
        case .noSuchDomain, .noHosts:
            let isDomain = scene.environment.resolver.mayAsk(scene.domain)
            return try await decline(
                isDomain ? nil : "mail domain \"\(scene.domain)\" is syntactically invalid", &scene)
        case .hostsWithoutAddress(let literal):
            return try await decline(
                "all relevant MX records point to non-existent hosts\(literal ? " or (invalidly) to IP addresses" : "")",
                &scene)
        case .deferred:
            if scene.options.passesOnTimeout { return .passed }
            throw RoutingTrouble("host lookup did not complete")
        }
    }

    private func accept(
        _ found: MailHosts, _ finder: HostFinder, _ scene: inout RoutingScene
    ) async throws(RoutingTrouble) -> DriverAnswer {
        if !found.secure, try await isListed(scene.options.secureDomains, "dnssec_require_domains", &scene) {
            throw RoutingTrouble("host lookup done insecurely")
        }
        let hosts = await finder.usable(found)
        if hosts.isEmpty {
            let hasMX = found.hosts.contains { $0.preference != nil }
            return try await decline(
                hasMX ? "all relevant MX records point to non-existent hosts" : nil, &scene)
        }
        switch await scene.withoutLocalHosts(hosts) {
        case .others(let others, let removedLocal):
            if checksSecondary, !removedLocal { return .declined(nil) }
            return .accepted(hosts: others, transport: nil)
        case .localFirst(let local):
            if checksSecondary, local.mx == nil { return .declined(nil) }
            return try scene.answerForLocalHost(local, hosts) ?? .accepted(hosts: hosts, transport: nil)
        }
    }

    private func decline(
        _ text: ByteString?, _ scene: inout RoutingScene
    ) async throws(RoutingTrouble) -> DriverAnswer {
        guard try await isListed(failDeferDomains, "fail_defer_domains", &scene) else {
            return .declined(text)
        }
        throw RoutingTrouble("missing MX, or all MXs point to missing A records, and defer requested")
    }

    private func isListed(
        _ list: ListText?, _ option: ByteString, _ scene: inout RoutingScene
    ) async throws(RoutingTrouble) -> Bool {
        guard let list else { return false }
        var facts = scene.facts
        switch await scene.expander.matchDomain(scene.domain, in: list, &facts) {
        case .matched: return true
        case .notMatched: return false
        case .deferred: throw RoutingTrouble("lookup defer for \(option)")
        }
    }

    private func isOn(_ template: Template?, _ scene: RoutingScene) async -> Bool {
        guard let template, let value = try? await scene.expander.expand(template, scene.facts) else {
            // Forced failure means "no"; other failures leave the default order.
            return false
        }
        return !["", "0", "no", "false"].contains(value.bytes.lowercasedASCII())
    }
}
