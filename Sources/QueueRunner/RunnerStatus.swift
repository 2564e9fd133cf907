import Bytes
import Glibc
import MailSystem
import Spooler

/// Tells whoever asks what this runner is doing (doc/bobbin-status.md).
struct RunnerStatus {
    private let socket: StatusSocket?

    init(_ runner: RunnerSystem, every: String?, isFed: Bool) {
        let since = SpoolTime.now().seconds
        let task = Self.task(runner.options, every: every, isFed: isFed)
        let activity = runner.activity
        socket = StatusSocket(
            program: "bobbin-queuerunner", spool: runner.system.spool.directory,
            owner: runner.system.settings.owner
        ) {
            [StatusLine(since: since, text: task)] + activity.lines
        }
    }

    func close() { socket?.close() }

    private static func task(_ options: RunOptions, every: String?, isFed: Bool) -> ByteString {
        let letters = options.letters.isEmpty ? "" : " -q\(options.letters)" as ByteString
        let queue = options.queue.isEmpty ? "" : " '\(options.queue)'" as ByteString
        if isFed { return "delivering for the daemon\(every.map { ", -q\($0)" } ?? "")" }
        if let every { return "daemon: -q\(every), not listening for SMTP" }
        return options.occasion == .message
            ? "delivering specified messages" : "running\(queue) queue\(letters)"
    }
}
