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
struct Listener {
    typealias Connection = NIOAsyncChannel<WireInput, ByteBuffer>
    typealias Server = NIOAsyncChannel<Connection, Never>

    let context: SessionContext
    let threads: SessionThreads
    let log: SessionLog
    let sessions = OpenSessions()

    /// Binds an address; the error says which and why.
    func bind(_ address: ListeningAddress) async throws(StartError) -> Server {
        do {
            return try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .serverChannelOption(.backlog, value: 512)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                .childChannelOption(.maxMessagesPerRead, value: 4)
                .bind(host: address.host, port: address.port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(WireInputHandler())
                        return try Connection(
                            wrappingChannelSynchronously: channel,
                            configuration: .init(
                                backPressureStrategy: .init(lowWatermark: 2, highWatermark: 8)))
                    }
                }
        } catch {
            throw StartError(
                "cannot listen on \(address.host) port \(address.port): \(error); is the port in use?")
        }
    }

    /// Accepts until the server channel closes; returns when the last session has ended.
    func run(_ server: Server) async {
        await withDiscardingTaskGroup { group in
            do {
                try await server.executeThenClose { connections in
                    for try await connection in connections {
                        guard
                            let ticket = sessions.enter(connection.channel, limit: context.settings.acceptMax)
                        else {
                            group.addTask { await refuse(connection) }
                            continue
                        }
                        group.addTask(executorPreference: threads) {
                            await serve(connection)
                            sessions.leave(ticket)
                        }
                    }
                }
            } catch {
                log.panic("listening ended: \("\(error)")")
            }
        }
    }

    private func serve(_ connection: Connection) async {
        let facts = Self.facts(connection.channel)
        do {
            try await connection.executeThenClose { inbound, outbound in
                let wire = ConnectionWire(channel: connection.channel, inbound: inbound, outbound: outbound)
                var session = Session(context, wire, facts)
                await session.run()
            }
        } catch {
            // The connection broke while it was closed: nothing is left to tell the client.
            return
        }
    }

    private func refuse(_ connection: Connection) async {
        let peer = Self.facts(connection.channel).remoteAddress?.text ?? "unknown"
        log.main("Connection from [\(peer)] refused: too many connections")
        do {
            try await connection.executeThenClose { _, outbound in
                try await outbound.write(
                    ByteBuffer(
                        string: "421 Too many concurrent SMTP connections; please try again later.\r\n"))
            }
        } catch {
            return
        }
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

/// The sessions that are open now, so that each can be told to stop.
final class OpenSessions: Sendable {
    private struct State {
        var next = 0
        var channels: [Int: any Channel] = [:]
        var isStopping = false
    }

    private let state = Mutex(State())

    /// Notes a session; nil when `limit` are open (0: no limit).
    func enter(_ channel: any Channel, limit: Int) -> Int? {
        let (ticket, isStopping): (Int?, Bool) = state.withLock { state in
            if limit > 0, state.channels.count >= limit { return (nil, false) }
            state.next += 1
            state.channels[state.next] = channel
            return (state.next, state.isStopping)
        }
        if isStopping { channel.pipeline.fireUserInboundEventTriggered(StopRequest()) }
        return ticket
    }

    func leave(_ ticket: Int) { state.withLock { _ = $0.channels.removeValue(forKey: ticket) } }

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
