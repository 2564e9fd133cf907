import Bytes
import Expansion
import Hints
import MailText
import Routing
import SMTP

// Which hosts there are, and where each is met.
extension SMTPTransport {
    mutating func hosts() async throws(TransportTrouble) -> [RouteHost] {
        let routed = scene.items.first?.instruction.hosts ?? []
        if !routed.isEmpty, !settings.hostsOverride { return routed }
        guard let template = settings.hosts else {
            if !routed.isEmpty { return routed }
            throw TransportTrouble(
                "\(scene.transport.name) transport called with no hosts set", errno: -1
            ).panicking
        }
        let text = try await hostList(template)
        return try await found(
            ordered(ItemList.split(text, separator: UInt8(ascii: ":"))).map { HostItem($0) })
    }

    private func hostList(_ template: Template) async throws(TransportTrouble) -> ByteString {
        let name = scene.transport.name
        do {
            return try await environment.expander.expand(template, scene.facts).bytes
        } catch {
            throw TransportTrouble(
                "failed to expand list of hosts \"\(template.source)\" in \(name) transport: \(error.text)",
                errno: -1
            ).panicking
        }
    }

    /// The items of a host list in the order to try; `+` parts groups of equals.
    func ordered(_ items: [ByteString]) -> [ByteString] {
        items.split(separator: "+" as ByteString).flatMap {
            settings.hostsRandomize ? $0.shuffled() : Array($0)
        }
    }

    /// `fallback_hosts`: the router's, or else the transport's.
    var fallbackItems: [ByteString] {
        let routed = scene.items.first?.instruction.fallbackHosts ?? []
        return routed.isEmpty ? settings.fallbackHosts : routed
    }

    mutating func found(_ items: [HostItem]) async throws(TransportTrouble) -> [RouteHost] {
        var hosts: [RouteHost] = []
        var missing: [(name: ByteString, isDeferred: Bool)] = []
        for item in items {
            let finding = try await settings.finding(for: item.name, environment.expander, scene.facts)
            switch await HostFinder(environment.routing, finding).hosts(of: item) {
            case .found(let some):
                try checkLocal(some)
                hosts += some
            case .notFound:
                missing.append((item.name, false))
                if settings.byName {
                    lines.append(TransportLogLine("no IP address found for host \(item.name)"))
                }
            case .deferred, .insecure: missing.append((item.name, true))
            }
        }
        guard hosts.isEmpty, let first = missing.first else { return hosts }
        if missing.count == 1 {
            throw TransportTrouble("failed to lookup IP address for \(first.name)", errno: -32)
        }
        let tail: ByteString =
            missing.allSatisfy(\.isDeferred)
            ? " temporarily" : missing.contains(where: \.isDeferred) ? "" : " permanently"
        throw TransportTrouble("all host address lookups\(forDomain) failed\(tail)", errno: -54)
    }

    private func checkLocal(_ hosts: [RouteHost]) throws(TransportTrouble) {
        guard !settings.allowsLocalhost else { return }
        let interfaces = environment.expander.environment.localInterfaces()
        for host in hosts {
            guard let address = host.address, interfaces.contains(address) || address == .v4(0x7F00_0001)
            else { continue }
            throw TransportTrouble(
                "\(scene.transport.name) transport found host \(host.name) to be local", errno: -50)
        }
    }

    var forDomain: ByteString {
        guard let parts = scene.items.first?.address.address.cutAtLast(UInt8(ascii: "@")) else { return "" }
        return " for '\(ByteString(parts.after).lowercasedASCII())'"
    }

    func port(of host: RouteHost) async throws(TransportTrouble) -> Int {
        if let port = host.port { return port }
        guard let template = settings.port, let text = try await scene.expand(template, "port")?.bytes,
            !text.isEmpty
        else { return settings.defaultPort }
        guard let number = SMTPSettings.portNumber(text) else {
            throw TransportTrouble(
                "TCP port \"\(text)\" is not defined for \(scene.transport.name) transport", errno: -1
            ).panicking
        }
        return number
    }

    func interface(for address: IPAddress) async throws(TransportTrouble) -> IPAddress? {
        guard let template = settings.interface,
            let text = try await scene.expand(template, "interface")?.bytes
        else { return nil }
        for item in ItemList.split(text, separator: UInt8(ascii: ":")) {
            guard let interface = IPAddress(item) else {
                throw TransportTrouble(
                    "\"\(item)\" is not a valid IP address for the \"interface\" option for \(scene.transport.name) transport",
                    errno: -1
                ).panicking
            }
            if interface.isV6 == address.isV6 { return interface }
        }
        return nil
    }

    /// `socks_proxy`: what to connect through, nothing for a direct connection; nil where that cannot be told.
    mutating func proxies() async -> [SOCKSProxy]? {
        guard let template = settings.proxies else { return [] }
        let name = scene.transport.name
        do throws(ExpansionError) {
            let text = try await environment.expander.expand(template, scene.facts).bytes
            let found = SOCKSProxy.listed(text, for: name)
            lines += found.lines
            return found.proxies
        } catch {
            lines.append(TransportLogLine(SOCKSProxy.badExpansion(name), isPanic: true))
            return nil
        }
    }

    func retryKey(_ used: UsedHost, _ interface: IPAddress?) async throws(TransportTrouble)
        -> RetryKey
    {
        var includesAddress = true
        if let template = settings.retryIncludesAddress,
            let text = try await scene.expand(template, "retry_include_ip_address")?.bytes
        {
            includesAddress = !["no", "false"].contains(text.lowercasedASCII())
        }
        let host = RetryHost(
            name: used.host.name, address: includesAddress ? used.host.address : nil, port: used.port,
            interface: interface?.text)
        return .host(host, spelling: environment.hostSpelling)
    }
}

extension SMTPSettings {
    /// How the addresses of a host are found that the transport names.
    func finding(
        for host: ByteString, _ expander: Expander, _ facts: Facts
    ) async throws(TransportTrouble) -> HostFinding {
        func isListed(_ list: ListText?, _ option: ByteString) async throws(TransportTrouble) -> Bool? {
            guard let list else { return nil }
            var facts = facts
            switch await expander.matchDomain(host, in: list, &facts) {
            case .matched: return true
            case .notMatched: return false
            case .deferred: throw TransportTrouble("lookup defer for \(option)", errno: -1)
            }
        }
        var finding = HostFinding()
        if byName { finding.source = .name }
        finding.requiresSecure = try await isListed(secureDomains, "dnssec_require_domains") ?? false
        if !finding.requiresSecure {
            finding.asksForSecure = try await isListed(secureWishes, "dnssec_request_domains") ?? true
        }
        return finding
    }
}
