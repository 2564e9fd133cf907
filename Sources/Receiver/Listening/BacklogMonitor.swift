import Bytes
import MailSystem
import NIOCore

/// Tells the log of connections that wait to be accepted (`smtp_backlog_monitor`).
final class BacklogMonitor: ChannelInboundHandler {
    typealias InboundIn = any Channel

    private let socket: ListeningSocket
    private let threshold: Int
    private let log: SessionLog

    init(_ socket: ListeningSocket, threshold: Int, _ log: SessionLog) {
        self.socket = socket
        self.threshold = threshold
        self.log = log
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // Exim looks just before it accepts; here one has just been accepted.
        let backlog = socket.backlogNow + 1
        if backlog > threshold { log.main("listen backlog \(backlog) I=\(socket.place)") }
        context.fireChannelRead(data)
    }
}
