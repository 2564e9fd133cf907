import Bytes
import Glibc
import Hints
import SMTP

/// Makes a connection to a server, directly or through one of some proxies (`socks_proxy`), and tells of it.
struct ServerConnecting: Sendable {
    let address: IPAddress
    let port: Int
    let interface: IPAddress?
    /// Empty for a direct connection.
    let proxies: [SOCKSProxy]
    /// `connect_timeout` in seconds: for all proxies together, and what is said to them.
    let timeout: Int64
    /// What stands for a limit of 0 on the way through proxies, in seconds.
    private static let longest: Int64 = 300
    /// Who hears of it before anything is connected.
    let events: HostEvents?
    /// Writes a line to the logs.
    let tell: @Sendable (TransportLogLine) -> Void

    /// Why there is no connection.
    struct Failure: Error {
        /// The system's, or Exim's for what an event forbids.
        var number: CInt
        /// Our end, and the proxy that we had reached.
        var state = ConnectionState()
    }

    /// Connects.
    func connect(_ loops: DeliveryLoops) async throws(Failure) -> ClientSocket {
        if !proxies.isEmpty { return try await connectThroughProxies(loops) }
        if await events?.connecting() != nil { throw Failure(number: EximErrno.event) }
        do throws(SystemFailure) {
            return try await ClientSocket.connected(
                to: address, port: port, from: interface, timeout: timeout, loops)
        } catch {
            throw Failure(number: error.number)
        }
    }

    /// One after the other, until one is reached; that one then decides.
    private func connectThroughProxies(_ loops: DeliveryLoops) async throws(Failure) -> ClientSocket {
        let deadline = Deadline(timeout > 0 ? timeout : Self.longest)
        var left = proxies.filter { $0.address != nil }
        var generator = SystemRandomNumberGenerator()
        while let index = SOCKSProxy.choose(among: left, &generator) {
            if deadline.isOver { throw Failure(number: ETIMEDOUT) }
            let proxy = left.remove(at: index)
            guard let place = proxy.address else { continue }
            let socket: ClientSocket
            do throws(Failure) {
                socket = try await reach(proxy, at: place, deadline, loops)
            } catch {
                tell(TransportLogLine("socks_sock_connect: \(SystemFailure(number: error.number).text)"))
                continue
            }
            return try await converse(
                proxy, UsedProxy(address: place, port: proxy.port), consume socket, deadline)
        }
        throw Failure(number: EBUSY)
    }

    private func reach(
        _ proxy: SOCKSProxy, at place: IPAddress, _ deadline: Deadline, _ loops: DeliveryLoops
    ) async throws(Failure) -> ClientSocket {
        if await events?.connecting(through: (place, proxy.port)) != nil {
            throw Failure(number: EximErrno.event)
        }
        do throws(SystemFailure) {
            return try await ClientSocket.connected(
                to: place, port: proxy.port, from: interface?.isV6 == place.isV6 ? interface : nil,
                timeout: min(proxy.timeout, deadline.left), loops)
        } catch {
            throw Failure(number: error.number)
        }
    }

    /// Has a proxy that is reached connect us to the server.
    private func converse(
        _ proxy: SOCKSProxy, _ used: UsedProxy, _ socket: consuming ClientSocket, _ deadline: Deadline
    ) async throws(Failure) -> ClientSocket {
        var socket = socket
        var used = used
        let state = ConnectionState(local: socket.local, proxy: used)
        var dialogue = SOCKSDialogue(to: address, port: port, as: proxy.credentials)
        do {
            var step = SOCKSDialogue.Step.send(dialogue.opening)
            while true {
                switch step {
                case .connected(let address, let port):
                    (used.boundAddress, used.boundPort, used.isConnected) = (address, port, true)
                    socket.proxy = used
                    return socket
                case .send(let octets): try await Self.say(octets, on: &socket, deadline)
                case .wait: break
                }
                step = try dialogue.take(try await Self.hear(dialogue.missing, on: &socket, deadline))
            }
        } catch let failure as SOCKSDialogue.Failure {
            if let line = failure.line { tell(TransportLogLine(line, isPanic: true)) }
            throw Failure(number: failure.number, state: state)
        } catch {
            throw Failure(number: (error as? SystemFailure)?.number ?? EPROTO, state: state)
        }
    }

    private static func say(
        _ octets: ByteString, on socket: inout ClientSocket, _ deadline: Deadline
    ) async throws(SystemFailure) {
        var early: [UInt8] = []
        try await socket.write(octets.bytes[...], timeout: deadline.left) { early += $0 }
        socket.putBack(early[...])
    }

    /// Takes so many octets at most.
    private static func hear(
        _ count: Int, on socket: inout ClientSocket, _ deadline: Deadline
    ) async throws(SystemFailure) -> ArraySlice<UInt8> {
        if deadline.isOver { throw SystemFailure(number: ETIMEDOUT) }
        switch await socket.read(timeout: deadline.left) {
        case .octets(let octets):
            socket.putBack(octets.dropFirst(count))
            return octets.prefix(count)
        case .timedOut: throw SystemFailure(number: ETIMEDOUT)
        // It is nothing that the server did.
        case .closed: throw SystemFailure(number: EPROTO)
        case .failed(let number): throw SystemFailure(number: number)
        }
    }
}

extension SOCKSDialogue.Failure {
    /// The errno that stands for it.
    fileprivate var number: CInt {
        switch self {
        case .notAuthenticated: EACCES
        case .method(1): EIO
        case .method, .malformed: EPROTO
        case .refused(let code): Self.numbers[code] ?? EPROTO
        }
    }

    /// By the reply codes of RFC 1928, section 6.
    private static let numbers: [UInt8: CInt] = [
        1: EIO, 2: EACCES, 3: ENETUNREACH, 4: EHOSTUNREACH, 5: ECONNREFUSED, 6: ECANCELED, 7: EOPNOTSUPP,
        8: EAFNOSUPPORT,
    ]

    /// What is logged besides, since the postmaster has to mend it.
    fileprivate var line: ByteString? {
        switch self {
        case .notAuthenticated: "socks auth failed"
        case .method(let method): "Unrecognised socks auth method \(method)"
        case .malformed, .refused: nil
        }
    }
}
