import Bytes
import Configuration
import Expansion

/// The manualroute router: hosts by the postmaster's own rules (manual, chapter 20).
struct ManualRouteRouter: Sendable {
    private let rules: [ByteString]
    private let data: Template?
    private let randomizes: Bool
    private let hostFindFailed: ByteString
    private let hostAllIgnored: ByteString

    init(_ block: OptionBlock) throws(RoutingConfigurationError) {
        rules = ItemList.split(block.text("route_list"), separator: UInt8(ascii: ";"))
        data = block.template("route_data")
        randomizes = block.flag("hosts_randomize") ?? false
        hostFindFailed = block.text("host_find_failed") ?? "freeze"
        hostAllIgnored = block.text("host_all_ignored") ?? "defer"
        for choice in [hostFindFailed, hostAllIgnored]
        where !["decline", "defer", "fail", "freeze", "ignore", "pass"].contains(choice) {
            throw RoutingConfigurationError(
                router: block.name,
                problem: "unrecognized setting for host_find_failed option: \(choice)")
        }
        guard (data == nil) != rules.isEmpty else {
            throw RoutingConfigurationError(
                router: block.name,
                problem: "either route_list or route_data (but not both) must be set for this router")
        }
    }

    func route(_ scene: inout RoutingScene) async throws(RoutingTrouble) -> DriverAnswer {
        guard let rule = try await rule(&scene) else { return .declined(nil) }
        let plan = try await plan(rule, &scene)
        guard let hostList = try await expandedHosts(rule, &scene) else { return .declined(nil) }
        var items = ItemList.split(hostList, separator: UInt8(ascii: ":"))
        if items.isEmpty {
            if plan.isRemote {
                throw RoutingTrouble(
                    "error in \(scene.options.name) router: no host(s) specified for domain \(scene.domain)")
            }
            return .accepted(hosts: [], transport: plan.transport)
        }
        items = ordered(items, plan.randomizes, scene.environment.random())
        guard plan.isRemote else {
            let hosts = items.map { RouteHost(name: $0, address: nil) }
            return .accepted(hosts: hosts, transport: plan.transport)
        }
        return try await find(items.map { HostItem($0) }, plan, &scene)
    }

    // MARK: The rule

    /// The first rule whose pattern is the domain's; leaves captures and `$value` for the host list.
    private func rule(_ scene: inout RoutingScene) async throws(RoutingTrouble) -> RouteRule? {
        if let data {
            let name = scene.options.name
            guard
                let value = try await scene.expand(
                    data, failing: "\(name) router: failed to expand \"\(data.source)\""),
                !value.bytes.trimmed().isEmpty
            else { return nil }
            return RouteRule(data: value.bytes)
        }
        for text in rules {
            let (words, rest) = RouteRule.words(text, atMost: 1)
            guard let pattern = words.first else { continue }
            let list = ListText("<\n \(pattern)")
            switch await scene.expander.matchDomain(scene.domain, in: list, &scene.facts) {
            case .matched(let data):
                scene.facts.value = data
                return RouteRule(data: rest)
            case .notMatched: continue
            case .deferred: throw RoutingTrouble("lookup defer in \(scene.options.name) router")
            }
        }
        return nil
    }

    private func expandedHosts(
        _ rule: RouteRule, _ scene: inout RoutingScene
    ) async throws(RoutingTrouble) -> ByteString? {
        do {
            return try await scene.expander.expand(Template(rule.hosts), scene.facts).bytes
        } catch {
            // An expansion that fails declines (manual, section 20.4); what can be had later defers.
            if case .deferred(let reason) = error { throw RoutingTrouble(reason) }
            return nil
        }
    }

    private struct Plan {
        var transport: ByteString
        var isRemote = false
        var randomizes: Bool
        var finding = HostFinding()
    }

