import Bytes

/// The ipliteral router: hosts that an address names by their IP address in brackets (manual, chapter 18).
struct IPLiteralRouter: Sendable {
    func route(_ scene: inout RoutingScene) async throws(RoutingTrouble) -> DriverAnswer {
        guard let address = Self.address(in: scene.domain) else { return .declined(nil) }
        guard case .found(let found) = await scene.finder(HostFinding()).hosts(of: HostItem(address.text))
        else {
            return .declined(nil)
        }
        let usable = found.map { RouteHost(name: scene.domain, address: $0.address) }
        switch await scene.withoutLocalHosts(usable) {
        case .others(let others, _): return .accepted(hosts: others, transport: nil)
        case .localFirst(let local):
            return try scene.answerForLocalHost(local, usable) ?? .accepted(hosts: usable, transport: nil)
        }
    }

    /// The address in brackets, perhaps after `IPv4:` or `IPv6:`; nil for another domain.
    private static func address(in domain: ByteString) -> IPAddress? {
        guard domain.first == UInt8(ascii: "["), domain.last == UInt8(ascii: "]") else { return nil }
        var text = ByteString(domain.dropFirst().dropLast())
        for (mark, isV6) in [("ipv6:", true), ("ipv4:", false)] as [(ByteString, Bool)]
        where text.startsIgnoringCase(with: mark) {
            text = ByteString(text.dropFirst(mark.count))
            guard let address = IPAddress(text), address.isV6 == isV6 else { return nil }
            return address
        }
        return IPAddress(text)
    }
}
