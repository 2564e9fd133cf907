package import Bytes
package import Expansion
import Glibc
package import Routing

/// The hosts that mail for an address would go to, as a callout meets them.
package struct CalloutRoute: Sendable {
    /// The hosts in the order to try, each with how it is met.
    package var hosts: [(name: ByteString, address: IPAddress, place: CalloutTalk.Place)]
}

extension Transport {
    /// Where a callout for an address goes; nil when that is no smtp transport, or there are no hosts.
    ///
    /// `tell` gets lines for the logs about `event_action`. Throws why the route cannot be told.
    package func calloutRoute(
        _ instruction: DeliveryInstruction, _ facts: Facts, _ routing: RoutingEnvironment,
        _ tls: ClientTLS, tell: @escaping @Sendable (TransportLogLine) -> Void
    ) async throws(TransportTrouble) -> CalloutRoute? {
        guard case .smtp(let settings) = driver else { return nil }
        var facts = facts
        facts.address = instruction.facts
        facts.address.transportName = name
        let events = TransportEvents(eventAction(routing.expander, tell: tell), facts, tell: tell)
        let finding = CalloutHosts(
            settings: settings, facts: facts, routing: routing, transport: name, events: events, tls: tls,
            tell: tell)
        let hosts = try await finding.hosts(routed: instruction.hosts)
        guard !hosts.isEmpty else { return nil }
        return CalloutRoute(hosts: try await finding.places(hosts))
    }
}

/// Finds hosts and how they are met, by the options of the smtp transport.
private struct CalloutHosts {
    let settings: SMTPSettings
    let facts: Facts
    let routing: RoutingEnvironment
    let transport: ByteString
    let events: TransportEvents?
    let tls: ClientTLS
    let tell: @Sendable (TransportLogLine) -> Void

    func hosts(routed: [RouteHost]) async throws(TransportTrouble) -> [RouteHost] {
        guard let template = settings.hosts, settings.hostsOverride || routed.isEmpty else { return routed }
        let text = try await expand(template, "hosts", facts)
        var hosts: [RouteHost] = []
        for item in ItemList.split(text, separator: UInt8(ascii: ":")) where item != "+" {
            let host = HostItem(item)
            let finding = try await settings.finding(for: host.name, routing.expander, facts)
            if case .found(let some) = await HostFinder(routing, finding).hosts(of: host) { hosts += some }
        }
        guard !hosts.isEmpty else {
            throw TransportTrouble("no host of \"\(text)\" was found", errno: -32)
        }
        return hosts
    }

    func places(
        _ hosts: [RouteHost]
    ) async throws(TransportTrouble) -> [(name: ByteString, address: IPAddress, place: CalloutTalk.Place)] {
        var result: [(name: ByteString, address: IPAddress, place: CalloutTalk.Place)] = []
        for host in hosts {
            guard let address = host.address else { continue }
            var own = facts
            own.address.host = TaintedBytes(host.name)
            own.address.hostAddress = address
            var place = CalloutTalk.Place(
                identity: .init(
                    address: address, port: try await port(host, own),
                    interface: try await interface(address, own),
                    helo: try await expand(settings.helo, "helo_data", own)),
                isLMTP: settings.protocolName == "lmtp", usesESMTP: await usesESMTP(host, own))
            place.topBitPrints = routing.expander.environment.settings.printTopBitChars
            place.shown = "\(host.name) [\(address.text)]"
            place.tell = tell
            place.tls = await offer(host, place.identity.port, own)
            place.identity.tls = place.tls?.plan ?? .none
            place.identity.proxies = try await proxies(own)
            place.events = HostEvents(events, host: host.name, address: address, port: place.identity.port)
            result.append((host.name, address, place))
        }
        return result
    }

    private func port(_ host: RouteHost, _ facts: Facts) async throws(TransportTrouble) -> Int {
        if let port = host.port { return port }
        guard let template = settings.port else { return settings.defaultPort }
        let text = try await expand(template, "port", facts)
        guard let port = SMTPSettings.portNumber(text) else {
            throw TransportTrouble(
                "TCP port \"\(text)\" is not defined for \(transport) transport", errno: -1)
        }
        return port
    }

    private func interface(_ address: IPAddress, _ facts: Facts) async throws(TransportTrouble) -> IPAddress?
    {
        guard let template = settings.interface else { return nil }
        let text = try await expand(template, "interface", facts)
        let all = ItemList.split(text, separator: UInt8(ascii: ":")).compactMap { IPAddress($0) }
        return all.first { $0.isV6 == address.isV6 }
    }

    private func proxies(_ facts: Facts) async throws(TransportTrouble) -> [SOCKSProxy] {
        guard let template = settings.proxies else { return [] }
        do throws(ExpansionError) {
            let found = SOCKSProxy.listed(
                try await routing.expander.expand(template, facts).bytes, for: transport)
            for line in found.lines { tell(line) }
            return found.proxies
        } catch {
            tell(TransportLogLine(SOCKSProxy.badExpansion(transport), isPanic: true))
            throw TransportTrouble(SystemFailure(number: ENOENT).text, errno: ENOENT)
        }
    }

    /// Nil where TLS is neither spoken nor wanted.
    private func offer(_ host: RouteHost, _ port: Int, _ facts: Facts) async -> TLSOffer? {
        let place = TLSPlace(
            host: host, port: port, facts: facts, routing: routing, options: tls.options, isCallout: true)
        let plan = await settings.tls.plan(for: place)
        if let note = plan.note { tell(TransportLogLine(note)) }
        return plan.isAvoided && !plan.isRequired ? nil : TLSOffer(plan, tls)
    }

    private func usesESMTP(_ host: RouteHost, _ facts: Facts) async -> Bool {
        guard let list = settings.avoidsESMTP else { return true }
        return !(await routing.expander.isListed(host, list, facts))
    }

    private func expand(
        _ template: Template, _ option: ByteString, _ facts: Facts
    ) async throws(TransportTrouble) -> ByteString {
        do {
            return try await routing.expander.expand(template, facts).bytes
        } catch {
            throw TransportTrouble(
                "failed to expand \"\(option)\" in \(transport) transport: \(error.text)", errno: -1)
        }
    }
}
