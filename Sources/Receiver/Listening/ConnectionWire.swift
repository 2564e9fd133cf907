import Bytes
import Dispatch
import Glibc
import NIOCore
import SMTP

/// Tells a session that the program is stopping.
struct StopRequest: Sendable {}

/// A TCP connection as a session reads it: the last handler of its channel.
///
/// Session and channel work on one event loop, so nothing here is locked. Answers are gathered until the session
/// wants to read again, so that a client that pipelines gets them in one packet.
final class ConnectionWire: Wire, ChannelInboundHandler, ChannelOutboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// How many reads are kept for a session that is at work; then the client has to wait.
    static let mostKept = 8
    /// How long a client may take to take the last answers, where nothing else limits its silence.
    static let longestClosing = TimeAmount.minutes(5)
    /// How many answers are given before the other sessions of the event loop have their turn.
    static let longestTurn = 50
    /// How many octets of answers are gathered at most.
    static let mostGathered = 8192

    private var context: ChannelHandlerContext?
    private var kept = CircularBuffer<WireInput>()
    private var reader: CheckedContinuation<WireInput, Never>?
    private var writer: CheckedContinuation<Void, Never>?
    private var owesRead = false
    private var answersInTurn = 0
    private var readsInTurn = 0
    /// Whether the session is over, and the channel is to close when its last octets are out.
    private var isClosing = false
    private var gathered = ByteBuffer()
    private var limit: TimeAmount?
    private var lastActive = NIODeadline.now()
    private var alarm: Scheduled<Void>?

    // MARK: What the session asks

    func read() async -> WireInput {
        await flush()
        if let input = kept.popFirst() {
            // A client that sends faster than it is served must not have the event loop for itself.
            readsInTurn += 1
            if readsInTurn >= Self.mostKept { await giveTurn() }
            if owesRead, kept.count < Self.mostKept / 2 {
                owesRead = false
                context?.read()
            }
            return input
        }
        guard context != nil else { return .ended }
        return await withCheckedContinuation { reader = $0 }
    }

    func ahead() async -> ArraySlice<UInt8>? {
        // The session begins before its channel is quite open: what has come is known after a look at the socket.
        for _ in 0..<Self.turnsToOpen where kept.isEmpty && !(context?.channel.isActive ?? false) {
            await turn()
        }
        for _ in 0..<Self.turnsToLook where kept.isEmpty { await turn() }
        guard case .octets(let octets)? = kept.first else { return nil }
        return octets
    }

    /// How many turns of the event loop a channel is given to open, and then for a look at its socket.
    private static let turnsToOpen = 1000
    private static let turnsToLook = 2

    /// Lets the event loop go round once.
    private func turn() async {
        guard let context else { return }
        await withCheckedContinuation { continuation in
            context.eventLoop.execute { continuation.resume() }
        }
    }

    func write(_ octets: ByteString) async -> Bool {
        gathered.writeBytes(octets.bytes)
        answersInTurn += 1
        if answersInTurn >= Self.longestTurn { await giveTurn() }
        if gathered.readableBytes >= Self.mostGathered { await flush() }
        return context != nil
    }

    func setTimeout(seconds: Int64?) async {
        limit = seconds.map { TimeAmount.seconds($0) }
        lastActive = .now()
        // One that is set already may ring too late.
        alarm?.cancel()
        alarm = nil
        schedule()
    }

    func mark(_ trafficClass: TrafficClass) async {
        guard let channel = context?.channel, let address = channel.localAddress else { return }
        let isV6 = address.protocol == .inet6
        let option = ChannelOptions.Types.SocketOption(
            level: .init(isV6 ? IPPROTO_IPV6 : IPPROTO_IP), name: .init(isV6 ? IPV6_TCLASS : IP_TOS))
        _ = channel.setOption(option, value: SocketOptionValue(trafficClass.octet))
    }

    /// Sends what is left, and closes.
    func close() async {
        await flush()
        guard let context else { return }
        isClosing = true
        limit = limit ?? Self.longestClosing
        lastActive = .now()
        schedule()
        // Behind what is still on its way: a session may end before its channel is quite open.
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.writeAndFlush(wrapOutboundOut(ByteBuffer())).whenComplete { _ in
            bound.value.close(promise: nil)
        }
    }

    /// Lets the event loop look at its sockets.
    ///
    /// By way of another thread: the loop first does all tasks that its tasks have given it, so `Task.yield()` would keep it
    /// from its sockets for as long as one session has work.
    private func giveTurn() async {
        answersInTurn = 0
        readsInTurn = 0
        await withCheckedContinuation { turn in DispatchQueue.global().async { turn.resume() } }
    }

    /// Sends what is gathered; waits while the client takes nothing.
    private func flush() async {
        guard let context, gathered.readableBytes > 0 else { return }
        lastActive = .now()
        context.writeAndFlush(wrapOutboundOut(gathered), promise: nil)
        gathered = ByteBuffer()
        while self.context != nil, !context.channel.isWritable {
            await withCheckedContinuation { writer = $0 }
        }
    }

    // MARK: What happens on the channel

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        lastActive = .now()
        give(.octets(ArraySlice(unwrapInboundIn(data).readableBytesView)))
    }

    func read(context: ChannelHandlerContext) {
        if kept.count < Self.mostKept { context.read() } else { owesRead = true }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is StopRequest: give(.stopping)
        // A client that has said all it has to say still hears the answers.
        case ChannelEvent.inputClosed: give(.ended)
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) { wakeWriter() }

    func channelInactive(context: ChannelHandlerContext) { gone() }

    func handlerRemoved(context: ChannelHandlerContext) { gone() }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Whatever broke the connection: for the session the client is gone.
        context.close(promise: nil)
    }

    private func give(_ input: WireInput) {
        guard let reader else { return kept.append(input) }
        self.reader = nil
        reader.resume(returning: input)
    }

    private func wakeWriter() {
        writer?.resume()
        writer = nil
    }

    private func gone() {
        guard context != nil else { return }
        context = nil
        alarm?.cancel()
        alarm = nil
        wakeWriter()
        if let reader {
            self.reader = nil
            reader.resume(returning: .ended)
        }
    }

    // MARK: Silence

    /// One alarm a connection: when it rings too early, it is set again for the rest.
    private func schedule() {
        guard let limit, alarm == nil, let context else { return }
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        alarm = context.eventLoop.scheduleTask(deadline: lastActive + limit) { bound.value.ring() }
    }

    private func ring() {
        alarm = nil
        guard let limit, let context else { return }
        guard NIODeadline.now() >= lastActive + limit else { return schedule() }
        // A client that takes no answers is gone; one that sends nothing is told so.
        if writer != nil || isClosing { return context.close(promise: nil) }
        if reader != nil { return give(.timedOut) }
        // The session is at work: its client's silence begins when that is done.
        lastActive = .now()
        schedule()
    }
}
