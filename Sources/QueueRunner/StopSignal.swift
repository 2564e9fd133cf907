import Glibc
import MailSystem
import Synchronization

/// Whether the program has been asked to end: what is on the wire is finished, nothing new is begun.
final class StopSignal: Sendable {
    private struct State {
        var isAsked = false
        var restarts = false
    }

    private let state = Mutex(State())
    private let listener = Mutex<SignalListener?>(nil)

    /// Whether it has been asked.
    var isAsked: Bool { state.withLock(\.isAsked) }

    /// Whether the program shall begin anew when it has ended (SIGHUP).
    var restarts: Bool { state.withLock(\.restarts) }

    /// Asks.
    func ask() { state.withLock { $0.isAsked = true } }

    /// Asks, and the program shall begin anew.
    func askRestart() {
        state.withLock { state in
            if !state.isAsked { state.restarts = true }
            state.isAsked = true
        }
    }

    /// Hears SIGTERM, SIGINT and SIGHUP from now on; a broken pipe is an error of the write, not a signal.
    func listen() {
        signal(SIGPIPE, SIG_IGN)
        // A file that may grow no further is an error of a call, and no reason to die.
        signal(SIGXFSZ, SIG_IGN)
        let heard = SignalListener([SIGTERM, SIGINT, SIGHUP]) { [self] number in
            state.withLock { state in
                if number == SIGHUP, !state.isAsked { state.restarts = true }
                if number != SIGHUP { state.restarts = false }
                state.isAsked = true
            }
        }
        listener.withLock { $0 = heard }
    }
}
