import ACL
import Bytes
import Expansion
import SMTP

/// Proxies that say for whom they connect (`hosts_proxy`; manual, section 59.1).
///
/// Only a host of that list is asked, and only its answer counts: for all others PROXY is a command like any that is unknown.
extension Session {
    /// Hears the header of a client that must send one; false when the session is over.
    ///
    /// One that does not gets no service: not as itself either, since a proxy may have rights that its clients have not.
    mutating func hearProxy() async -> Bool {
        guard state.facts.connection.remoteAddress != nil, !context.isBatched else { return true }
        switch await match(.proxied) {
        case .notMatched: return true
        case .matched: break
        case .deferred:
            log.main(
                "cannot tell whether \(state.facts.connection.remoteAddress?.text ?? "") is in hosts_proxy: closed"
            )
            await say(Reply(421, "\(activeHostName): Temporary local problem - please try later"))
            return false
        }
        state.facts.connection.proxy = ProxyFacts()
        refusesCommands = true
        if let header = await proxyHeader() {
            refusesCommands = false
            take(header)
        }
        await wire.setTimeout(seconds: await receiveTimeout())
        // As Exim has it, whether host_lookup has the client or not.
        if !refusesCommands { await lookUpPeer() }
        return true
    }

    private mutating func take(_ header: ProxyHeader) {
        guard case .client(let client, let target) = header else { return }
        let proxy = state.facts.connection
        state.facts.connection.proxy?.localAddress = proxy.remoteAddress
        state.facts.connection.proxy?.localPort = proxy.remotePort ?? 0
        state.facts.connection.proxy?.externalAddress = target.address
        state.facts.connection.proxy?.externalPort = target.port
        state.facts.connection.remoteAddress = client.address
        state.facts.connection.remotePort = client.port
        // What is known of the proxy's name is not the client's.
        state.facts.connection.hostName = RemoteName()
    }

    /// The header, if there is one in time; what follows it is left on the wire, and so is what is none.
    private mutating func proxyHeader() async -> ProxyHeader? {
        let seconds = settings.proxyTimeout > 0 ? settings.proxyTimeout : Self.longestHeader
        let deadline = ContinuousClock.now + .seconds(seconds)
        var heard: [UInt8] = []
        while true {
            let left = deadline - .now
            guard left > .zero else { return nil }
            await wire.setTimeout(seconds: heard.isEmpty ? seconds : left.components.seconds + 1)
            switch await wire.read() {
            case .octets(let octets):
                heard += octets
                switch ProxyHeader.read(heard) {
                case .needsMore: break
                case .header(let header, let length):
                    putBack(.octets(heard.dropFirst(length)))
                    return header
                case .malformed(let length):
                    putBack(.octets(heard.dropFirst(length)))
                    return nil
                }
            case .timedOut: return nil
            case .ended:
                putBack(.ended)
                return nil
            case .stopping:
                // Nobody is waited for any more: the session ends with its greeting.
                isStopping = true
                return nil
            }
        }
    }

    private mutating func putBack(_ input: WireInput) {
        if case .octets(let octets) = input, octets.isEmpty { return }
        wire = ReturnedWire(input, to: wire)
    }

    /// How long a header may take where `proxy_protocol_timeout` is no limit, in seconds.
    private static let longestHeader: Int64 = 300

    /// The reply to all commands but QUIT of a client that should have said for whom it connects.
    static let refusedWithoutProxy = Reply(503, "Command refused, required Proxy negotiation failed")
}

/// A wire on which something is read first that has been read from it before.
final class ReturnedWire: Wire {
    private var returned: WireInput?
    private let carrier: any Wire

    init(_ input: WireInput, to carrier: any Wire) {
        returned = input
        self.carrier = carrier
    }

    func read() async -> WireInput {
        if let input = returned {
            returned = nil
            return input
        }
        return await carrier.read()
    }

    func ahead() async -> ArraySlice<UInt8>? {
        if case .octets(let octets)? = returned { return octets }
        return await carrier.ahead()
    }

    func write(_ octets: ByteString) async -> Bool { await carrier.write(octets) }
    func setTimeout(seconds: Int64?) async { await carrier.setTimeout(seconds: seconds) }
    func mark(_ trafficClass: TrafficClass) async { await carrier.mark(trafficClass) }
}
