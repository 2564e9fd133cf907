import Bytes
import Expansion

/// What is left of a host list when the hosts that are this one are taken out (manual, `self` and section 13.8).
enum LocalHostFinding {
    /// Hosts that come before any local one, perhaps all; whether a local one was taken out.
    case others([RouteHost], removedLocal: Bool)
    /// The first host is this one.
    case localFirst(RouteHost)
}

extension RoutingScene {
    /// Cuts a list at the first host that is this machine, together with its equals by MX preference.
    mutating func withoutLocalHosts(_ hosts: [RouteHost]) async -> LocalHostFinding {
        let interfaces = expander.environment.localInterfaces()
        for (index, host) in hosts.enumerated() where await isLocal(host, interfaces) {
            let kept = hosts[..<index].filter { host.mx == nil || $0.mx != host.mx }
            return kept.isEmpty ? .localFirst(host) : .others(Array(kept), removedLocal: true)
        }
        return .others(hosts, removedLocal: false)
    }

    private mutating func isLocal(_ host: RouteHost, _ interfaces: [IPAddress]) async -> Bool {
        if let address = host.address {
            // The loopback interface is always there, whatever the list of interfaces says.
            if interfaces.contains(address) || address.isUnspecified || address == .v6(1) { return true }
            if case .v4(let number) = address, number == 0x7F00_0001 { return true }
        }
        guard let list = environment.hostsTreatedAsLocal else { return false }
        return await expander.matchDomain(host.name, in: list, &facts).isMatch
    }

    /// Obeys `self` for a list whose first host is this one; nil means: use the hosts as they are.
    mutating func answerForLocalHost(
        _ host: RouteHost, _ hosts: [RouteHost]
    ) throws(RoutingTrouble) -> DriverAnswer? {
        let reason: ByteString =
            host.mx == nil
            ? "remote host address is the local host" : "lowest numbered MX record points to local host"
        let rule = options.selfRule.lowercasedASCII()
        switch rule {
        case "send": return nil
        case "defer": throw RoutingTrouble(reason)
        case "pass":
            address.selfHostName = host.name
            return .passed
        case "fail": return .failed(RoutingTrouble(reason, userText: reason))
        case _ where rule.starts(with: ByteString("reroute:")):
            let rest = options.selfRule.dropFirst(8).trimmed()
            let rewrites = rest.startsIgnoringCase(with: ByteString("rewrite:"))
            let domain = rewrites ? rest.dropFirst(8).trimmed() : rest
            return .rerouted(domain: ByteString(domain), rewritesHeaders: rewrites)
        default:
            log("\(reason): \(domain)")
            throw RoutingTrouble(reason, freezes: true)
        }
    }
}