    private func plan(_ rule: RouteRule, _ scene: inout RoutingScene) async throws(RoutingTrouble) -> Plan {
        var plan = Plan(transport: ByteString(), randomizes: randomizes)
        for word in rule.options {
            switch word {
            case "randomize": plan.randomizes = true
            case "no_randomize": plan.randomizes = false
            case "byname": plan.finding.source = .name
            case "bydns", "bydns_a", "bydns_mx": plan.finding.source = .dns
            case "ipv4_only": plan.finding.ipv4Only = true
            case "ipv4_prefer": plan.finding.ipv4Prefer = true
            default:
                guard scene.environment.transportIsRemote[word] != nil else {
                    scene.log(
                        "Error in \(scene.options.name) router: unknown routing option or transport name \"\(word)\""
                    )
                    throw RoutingTrouble(
                        "error in router: unknown routing option or transport name \"\(word)\"")
                }
                plan.transport = word
            }
        }
        if plan.transport.isEmpty {
            guard let template = scene.options.transport else {
                throw RoutingTrouble(
                    "error in \(scene.options.name) router: no transport set")
            }
            plan.transport = try await scene.transportName(template, "transport")
        }
        plan.isRemote = scene.environment.transportIsRemote[plan.transport] ?? false
        return plan
    }

    /// The items in the order to use, without the `+` that parts groups.
    private func ordered(
        _ items: [ByteString], _ randomizes: Bool, _ random: any RandomNumberGenerator & Sendable
    ) -> [ByteString] {
        var random = AnyRandom(random)
        let groups = items.split(separator: "+" as ByteString).map(Array.init)
        return groups.flatMap { randomizes ? $0.shuffled(using: &random) : $0 }
    }

    // MARK: The hosts

    /// The hosts of a list for another router, which defers when one cannot be found.
    static func find(
        _ items: [HostItem], _ finding: HostFinding, transport: ByteString?, _ scene: inout RoutingScene
    ) async throws(RoutingTrouble) -> DriverAnswer {
        var plan = Plan(transport: "", randomizes: false)
        plan.finding = finding
        let answer = try await ManualRouteRouter(hostFindFailed: "defer").find(items, plan, &scene)
        guard case .accepted(let hosts, _) = answer else { return answer }
        return .accepted(hosts: hosts, transport: transport)
    }

    private init(hostFindFailed: ByteString) {
        (data, rules, randomizes) = (nil, [], false)
        (self.hostFindFailed, hostAllIgnored) = (hostFindFailed, "defer")
    }

    private func find(
        _ items: [HostItem], _ plan: Plan, _ scene: inout RoutingScene
    ) async throws(RoutingTrouble) -> DriverAnswer {
        let router = scene.options.name
        var hosts: [RouteHost] = []
        for item in items {
            let finder = try await scene.finder(plan.finding, for: item.name)
            switch await finder.hosts(of: item) {
            case .found(let found):
                switch await scene.withoutLocalHosts(found) {
                case .others(let others, let removedLocal):
                    hosts += others
                    if removedLocal { return .accepted(hosts: hosts, transport: plan.transport) }
                case .localFirst(let local):
                    if !hosts.isEmpty { return .accepted(hosts: hosts, transport: plan.transport) }
                    if let answer = try scene.answerForLocalHost(local, found) { return answer }
                    hosts += found
                }
            case .notFound:
                if hostFindFailed == "ignore" { continue }
                scene.log("no IP address found for host \(item.name)")
                let text: ByteString = "lookup of host \"\(item.name)\" failed in \(router) router"
                return try answer(hostFindFailed, text, errno: -32)
            case .deferred:
                if scene.options.passesOnTimeout { return .passed }
                throw RoutingTrouble("host lookup for \(item.name) did not complete (DNS timeout?)")
            case .insecure:
                throw RoutingTrouble("host lookup for \(item.name) done insecurely", errno: -36)
            }
        }
        guard hosts.isEmpty else { return .accepted(hosts: hosts, transport: plan.transport) }
        return try answer(
            hostAllIgnored,
            "lookup failed for all hosts in \(router) router: host_find_failed=ignore host_all_ignored=\(hostAllIgnored)",
            errno: -1)
    }

    private func answer(
        _ choice: ByteString, _ text: ByteString, errno: Int32
    ) throws(RoutingTrouble) -> DriverAnswer {
        switch choice {
        case "decline": return .declined(nil)
        case "pass": return .passed
        case "fail": return .failed(RoutingTrouble(text, errno: errno, userText: text))
        case "freeze": throw RoutingTrouble(text, errno: errno, freezes: true)
        default: throw RoutingTrouble(text, errno: errno)
        }
    }
}
