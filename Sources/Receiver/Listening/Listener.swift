import Bytes
import Configuration
import EximLog
import Expansion
import Glibc
import MailSystem
import NIOCore
import NIOPosix
import Spooler
import Synchronization

/// The daemon: accepts connections and runs a session for each, until it is told to stop.
struct Listener: Sendable {
    let context: SessionContext
    let log: SessionLog
    let sessions = OpenSessions()

    /// Binds an address; the error says which and why.
    func bind(_ address: ListeningAddress) async throws(StartError) -> any Channel {
        do {
            return try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .serverChannelOption(.backlog, value: CInt(clamping: context.settings.backlog))
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                // Nobody is let in before `run`, when root's rights are gone.
                .serverChannelOption(.autoRead, value: false)
                .serverChannelInitializer { [log] channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(AcceptTrouble(log: log))
                    }
                }
                .childChannelOption(.tcpOption(.tcp_nodelay), value: context.settings.noDelay ? 1 : 0)
                .childChannelOption(.socketOption(.so_keepalive), value: context.settings.keepsAlive ? 1 : 0)
                .childChannelOption(.allowRemoteHalfClosure, value: true)
                .childChannelOption(.maxMessagesPerRead, value: 4)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture { try begin(channel) }
                }
                .bind(host: address.host, port: address.port).get()
        } catch {
            throw StartError(
                "cannot listen on \(address.host) port \(address.port): \(error); is the port in use?")
        }
    }

    /// Accepts; returns when the server channel has been closed and the last session has ended.
    func run(_ server: any Channel) async {
        do {
            try await server.setOption(.autoRead, value: true).get()
            try await server.closeFuture.get()
            if !sessions.areStopping { log.panic("listening ended: the system closed the socket") }
        } catch {
            log.panic("listening ended: \("\(error)")")
        }
        await sessions.allEnded()
    }

    /// Begins a session on its connection's event loop.
    private func begin(_ channel: any Channel) throws {
        let facts = Self.facts(channel)
        let limit = context.settings.limits.acceptMax
        guard let (ticket, counts) = sessions.enter(channel, from: facts.remoteAddress, limit: limit) else {
            return refuse(channel, facts)
        }
        let wire = ConnectionWire()
        try channel.pipeline.syncOperations.addHandler(wire)
        let bound = NIOLoopBound(wire, eventLoop: channel.eventLoop)
        let loop = LoopExecutor(channel.eventLoop)
        Task(executorPreference: loop) {
            await serve(bound.value, facts, counts)
            sessions.leave(ticket)
        }
    }

    private func serve(_ wire: ConnectionWire, _ facts: ConnectionFacts, _ counts: ConnectionCounts) async {
        var session = Session(context, wire, facts)
        session.counts = counts
        await session.run()
        await wire.close()
    }

    private func refuse(_ channel: any Channel, _ connection: ConnectionFacts) {
        var facts = Facts()
        facts.connection = connection
        log.event(.refused(text: "too many connections"), facts)
        let text = "421 Too many concurrent SMTP connections; please try again later.\r\n"
        channel.writeAndFlush(ByteBuffer(string: text)).whenComplete { _ in channel.close(promise: nil) }
    }

    private static func facts(_ channel: any Channel) -> ConnectionFacts {
        var facts = ConnectionFacts()
        facts.remoteAddress = channel.remoteAddress.flatMap(address)
        facts.remotePort = channel.remoteAddress?.port
        facts.interfaceAddress = channel.localAddress.flatMap(address)
        facts.interfacePort = channel.localAddress?.port
        return facts
    }

    private static func address(_ socket: SocketAddress) -> IPAddress? {
        socket.ipAddress.flatMap { IPAddress(ByteString($0)) }?.unmapped
    }
}

/// Trouble in accepting a connection concerns that one only: the listener goes on.
private final class AcceptTrouble: ChannelInboundHandler {
    typealias InboundIn = any Channel

    private let log: SessionLog

    init(log: SessionLog) { self.log = log }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        log.panic("a connection could not be accepted: \("\(error)")")
        // NIO's own handler waits a little when there are no descriptors left.
        context.fireErrorCaught(error)
    }
}

/// The sessions that are open now, so that each can be told to stop.
final class OpenSessions: Sendable {
    private struct State {
        var next = 0
        var channels: [Int: any Channel] = [:]
        var addresses: [Int: IPAddress] = [:]
        /// How many there are from each address.
        var fromAddress: [IPAddress: Int] = [:]
        var isStopping = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    /// Notes a session, and tells how many are open now; nil when `limit` are open already (0: no limit).
    func enter(_ channel: any Channel, from address: IPAddress?, limit: Int)
        -> (ticket: Int, counts: ConnectionCounts)?
    {
        let (ticket, isStopping): ((Int, ConnectionCounts)?, Bool) = state.withLock { state in
            if limit > 0, state.channels.count >= limit { return (nil, false) }
            state.next += 1
            state.channels[state.next] = channel
            var counts = ConnectionCounts(all: state.channels.count, sameHost: 1)
            if let address {
                state.addresses[state.next] = address
                state.fromAddress[address, default: 0] += 1
                counts.sameHost = state.fromAddress[address] ?? 1
            }
            return ((state.next, counts), state.isStopping)
        }
        if isStopping { channel.pipeline.fireUserInboundEventTriggered(StopRequest()) }
        return ticket
    }

    func leave(_ ticket: Int) {
        let waiting = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            state.channels[ticket] = nil
            if let address = state.addresses.removeValue(forKey: ticket) {
                let rest = (state.fromAddress[address] ?? 1) - 1
                state.fromAddress[address] = rest > 0 ? rest : nil
            }
            guard state.channels.isEmpty else { return [] }
            defer { state.waiting = [] }
            return state.waiting
        }
        for one in waiting { one.resume() }
    }

    /// Waits until no session is open.
    func allEnded() async {
        await withCheckedContinuation { continuation in
            let isIdle = state.withLock { state in
                if !state.channels.isEmpty { state.waiting.append(continuation) }
                return state.channels.isEmpty
            }
            if isIdle { continuation.resume() }
        }
    }

    /// Whether they have been told to.
    var areStopping: Bool { state.withLock { $0.isStopping } }

    /// Tells every session to end at the next fit moment.
    func stop() {
        let channels = state.withLock { state in
            state.isStopping = true
            return Array(state.channels.values)
        }
        for channel in channels { channel.pipeline.fireUserInboundEventTriggered(StopRequest()) }
    }

    /// Closes whatever is still open.
    func abort() {
        for channel in state.withLock({ Array($0.channels.values) }) { channel.close(promise: nil) }
    }
}
