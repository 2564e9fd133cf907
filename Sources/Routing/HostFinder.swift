package import Bytes
import DNS
import Expansion

/// How the hosts of a list are found (manual, section 20.7).
package struct HostFinding: Sendable, Hashable {
    /// Where addresses come from.
    package enum Source: Sendable, Hashable {
        /// The DNS, and the system's name service for what the DNS does not know.
        case either
        /// `byname`.
        case name
        /// `bydns`.
        case dns
    }

    /// Where addresses come from.
    package var source: Source = .either
    /// Only A records.
    package var ipv4Only = false
    /// A records first.
    package var ipv4Prefer = false
    /// Whether answers that are validated count as such (`dnssec_request_domains`).
    package var asksForSecure = true
    /// Answers must be validated.
    package var requiresSecure = false

    /// Exim's defaults.
    package init() {}
}

/// What a search for one host of a list came to.
package enum FoundHosts: Sendable, Hashable {
    /// At least one address, in the order to try.
    case found([RouteHost])
    /// There is no such host, or it has no address that may be used.
    case notFound
    /// It cannot be told now.
    case deferred(ByteString)
    /// The answer was not validated, and had to be.
    case insecure
}

/// Finds the addresses of hosts that lists name, for routers and for the smtp transport.
package struct HostFinder: Sendable {
    private let environment: RoutingEnvironment
    private let finding: HostFinding
    private let isIgnored: @Sendable (IPAddress) async -> Bool

    /// Makes a finder; `isIgnored` is `ignore_target_hosts`.
    package init(
        _ environment: RoutingEnvironment, _ finding: HostFinding,
        isIgnored: @escaping @Sendable (IPAddress) async -> Bool = { _ in false }
    ) {
        self.environment = environment
        self.finding = finding
        self.isIgnored = isIgnored
    }

    var lookup: HostLookup {
        var options = HostLookup.Options()
        options.ipv4Only = finding.ipv4Only || environment.disablesIPv6
        options.ipv4Prefer = finding.ipv4Prefer
        options.allowsAddressTargets = environment.allowsMXToIP
        return HostLookup(environment.resolver, options: options)
    }

    /// The hosts that an item stands for.
    package func hosts(of item: HostItem) async -> FoundHosts {
        item.isMX ? await exchangers(of: item) : await addresses(of: item)
    }

    private func addresses(of item: HostItem) async -> FoundHosts {
        if let address = IPAddress(item.name) {
            return await usable([address], of: item, secure: false)
        }
        if finding.source != .name {
            switch await lookup.addresses(of: item.name) {
            case .addresses(let addresses, let secure, let canonicalName):
                if finding.requiresSecure, !secure { return .insecure }
                let names = HostLookup.names(canonicalName, item.name)
                return await usable(addresses, of: item, secure: secure, names)
            case .deferred(let reason): return .deferred(reason)
            case .none: if finding.source == .dns { return .notFound }
            }
        }
        switch await environment.addressesByName(item.name) {
        case .found(let addresses):
            if finding.requiresSecure { return .insecure }
            let wanted = addresses.filter { !(finding.ipv4Only || environment.disablesIPv6) || !$0.isV6 }
            return await usable(wanted, of: item, secure: false)
        case .notFound: return .notFound
        case .deferred(let reason): return .deferred(reason)
        }
    }

    private func usable(
        _ addresses: [IPAddress], of item: HostItem, secure: Bool, _ names: [ByteString] = []
    ) async -> FoundHosts {
        var hosts: [RouteHost] = []
        for address in addresses where !(await isIgnored(address)) {
            var host = RouteHost(
                name: item.name, address: address, port: item.port,
                isSecure: secure && finding.asksForSecure)
            host.wasToBeSecure = finding.asksForSecure
            host.names = names
            hosts.append(host)
        }
        return hosts.isEmpty ? .notFound : .found(hosts)
    }

    private func exchangers(of item: HostItem) async -> FoundHosts {
        switch await mailHosts(of: item.name, lookup) {
        case .hosts(let found):
            guard let hosts = await usable(found, port: item.port) else { return .insecure }
            return hosts.isEmpty ? .notFound : .found(hosts)
        case .noService, .noSuchDomain, .noHosts, .hostsWithoutAddress: return .notFound
        case .deferred(let reason): return .deferred(reason)
        }
    }

    func mailHosts(of domain: ByteString, _ lookup: HostLookup) async -> MailHostsOutcome {
        var random = AnyRandom(environment.random())
        return await lookup.mailHosts(of: domain, random: &random)
    }

    /// The hosts with the addresses that may be used, one entry an address; nil where they had to be validated and none was.
    func usable(_ found: MailHosts, port: Int? = nil) async -> [RouteHost]? {
        var hosts: [RouteHost] = []
        let trusted = found.hosts.filter { !finding.requiresSecure || found.secure && $0.secure }
        if trusted.isEmpty { return nil }
        for host in trusted {
            for address in host.addresses where !(await isIgnored(address)) {
                var entry = RouteHost(
                    name: host.name, address: address, port: port ?? host.port.map(Int.init),
                    mx: host.preference.map(Int.init),
                    isSecure: host.secure && found.secure && finding.asksForSecure)
                entry.wasToBeSecure = finding.asksForSecure
                entry.names = host.names
                entry.mailDomain = host.preference.map { _ in found.domain }
                hosts.append(entry)
            }
        }
        return hosts
    }
}

/// A generator of unknown kind, for functions that want one of a known kind.
struct AnyRandom: RandomNumberGenerator, Sendable {
    private var generator: any RandomNumberGenerator & Sendable

    init(_ generator: any RandomNumberGenerator & Sendable) { self.generator = generator }

    mutating func next() -> UInt64 { generator.next() }
}

extension RoutingScene {
    /// A finder that obeys `dnssec_request_domains` and `dnssec_require_domains` for the name that it is to find.
    mutating func finder(
        _ finding: HostFinding, for name: ByteString
    ) async throws(RoutingTrouble) -> HostFinder {
        var finding = finding
        if let list = options.secureDomains {
            finding.requiresSecure = try await isListed(name, list, "dnssec_require_domains")
        }
        if let list = options.secureWishes, !finding.requiresSecure {
            finding.asksForSecure = try await isListed(name, list, "dnssec_request_domains")
        }
        return finder(finding)
    }

    /// Whether an option's list has a domain.
    mutating func isListed(
        _ name: ByteString, _ list: ListText, _ option: ByteString
    ) async throws(RoutingTrouble) -> Bool {
        var facts = facts
        switch await expander.matchDomain(name, in: list, &facts) {
        case .matched: return true
        case .notMatched: return false
        case .deferred: throw RoutingTrouble("lookup defer for \(option)")
        }
    }

    /// A finder that obeys `ignore_target_hosts`, with `$host_address` set while it is asked.
    func finder(_ finding: HostFinding) -> HostFinder {
        guard let ignored = options.ignoredHosts else { return HostFinder(environment, finding) }
        let (expander, facts) = (expander, facts)
        return HostFinder(environment, finding) { address in
            var facts = facts
            facts.address.hostAddress = address
            return await expander.matchHost(HostIdentity(address: address), in: ignored, &facts).isMatch
        }
    }
}
