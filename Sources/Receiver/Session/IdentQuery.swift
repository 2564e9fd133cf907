import Bytes
import Expansion
import NIOCore
import NIOPosix

/// Asks a client's host whose connection it is (RFC 1413; `rfc1413_hosts`, `rfc1413_query_timeout`).
struct IdentQuery {
    /// Where hosts answer.
    static let port = 113
    /// The most octets of an answer (RFC 1413, section 4), and of a name that is taken from it.
    static let (longestAnswer, longestName) = (1000, 127)

    /// What came of asking.
    enum Answer: Sendable, Equatable {
        case user(ByteString)
        /// The host tells nothing.
        case nothing
        /// The host cannot be reached in time.
        case timedOut
    }

    private let host: IPAddress
    private let ownAddress: IPAddress
    private let ports: (theirs: Int, ours: Int)
    private let timeout: TimeAmount

    /// Nil for a connection whose ends are not known.
    init?(_ connection: ConnectionFacts, timeout seconds: Int64) {
        guard let host = connection.remoteAddress, let theirs = connection.remotePort,
            let own = connection.interfaceAddress, let ours = connection.interfacePort
        else { return nil }
        (self.host, ownAddress, ports) = (host, own, (theirs, ours))
        timeout = .seconds(seconds)
    }

    /// The name that the host tells in time.
    func answer() async -> Answer {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let promise = loop.makePromise(of: ByteString.self)
        let question: ByteString = "\(ports.theirs) , \(ports.ours)\r\n"
        let limit = timeout
        do {
            // From the address that the client knows, and both in the same time.
            let channel = try await ClientBootstrap(group: loop)
                .bind(to: try SocketAddress(ipAddress: ownAddress.text.string, port: 0))
                .connectTimeout(limit)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(
                            IdentAnswer(question, promise, limit))
                    }
                }
                .connect(host: host.text.string, port: Self.port).get()
            let line = try await promise.futureResult.get()
            channel.close(promise: nil)
            return name(in: line).map { .user($0) } ?? .nothing
        } catch {
            promise.succeed("")
            guard case ChannelError.connectTimeout = error else { return .nothing }
            return .timedOut
        }
    }

    /// The user of an answer such as `6191, 23 : USERID : UNIX : stjohns` about these ports.
    func name(in line: ByteString) -> ByteString? {
        let fields = line.split(separator: UInt8(ascii: ":"), maxSplits: 3, omittingEmptySubsequences: false)
            .map { ByteString($0.trimmed()) }
        guard fields.count == 4, fields[1].equalsIgnoringCase(ByteString("USERID")),
            let pair = fields[0].cut(at: UInt8(ascii: ",")),
            pair.before.trimmed().decimalInteger() == Int64(ports.theirs),
            pair.after.trimmed().decimalInteger() == Int64(ports.ours), !fields[3].isEmpty
        else { return nil }
        return ByteString(fields[3].prefix(Self.longestName))
    }
}

/// Sends the question, and gathers the answer's line.
private final class IdentAnswer: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let question: ByteString
    private let promise: EventLoopPromise<ByteString>
    private let limit: TimeAmount
    private var line = ByteString()
    private var alarm: Scheduled<Void>?

    init(_ question: ByteString, _ promise: EventLoopPromise<ByteString>, _ limit: TimeAmount) {
        (self.question, self.promise, self.limit) = (question, promise, limit)
    }

    func channelActive(context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: question.bytes)), promise: nil)
        let promise = promise
        alarm = context.eventLoop.scheduleTask(in: limit) { promise.succeed("") }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        line += ByteString(Array(unwrapInboundIn(data).readableBytesView))
        guard line.contains(.newline) || line.count >= IdentQuery.longestAnswer else { return }
        finish(context)
    }

    func channelInactive(context: ChannelHandlerContext) { finish(context) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A host that breaks the connection tells nothing.
        finish(context)
    }

    private func finish(_ context: ChannelHandlerContext) {
        alarm?.cancel()
        promise.succeed(ByteString(line.prefix { $0 != .newline }))
        context.close(promise: nil)
    }
}
