import Bytes
import Configuration
import DNS
import Expansion

/// The dnslookup router: hosts by SRV or MX records (manual, chapter 17).
struct DNSLookupRouter: Sendable {
    private let service: Template?
    private let ipv4Only: Template?
    private let ipv4Prefer: Template?
    private let mxDomains: ListText?
    private let mxFailDomains: ListText?
    private let serviceFailDomains: ListText?
    private let failDeferDomains: ListText?
    private let checksSecondary: Bool
    private let qualifiesSingle: Bool
    private let searchesParents: Bool
    private let rewritesHeaders: Bool
    /// What is put behind a domain that is not found (`widen_domains`).
    private let widenings: [ByteString]

    init(_ block: OptionBlock) {
        service = block.template("check_srv")
        ipv4Only = block.template("ipv4_only")
        ipv4Prefer = block.template("ipv4_prefer")
        mxDomains = block.list("mx_domains")
        mxFailDomains = block.list("mx_fail_domains")
        serviceFailDomains = block.list("srv_fail_domains")
        failDeferDomains = block.list("fail_defer_domains")
        checksSecondary = block.flag("check_secondary_mx") ?? false
        qualifiesSingle = block.flag("qualify_single") ?? true
        searchesParents = block.flag("search_parents") ?? false
        rewritesHeaders = block.flag("rewrite_headers") ?? true
        widenings = ItemList.split(block.text("widen_domains"), separator: UInt8(ascii: ":"))
    }

    /// What the search for one name came to.
    private enum Search {
        case decided(DriverAnswer)
        /// There is no such domain: the next name may be tried.
        case notFound
    }

    func route(_ scene: inout RoutingScene) async throws(RoutingTrouble) -> DriverAnswer {
        if scene.domain.first == UInt8(ascii: "[") || scene.domain.isEmpty { return .declined(nil) }
        var names = [scene.domain]
        // A sender's address must be whole, since others see it; unless header lines are not rewritten.
        let mayComplete = scene.purpose != .verifySender || !rewritesHeaders
        if mayComplete { names += widenings.map { "\(scene.domain).\($0)" } }
        for name in names {
            if case .decided(let answer) = try await search(name, mayComplete, &scene) { return answer }
        }
        return .declined(nil)
    }

    private func search(
        _ name: ByteString, _ mayComplete: Bool, _ scene: inout RoutingScene
    ) async throws(RoutingTrouble) -> Search {
        var options = HostLookup.Options()
        options.services = try await services(&scene)
        options.ipv4Only = await isOn(ipv4Only, scene) || scene.environment.disablesIPv6
        options.ipv4Prefer = await isOn(ipv4Prefer, scene)
        options.requireMX = try await isListed(name, mxDomains, "mx_domains", &scene)
        options.ignoreMXTrouble = try await isListed(name, mxFailDomains, "mx_fail_domains", &scene)
        options.ignoreServiceTrouble = try await isListed(
            name, serviceFailDomains, "srv_fail_domains", &scene)
        options.allowsAddressTargets = scene.environment.allowsMXToIP
        if mayComplete {
            let (search, qualify, parents) = (
                scene.environment.domainSearch, qualifiesSingle, searchesParents
            )
            options.names = { search.names(for: $0, qualify: qualify, search: parents) }
        }
        let finder = try await scene.finder(HostFinding(), for: name)
        let lookup = HostLookup(scene.environment.resolver, options: options)
        switch await finder.mailHosts(of: name, lookup) {
        case .hosts(let found): return try await accept(found, finder, &scene)
        case .noService:
            return try await decline(name, "an MX or SRV record indicated no SMTP service", &scene)
        case .noSuchDomain, .noHosts:
            if scene.environment.resolver.mayAsk(name) { return try await notFound(name, &scene) }
            return try await decline(name, "mail domain \"\(name)\" is syntactically invalid", &scene)
        case .hostsWithoutAddress(let literal, let domain):
            let text: ByteString = literal ? " or (invalidly) to IP addresses" : ""
            return try await decline(
                domain, "all relevant MX records point to non-existent hosts\(text)", &scene)
        case .deferred:
            if scene.options.passesOnTimeout { return .decided(.passed) }
            throw RoutingTrouble("host lookup did not complete")
        }
    }

    private func accept(
        _ found: MailHosts, _ finder: HostFinder, _ scene: inout RoutingScene
    ) async throws(RoutingTrouble) -> Search {
        let hasRecords = found.hosts.contains { $0.preference != nil }
        if !hasRecords, try await isListed(found.domain, mxDomains, "mx_domains", &scene) {
            return try await notFound(found.domain, &scene)
        }
        guard let hosts = await finder.usable(found) else {
            throw RoutingTrouble("host lookup done insecurely")
        }
        if hosts.isEmpty {
            if !hasRecords { return try await notFound(found.domain, &scene) }
            return try await decline(
                found.domain, "all relevant MX records point to non-existent hosts", &scene)
        }
        // The whole name is routed anew, and its answers are remembered.
        guard found.domain.equalsIgnoringCase(scene.domain) else {
            return .decided(.rerouted(domain: found.domain, rewritesHeaders: rewritesHeaders))
        }
        return .decided(try await answer(hosts, &scene))
    }

    private func answer(
        _ hosts: [RouteHost], _ scene: inout RoutingScene
    ) async throws(RoutingTrouble) -> DriverAnswer {
        switch await scene.withoutLocalHosts(hosts) {
        case .others(let others, let removedLocal):
            if checksSecondary, !removedLocal { return .declined(nil) }
            return .accepted(hosts: others, transport: nil)
        case .localFirst(let local):
            if checksSecondary, local.mx == nil { return .declined(nil) }
            return try scene.answerForLocalHost(local, hosts) ?? .accepted(hosts: hosts, transport: nil)
        }
    }

    private func notFound(
        _ name: ByteString, _ scene: inout RoutingScene
    ) async throws(RoutingTrouble) -> Search {
        try await deferIfListed(name, &scene)
        return .notFound
    }

    private func decline(
        _ name: ByteString, _ text: ByteString, _ scene: inout RoutingScene
    ) async throws(RoutingTrouble) -> Search {
        try await deferIfListed(name, &scene)
        return .decided(.declined(text))
    }

    private func deferIfListed(
        _ name: ByteString, _ scene: inout RoutingScene
    ) async throws(RoutingTrouble) {
        guard try await isListed(name, failDeferDomains, "fail_defer_domains", &scene) else { return }
        throw RoutingTrouble("missing MX, or all MXs point to missing A records, and defer requested")
    }

    private func isListed(
        _ name: ByteString, _ list: ListText?, _ option: ByteString, _ scene: inout RoutingScene
    ) async throws(RoutingTrouble) -> Bool {
        guard let list else { return false }
        return try await scene.isListed(name, list, option)
    }

    private func services(_ scene: inout RoutingScene) async throws(RoutingTrouble) -> [ByteString] {
        guard let service else { return [] }
        let name = scene.options.name
        let value = try await scene.expand(
            service, failing: "\(name) router: failed to expand \"\(service.source)\"")
        guard let text = value?.bytes.trimmed(), !text.isEmpty else { return [] }
        return [ByteString(text)]
    }

    private func isOn(_ template: Template?, _ scene: RoutingScene) async -> Bool {
        guard let template, let value = try? await scene.expander.expand(template, scene.facts) else {
            // Forced failure means "no"; other failures leave the default order.
            return false
        }
        return !["", "0", "no", "false"].contains(value.bytes.lowercasedASCII())
    }
}
