import Bytes
import ChildPrograms
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

    /// Makes a keeper from a command line; nil when it asks for none.
    init?(_ arguments: [String]) {
        guard arguments.dropFirst().contains("--keep") else { return nil }
        words = arguments.filter { $0 != "--keep" } + ["--kept"]
    }

    /// Keeps a runner going until its input ends; gives the exit code.
    func run() -> CInt {
        let listener = SignalListener([SIGTERM, SIGINT, SIGHUP, Self.replaceSignal]) { [self] in take($0) }
        defer { withExtendedLifetime(listener) {} }
        var (pause, begin) = (1, Self.now)
        guard start() else { return EX_OSERR }
        while let (child, end) = ChildEnd.waitForAny() {
            // One that has made room for another may take its time.
            guard child == state.withLock(\.current) else { continue }
            let isStopping = state.withLock(\.isStopping)
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
            if Self.now - begin > Int64(Self.longestPause) { pause = 1 }
            sleep(UInt32(pause))
            (pause, begin) = (min(pause * 2, Self.longestPause), Self.now)
            guard start(replaces: "the queue runner (pid \(child)) \(end.words)") else { break }
        }
        return EX_OSERR
    }

    private static var now: Int64 { Int64(time(nil)) }

    /// Starts a runner; it reads the standard input from now on.
    private func start(replaces end: String? = nil) -> Bool {
        state.withLock { state in
            let arguments = words + (end.map { ["--replaces", $0] } ?? [])
            guard let child = Self.spawn(arguments) else { return false }
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
            if number == SIGTERM || number == SIGINT { state.isStopping = true }
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
