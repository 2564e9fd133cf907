package import Bytes

/// Finds hosts, addresses and names through the DNS; decides nothing about them.
package struct HostLookup: Sendable {
    /// What is looked up, and how answers are ordered.
    package struct Options: Sendable {
        /// `check_srv`: services (such as `smtp`) whose SRV record is asked for before MX.
        package var services: [ByteString] = []
        /// `mx_domains`: whether a domain without MX has no hosts.
        package var requireMX = false
        /// `mx_fail_domains`: whether trouble with MX counts as "no MX".
        package var ignoreMXTrouble = false
        /// `srv_fail_domains`: whether trouble with SRV counts as "no SRV".
        package var ignoreServiceTrouble = false
        /// `ipv4_only`, or `disable_ipv6`.
        package var ipv4Only = false
        /// `ipv4_prefer`: IPv4 addresses of a host before its IPv6 ones.
        package var ipv4Prefer = false
        /// `allow_mx_to_ip`: a target that looks like an address is one.
        package var allowsAddressTargets = false
        /// `qualify_single` and `search_parents`: the names that a mail domain may stand for, in the order to ask for them.
        package var names: @Sendable (ByteString) -> [ByteString] = { [$0] }

        /// Exim's defaults.
        package init() {}
    }

    /// The most MX or SRV records that are followed, so that one domain cannot ask for endless lookups.
    package static let mostHosts = 50

    let resolver: any NameResolver
    let options: Options

    /// Makes a lookup.
    package init(_ resolver: any NameResolver, options: Options = Options()) {
        self.resolver = resolver
        self.options = options
    }

    /// Finds the hosts of a mail domain: SRV if asked for, else MX, else the domain itself.
    ///
    /// The random numbers order hosts of equal preference.
    package func mailHosts(
        of domain: ByteString, random: inout some RandomNumberGenerator & Sendable
    ) async -> MailHostsOutcome {
        for service in options.services {
            let prefix: ByteString = "_\(service)._tcp."
            switch await services(of: prefix + domain) {
            case .found(let targets, let answer, let name):
                let domain = ByteString(name.dropFirst(prefix.count))
                return await resolve(Self.ordered(targets, random: &random), answer, domain)
            case .noService(let secure): return .noService(secure: secure)
            case .absent: continue
            case .trouble(let reason):
                if !options.ignoreServiceTrouble { return .deferred(reason) }
            }
        }
        let (answer, name) = await search(domain, .mx)
        switch answer.outcome {
        case .records(let records):
            let targets = Self.exchangers(records)
            if targets.contains(where: { $0.name == "." }), targets.count == 1 {
                return .noService(secure: answer.secure)
            }
            return await resolve(Self.ordered(targets, random: &random), answer, name)
        case .noSuchDomain: return .noSuchDomain(secure: answer.secure)
        case .noData: return await ownHost(domain, absence: answer)
        case .tryAgain(let reason), .failed(let reason):
            return options.ignoreMXTrouble ? await ownHost(domain, absence: answer) : .deferred(reason)
        }
    }

    /// Asks for the names that a domain may stand for, and gives the one that has such records.
    ///
    /// Trouble ends the search, since the name with the trouble may be the one that is meant; where an earlier name
    /// exists, that one counts, as the system's resolver has it.
    func search(_ domain: ByteString, _ type: RecordType) async -> (DNSAnswer, ByteString) {
        var absence: DNSAnswer?
        for name in options.names(domain) {
            let answer = await resolver.lookup(name, type)
            switch answer.outcome {
            case .records: return (answer, name)
            case .tryAgain, .failed:
                if let absence, case .noData = absence.outcome { return (absence, domain) }
                return (answer, name)
            case .noData: absence = answer
            case .noSuchDomain: absence = absence ?? answer
            }
        }
        return (absence ?? DNSAnswer(.noSuchDomain, canonicalName: domain), domain)
    }

    /// A domain without MX is its own host (RFC 5321 section 5.1).
    private func ownHost(_ domain: ByteString, absence: DNSAnswer) async -> MailHostsOutcome {
        if options.requireMX { return .noHosts(secure: absence.secure) }
        var (isThere, isSecure) = (false, true)
        for name in options.names(domain) {
            switch await addresses(of: name) {
            case .addresses(let addresses, let secure, let canonicalName):
                var host = MailHost(name: name, addresses: addresses, secure: secure)
                host.names = Self.names(canonicalName, name)
                return .hosts(
                    MailHosts(
                        hosts: [host], secure: absence.secure, canonicalName: canonicalName, domain: name))
            case .none(let exists, let secure):
                isThere = isThere || exists
                isSecure = isSecure && secure
            case .deferred(let reason): return .deferred(reason)
            }
        }
        return isThere ? .noHosts(secure: isSecure) : .noSuchDomain(secure: isSecure)
    }

    /// Finds the addresses of the targets, drops what has none, and what an earlier one had.
    private func resolve(
        _ targets: [Target], _ answer: DNSAnswer, _ domain: ByteString
    ) async -> MailHostsOutcome {
        var hosts: [MailHost] = []
        var seen: Set<IPAddress> = []
        var literals = false
        for target in targets.prefix(Self.mostHosts) {
            var host = MailHost(
                name: target.name, preference: target.preference, port: target.port, addresses: [])
            if let address = IPAddress(target.name) {
                literals = true
                guard options.allowsAddressTargets, seen.insert(address).inserted else { continue }
                host.addresses = [address]
                hosts.append(host)
                continue
            }
            switch await addresses(of: target.name) {
            case .addresses(let addresses, let secure, let canonicalName):
                // A host that is an alias goes by its own name, in logs and hints as well.
                host.names = Self.names(canonicalName, target.name)
                if !canonicalName.equalsIgnoringCase(target.name) { host.name = canonicalName }
                host.addresses = addresses.filter { target.port != nil || seen.insert($0).inserted }
                host.secure = secure
                if !host.addresses.isEmpty { hosts.append(host) }
            case .none: continue
            case .deferred(let reason):
                host.deferral = reason
                hosts.append(host)
            }
        }
        guard let first = hosts.first else {
            return .hostsWithoutAddress(invalidlyIPAddresses: literals, domain: domain)
        }
        if hosts.allSatisfy({ $0.addresses.isEmpty }) {
            return .deferred("lookup of \(first.name): \(first.deferral ?? "no answer")")
        }
        return .hosts(
            MailHosts(
                hosts: hosts, secure: answer.secure, canonicalName: answer.canonicalName, domain: domain))
    }
}
