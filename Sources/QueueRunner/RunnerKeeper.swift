import Bytes
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
    static let replacedCode: CInt = EX_TEMPFAIL
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
        while let (child, status) = Self.ended() {
            // One that has made room for another may take its time.
            guard child == state.withLock(\.current) else { continue }
            let isStopping = state.withLock(\.isStopping)
            if status == Self.replacedCode << 8, !isStopping {
                state.withLock { $0.answered += 1 }
                guard start() else { break }
                continue
            }
            guard let end = Self.unwanted(status), !isStopping else {
                while Self.ended() != nil {}
                return status >> 8 & 0xFF
            }
            if Self.now - begin > Int64(Self.longestPause) { pause = 1 }
            sleep(UInt32(pause))
            (pause, begin) = (min(pause * 2, Self.longestPause), Self.now)
            guard start(replaces: "the queue runner (pid \(child)) \(end)") else { break }
        }
        return EX_OSERR
    }

    /// Waits for a child to end; nil when there is none.
    private static func ended() -> (child: pid_t, status: CInt)? {
        while true {
            var status: CInt = 0
            let child = unsafe waitpid(-1, &status, 0)
            if child > 0 { return (child, status) }
            if errno != EINTR { return nil }
        }
    }

    private static var now: Int64 { Int64(time(nil)) }

    /// How a runner ended that should not have; nil when its work was done.
    private static func unwanted(_ status: CInt) -> String? {
        let signal = status & 0x7F
        if signal != 0 { return "was killed by signal \(signal)" }
        let code = status >> 8 & 0xFF
        return code == 0 ? nil : "ended with code \(code)"
    }

    /// Starts a runner; it reads the standard input from now on.
    private func start(replaces end: String? = nil) -> Bool {
        state.withLock { state in
            let arguments = words + (end.map { ["--replaces", $0] } ?? [])
            guard let child = Self.spawn(arguments) else { return false }
            state.current = child
            return true
        }
    }

    private static func spawn(_ words: [String]) -> pid_t? {
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var defaults = sigset_t()
        unsafe sigemptyset(&defaults)
        for number in [SIGTERM, SIGINT, SIGHUP, replaceSignal] { unsafe sigaddset(&defaults, number) }
        unsafe posix_spawnattr_setsigdefault(&attributes, &defaults)
        // Threads of libdispatch block signals, and a successor would inherit that.
        var blocked = sigset_t()
        unsafe sigemptyset(&blocked)
        unsafe posix_spawnattr_setsigmask(&attributes, &blocked)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
        var arguments = unsafe words.map { unsafe strdup($0) } + [nil]
        defer { unsafe arguments.forEach { unsafe free($0) } }
        var child: pid_t = 0
        let code = unsafe posix_spawn(&child, "/proc/self/exe", nil, &attributes, &arguments, environ)
        return code == 0 ? child : nil
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
