import Bytes
import ChildPrograms
import Dispatch
import Glibc
import MailSystem
import Spooler
import Synchronization

/// A message that is to be delivered now.
struct DeliveryOrder: Sendable, Equatable {
    var id: MessageID
    /// The named queue that it lies in; empty for the standard one.
    var queue = ByteString()
    /// Whether what would go to other hosts is left to a queue run (`-odqs`).
    var queuesSMTP = false

    /// The line that tells a queue runner.
    var line: ByteString {
        "\(id.bytes)\(queue.isEmpty ? "" : " queue=\(queue)" as ByteString)\(queuesSMTP ? " queue-smtp" : "")\n"
    }
}

/// Starts deliveries of messages that have just been committed, in another program.
///
/// A daemon keeps one queue runner, which reads the ids from its standard input; a single submission starts
/// one of its own. When no runner can be had, the message waits for the next queue run: it is safe in the spool.
struct DeliveryStarter: Sendable {
    private let program: ByteString
    private let arguments: [ByteString]

    init(_ source: ConfigurationSource) {
        program = SiblingProgram.path(of: "bobbin-queuerunner") ?? "bobbin-queuerunner"
        arguments = source.arguments.map { ByteString($0) }
    }

    /// Starts the daemon's queue runner, with the rights that this process has now.
    ///
    /// `words` make it start queue runs too.
    func startRunner(_ log: SessionLog, _ words: [String] = []) -> RunnerProcess? {
        do throws(ChildFailure) {
            let (reading, writing) = try ChildPipe.ends()
            defer { close(reading) }
            _ = fcntl(writing, F_SETFL, O_NONBLOCK)
            let start = ChildStart(
                [program] + arguments + ["--from-stdin", "--keep"] + words.map { ByteString($0) },
                descriptors: [0: reading], group: .session)
            do throws(ChildFailure) {
                return RunnerProcess(child: try start.start(), input: writing, log: log)
            } catch {
                close(writing)
                throw error
            }
        } catch {
            log.panic(
                "immediate delivery is not possible: \(program): \(error.text); messages wait for the next queue run"
            )
            return nil
        }
    }

    /// Starts a runner for one message and does not wait for it.
    func deliverAlone(_ order: DeliveryOrder) {
        var words: [ByteString] = order.queuesSMTP ? ["--queue-smtp"] : []
        if !order.queue.isEmpty { words += ["--queue", order.queue] }
        let start = ChildStart(
            [program] + arguments + words + ["--message", order.id.bytes], group: .session)
        // Without a runner the message waits for the next queue run.
        _ = Result { () throws(ChildFailure) in try start.start() }
    }
}

/// The daemon's queue runner: it delivers the messages whose ids it is given.
final class RunnerProcess: Sendable {
    private let child: pid_t
    /// Our end of its standard input; nil when it has ended, or is to end.
    private let input: Mutex<CInt?>
    private let log: SessionLog

    fileprivate init(child: pid_t, input: CInt, log: SessionLog) {
        self.child = child
        self.input = Mutex(input)
        self.log = log
    }

    /// Asks for a delivery; never waits.
    ///
    /// What the runner cannot take now waits for the next queue run.
    func deliver(_ order: DeliveryOrder) {
        let line = order.line.bytes
        let hasEnded = input.withLock { input in
            guard let end = input else { return false }
            let written = unsafe line.withUnsafeBytes { unsafe write(end, $0.baseAddress, $0.count) }
            guard written < 0, errno == EPIPE else { return false }
            close(end)
            input = nil
            return true
        }
        if hasEnded { log.panic("the queue runner has ended; messages wait for the next queue run") }
    }

    /// Lets a runner with a new configuration take this one's place; it finishes what it has.
    func restart() {
        let line = Array("restart\n".utf8)
        input.withLock { input in
            guard let end = input else { return }
            _ = unsafe line.withUnsafeBytes { unsafe write(end, $0.baseAddress, $0.count) }
        }
    }

    /// A copy of our end of its standard input, for a program that reports messages of its own; nil when there is none.
    func inputCopy() -> CInt? {
        input.withLock { input in
            input.flatMap { end in
                let copy = fcntl(end, F_DUPFD_CLOEXEC, 0)
                return copy >= 0 ? copy : nil
            }
        }
    }

    /// Lets the runner end its work, and waits for that.
    func finish() async {
        input.withLock { input in
            if let end = input { close(end) }
            input = nil
        }
        let child = child
        await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
            DispatchQueue.global().async {
                ChildEnd.wait(for: child)
                done.resume()
            }
        }
    }
}
