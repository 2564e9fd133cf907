import Dispatch
import Glibc
import Synchronization

/// Whether the program has been asked to end: what is on the wire is finished, nothing new is begun.
final class StopSignal: Sendable {
    private struct State {
        var isAsked = false
        var restarts = false
    }

    private let state = Mutex(State())
    private let sources = Mutex<[SignalSource]>([])

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
        for number in [SIGTERM, SIGINT, SIGHUP] {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { [self] in
                state.withLock { state in
                    if number == SIGHUP, !state.isAsked { state.restarts = true }
                    if number != SIGHUP { state.restarts = false }
                    state.isAsked = true
                }
            }
            source.activate()
            let kept = SignalSource(source)
            sources.withLock { $0.append(kept) }
        }
    }
}

/// Keeps a signal source alive.
///
/// `@unchecked Sendable`: libdispatch lets a source be used from any thread, and nothing is done with it here.
private final class SignalSource: @unchecked Sendable {
    private let source: any DispatchSourceSignal

    init(_ source: any DispatchSourceSignal) { self.source = source }
}
