import Bytes
import Dispatch
import Glibc
import MailSystem
import Spooler
import Synchronization

/// Starts deliveries of messages that have just been committed, in another program.
///
/// A daemon keeps one queue runner, which reads the ids from its standard input; a single submission starts
/// one of its own. When no runner can be had, the message waits for the next queue run: it is safe in the spool.
struct DeliveryStarter: Sendable {
    private let program: String
    private let arguments: [String]

    init(_ source: ConfigurationSource) {
        program = Sibling.path(of: "bobbin-queuerunner")
        arguments = source.arguments
    }

    /// Starts the daemon's queue runner, with the rights that this process has now.
    ///
    /// `words` make it start queue runs too.
    func startRunner(_ log: SessionLog, _ words: [String] = []) -> RunnerProcess? {
        var ends: [CInt] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else {
            log.panic("immediate delivery is not possible: no pipe; messages wait for the next queue run")
            return nil
        }
        _ = fcntl(ends[1], F_SETFD, FD_CLOEXEC)
        _ = fcntl(ends[1], F_SETFL, O_NONBLOCK)
        defer { close(ends[0]) }
        let child = Sibling.start(
            program, arguments + ["--from-stdin", "--keep"] + words, descriptors: [0: ends[0]])
        guard let child else {
            close(ends[1])
            log.panic("immediate delivery is not possible: \(program); messages wait for the next queue run")
            return nil
        }
        return RunnerProcess(child: child, input: ends[1], log: log)
    }

    /// Starts a runner for one message and does not wait for it.
    func deliverAlone(_ id: MessageID, queuesSMTP: Bool = false) {
        let words = queuesSMTP ? ["--queue-smtp"] : []
        _ = Sibling.start(program, arguments + words + ["--message", id.bytes.string])
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
    func deliver(_ id: MessageID) {
        let line = id.bytes.bytes + [UInt8.newline]
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
                Sibling.awaitEnd(of: child)
                done.resume()
            }
        }
    }
}

/// Our other programs, which lie beside this one.
enum Sibling {
    /// The path of a program in the directory of this one.
    static func path(of name: String) -> String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = unsafe readlink("/proc/self/exe", &buffer, buffer.count)
        guard count > 0,
            let parts = ByteString(buffer[..<count].map { UInt8(bitPattern: $0) }).cutAtLast(
                UInt8(ascii: "/"))
        else { return name }
        return "\(ByteString(parts.before))/\(name)"
    }

    /// POSIX_SPAWN_SETSID, which glibc's header shows to GNU programs only, and POSIX_SPAWN_SETSIGMASK: a thread of
    /// ours may have signals blocked that the program must hear.
    private static let spawnFlags: Int16 = 0x80 | 0x08

    /// Starts a program in a session of its own; gives its process id, or nil when it cannot be.
    ///
    /// `descriptors` says which of ours it gets under which number; its standard ones are closed off otherwise.
    static func start(
        _ program: String, _ arguments: [String], descriptors: [CInt: CInt] = [:]
    ) -> pid_t? {
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        unsafe posix_spawnattr_setflags(&attributes, spawnFlags)
        var noSignals = sigset_t()
        unsafe sigemptyset(&noSignals)
        unsafe posix_spawnattr_setsigmask(&attributes, &noSignals)
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        for (number, own) in descriptors.sorted(by: { $0.key < $1.key }) {
            unsafe posix_spawn_file_actions_adddup2(&actions, own, number)
        }
        for number in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where descriptors[number] == nil {
            let flags = number == STDIN_FILENO ? O_RDONLY : O_WRONLY
            unsafe posix_spawn_file_actions_addopen(&actions, number, "/dev/null", flags, 0)
        }
        var words = unsafe ([program] + arguments).map { unsafe strdup($0) } + [nil]
        defer { unsafe words.forEach { unsafe free($0) } }
        var child: pid_t = 0
        return unsafe posix_spawn(&child, program, &actions, &attributes, &words, environ) == 0 ? child : nil
    }

    /// Waits until a child has ended, on the calling thread.
    static func awaitEnd(of child: pid_t) {
        var status: CInt = 0
        while unsafe waitpid(child, &status, 0) < 0, errno == EINTR {}
    }
}
