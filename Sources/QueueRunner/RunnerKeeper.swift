import Bytes
import ChildPrograms
import Dispatch
import Glibc
import MailSystem
import Synchronization

/// Keeps a daemon's queue runner going: a runner that is killed gets a successor after a pause, and so does at once one
/// that is to make room for a new configuration.
///
/// A daemon cannot do that itself: it has given up root's rights, which deliveries as other users need.
final class RunnerKeeper: Sendable {
    /// By which a runner says that it reads no more, finishes what it has, and wants a successor.
    static let replaceSignal = SIGUSR1
    /// The exit code of a runner that has said so; one that had little to finish may be gone before its signal is heard.
    static let replacedCode = Int(EX_TEMPFAIL)
    /// The longest pause before a successor, in seconds; each is twice the one before.
    static let longestPause = 60

    private struct State {
        /// The runner that reads the standard input.
        var current: pid_t = 0
        /// Signals of runners that have their successor already.
        var answered = 0
        var isStopping = false
    }

    private let words: [String]
    private let state = Mutex(State())
    /// Signalled when the keeper is to stop, so that it does not sleep on.
    private let stop = DispatchSemaphore(value: 0)

    /// Makes a keeper from a command line; nil when it asks for none.
    init?(_ arguments: [String]) {
        guard arguments.dropFirst().contains("--keep") else { return nil }
        words = arguments.filter { $0 != "--keep" } + ["--kept"]
    }

    /// Keeps a runner going until its input ends; gives the exit code.
    func run() -> CInt {
        let listener = SignalListener([SIGTERM, SIGINT, SIGHUP, Self.replaceSignal]) { [self] in take($0) }
        defer { withExtendedLifetime(listener) {} }
        var (pause, begin, isOrphan) = (1, Self.now, false)
        guard start() else { return EX_OSERR }
        while let (child, end) = ChildEnd.waitForAny() {
            // One that has made room for another may take its time.
            guard let isStopping = noteEnd(of: child) else { continue }
            if end == .exited(Self.replacedCode), !isStopping {
                state.withLock { $0.answered += 1 }
                guard start() else { break }
                continue
            }
            if isStopping || end == .exited(0) {
                while ChildEnd.waitForAny() != nil {}
                if case .exited(let code) = end { return CInt(code) }
                return 0
            }
            // Without a daemon nobody writes any more: one successor reads what is left, and is not replaced.
            if isOrphan { return EX_OSERR }
            isOrphan = Self.inputHasNoWriter
            if Self.now - begin > Int64(Self.longestPause) { pause = 1 }
            if stop.wait(timeout: .now() + .seconds(pause)) == .success { return EX_OK }
            (pause, begin) = (min(pause * 2, Self.longestPause), Self.now)
            guard start(replaces: "the queue runner (pid \(child)) \(end.words)") else { break }
        }
        return EX_OSERR
    }

    private static var now: Int64 { Int64(time(nil)) }

    /// Whether the pipe at standard input is closed at its other end; what was written before may still be in it.
    private static var inputHasNoWriter: Bool {
        var input = pollfd(fd: STDIN_FILENO, events: 0, revents: 0)
        return unsafe poll(&input, 1, 0) > 0 && input.revents & Int16(POLLHUP) != 0
    }

    /// Notes that a child has ended: whether the keeper is to stop, or nil when the child is not the one that reads.
    private func noteEnd(of child: pid_t) -> Bool? {
        state.withLock { state in
            guard child == state.current else { return nil }
            // Its number may be another program's from now on.
            state.current = 0
            return state.isStopping
        }
    }

    /// Starts a runner; it reads the standard input from now on.
    private func start(replaces end: String? = nil) -> Bool {
        state.withLock { state in
            let arguments = words + (end.map { ["--replaces", $0] } ?? [])
            guard !state.isStopping, let child = Self.spawn(arguments) else { return false }
            state.current = child
            return true
        }
    }

    /// The same program again, whatever lies at its path by now.
    private static func spawn(_ words: [String]) -> pid_t? {
        var start = ChildStart(words.map { ByteString($0) }, descriptors: [0: 0, 1: 1, 2: 2])
        start.program = "/proc/self/exe"
        // The daemon says that it has no runner; it hears so by the end of its pipe.
        do throws(ChildFailure) { return try start.start() } catch { return nil }
    }

    // MARK: Signals

    private func take(_ number: CInt) {
        state.withLock { state in
            if number == SIGTERM || number == SIGINT {
                state.isStopping = true
                stop.signal()
            }
            guard state.current > 0 else { return }
            guard number == Self.replaceSignal else {
                kill(state.current, number)
                return
            }
            if state.answered > 0 {
                state.answered -= 1
            } else if let child = Self.spawn(words) {
                state.current = child
            }
        }
    }
}
