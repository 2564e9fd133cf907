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
    /// What sessions are made of; another at a new configuration.
    let current: CurrentContext
    let log: SessionLog
    let sessions = OpenSessions()
    /// How many connections the process can serve to their end.
    let reserve: DescriptorReserve

    init(context: SessionContext, log: SessionLog, reserve: DescriptorReserve) {
        current = CurrentContext(context)
        self.log = log
        self.reserve = reserve
    }

    private var context: SessionContext { current.context }

    /// How long is waited after a failed `accept`: what has run out must be given back first.
    static let pause = TimeAmount.seconds(1)

    /// Accepts on a socket; returns when it has been closed and the last session has ended.
    func run(_ socket: ListeningSocket) async {
        while !socket.isClosed {
            do {
                let channel = try await channel(socket)
                socket.serve(by: channel)
                try await channel.closeFuture.get()
            } catch {
                log.panic("listening on \("\(socket.local)"): \("\(error)")")
            }
            guard !socket.isClosed else { break }
            log.panic("listening on \("\(socket.local)") was interrupted; it goes on")
            do { try await Task.sleep(nanoseconds: UInt64(Self.pause.nanoseconds)) } catch { break }
        }
        await sessions.allEnded()
    }

    private func channel(_ socket: ListeningSocket) async throws -> any Channel {
        guard let descriptor = socket.copy() else { throw IOError(errnoCode: errno, reason: "dup") }
        return try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .serverChannelInitializer { [log, monitor = context.settings.backlogMonitor] channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptTrouble(log: log))
                    if monitor > 0 {
                        let handler = BacklogMonitor(socket, threshold: monitor, log)
                        try channel.pipeline.syncOperations.addHandler(handler)
                    }
                }
            }
            .childChannelOption(.tcpOption(.tcp_nodelay), value: context.settings.noDelay ? 1 : 0)
            .childChannelOption(.socketOption(.so_keepalive), value: context.settings.keepsAlive ? 1 : 0)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.maxMessagesPerRead, value: 4)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try begin(channel) }
            }
            .withBoundSocket(descriptor).get()
    }

    /// Begins a session on its connection's event loop.
    private func begin(_ channel: any Channel) throws {
        let facts = Self.facts(channel)
        // Nobody is at the other end, or the kernel does not tell who: such a one has no rights at all.
        guard facts.remoteAddress != nil else {
            log.main("SMTP connection from a host whose address cannot be found: closed")
            return channel.close(promise: nil)
        }
        let hasRoom = reserve.enter()
        channel.closeFuture.whenComplete { [reserve] _ in reserve.leave() }
        guard hasRoom else { return refuse(channel, facts, "too few file descriptors") }
        let limit = context.settings.limits.acceptMax
        guard let (ticket, counts) = sessions.enter(channel, from: facts.remoteAddress, limit: limit) else {
            return refuse(channel, facts, "too many connections")
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

    private func refuse(_ channel: any Channel, _ connection: ConnectionFacts, _ why: ByteString) {
        var facts = Facts()
        facts.connection = connection
        log.event(.refused(text: why), facts)
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

/// What new sessions are made of.
final class CurrentContext: Sendable {
    /// What an earlier configuration's sessions have started; gone with the last that works on it.
    private struct FormerTurns {
        weak var turns: Turns?
    }

    private struct State {
        var context: SessionContext
        var former: [FormerTurns] = []
    }

    private let state: Mutex<State>

    init(_ context: SessionContext) { state = Mutex(State(context: context)) }

    var context: SessionContext { state.withLock { $0.context } }

    /// Sessions that begin from now on are made of this; those that are open go on as they are.
    func replace(by context: SessionContext) {
        state.withLock { state in
            state.former.removeAll { $0.turns == nil }
            state.former.append(FormerTurns(turns: state.context.turns))
            state.context = context
        }
    }

    /// Lets other programs begin what is at work here, under any configuration; for the end of the daemon.
    func forgetTurns() async {
        let all = state.withLock { [$0.context.turns] + $0.former.compactMap(\.turns) }
        for turns in all { await turns.forget() }
    }
}

/// Trouble in accepting a connection: the listener rests a little, and goes on.
///
/// NIO's own handler rests too, but the socket stays readable meanwhile, and its event loop would try again at once, as
/// fast as it can: so the channel is told not to read.
private final class AcceptTrouble: ChannelInboundHandler {
    typealias InboundIn = any Channel

    private let log: SessionLog
    private var isResting = false

    init(log: SessionLog) { self.log = log }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if !isResting {
            isResting = true
            log.panic("a connection could not be accepted: \("\(error)")")
            let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            context.channel.setOption(.autoRead, value: false).whenComplete { _ in
                bound.eventLoop.scheduleTask(in: Listener.pause) { bound.value.0.goOn(bound.value.1) }
            }
        }
        context.fireErrorCaught(error)
    }

    private func goOn(_ context: ChannelHandlerContext) {
        isResting = false
        context.channel.setOption(.autoRead, value: true).whenFailure { _ in
            // The channel is closed: `Listener.run` opens another.
        }
    }
}

/// The sessions that are open now, so that each can be told to stop.
final class OpenSessions: Sendable {
    private struct State {
        var next = 0
        var channels: [Int: any Channel] = [:]
        var begun: [Int: Int64] = [:]
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
            state.begun[state.next] = SpoolTime.now().seconds
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
            state.begun[ticket] = nil
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

    /// What exiwhat would say of each, the oldest first.
    var statusLines: [StatusLine] {
        let (channels, begun) = state.withLock { ($0.channels, $0.begun) }
        return channels.sorted { $0.key < $1.key }.map { ticket, channel in
            let peer = channel.remoteAddress?.ipAddress.map { ByteString($0) } ?? "unknown"
            return StatusLine(
                since: begun[ticket] ?? 0, text: "handling incoming call from [\(peer)]", peer: peer)
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
