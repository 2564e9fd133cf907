import Bytes
import NIOCore

/// A TCP connection as a session reads it.
final class ConnectionWire: Wire {
    private let channel: any Channel
    private var inbound: NIOAsyncChannelInboundStream<WireInput>.AsyncIterator
    private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>

    init(
        channel: any Channel, inbound: NIOAsyncChannelInboundStream<WireInput>,
        outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    ) {
        self.channel = channel
        self.inbound = inbound.makeAsyncIterator()
        self.outbound = outbound
    }

    func read() async -> WireInput {
        do {
            return try await inbound.next(isolation: #isolation) ?? .ended
        } catch {
            // Whatever broke the connection: for the session the client is gone.
            return .ended
        }
    }

    func write(_ octets: ByteString) async -> Bool {
        do {
            try await outbound.write(ByteBuffer(bytes: octets.bytes))
            return true
        } catch {
            return false
        }
    }

    func setTimeout(seconds: Int64?) async {
        channel.triggerUserOutboundEvent(SilenceLimit(seconds: seconds), promise: nil)
    }
}

/// Sets how long a client may be silent.
struct SilenceLimit: Sendable {
    var seconds: Int64?
}

/// Tells a session that the program is stopping.
struct StopRequest: Sendable {}

/// Turns what happens on a channel into `WireInput`: octets, silence, a stop.
final class WireInputHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = WireInput
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var limit: TimeAmount?
    private var lastRead = NIODeadline.now()
    private var alarm: Scheduled<Void>?

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        lastRead = .now()
        let buffer = unwrapInboundIn(data)
        context.fireChannelRead(wrapInboundOut(.octets(ArraySlice(buffer.readableBytesView))))
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is StopRequest {
            context.fireChannelRead(wrapInboundOut(.stopping))
            context.fireChannelReadComplete()
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    func triggerUserOutboundEvent(
        context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?
    ) {
        guard let change = event as? SilenceLimit else {
            context.triggerUserOutboundEvent(event, promise: promise)
            return
        }
        limit = change.seconds.map { TimeAmount.seconds($0) }
        lastRead = .now()
        schedule(context)
        promise?.succeed()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        lastRead = .now()
        context.write(data, promise: promise)
    }

    func channelInactive(context: ChannelHandlerContext) {
        alarm?.cancel()
        context.fireChannelInactive()
    }

    /// One alarm a connection: when it rings too early, it is set again for the rest.
    private func schedule(_ context: ChannelHandlerContext) {
        guard let limit, alarm == nil else { return }
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        alarm = context.eventLoop.scheduleTask(deadline: lastRead + limit) {
            let (handler, context) = bound.value
            handler.ring(context)
        }
    }

    private func ring(_ context: ChannelHandlerContext) {
        alarm = nil
        guard let limit else { return }
        guard NIODeadline.now() >= lastRead + limit else { return schedule(context) }
        context.fireChannelRead(wrapInboundOut(.timedOut))
        context.fireChannelReadComplete()
    }
}
