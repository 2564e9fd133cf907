import Dispatch
import Glibc
import Synchronization

/// Whether the program has been asked to end: what is on the wire is finished, nothing new is begun.
final class StopSignal: Sendable {
    private let asked = Mutex(false)
    private let sources = Mutex<[any DispatchSourceSignal]>([])

    /// Whether it has been asked.
    var isAsked: Bool { asked.withLock(\.self) }

    /// Hears SIGTERM, SIGINT and SIGHUP from now on; a broken pipe is an error of the write, not a signal.
    func listen() {
        unsafe signal(SIGPIPE, SIG_IGN)
        for number in [SIGTERM, SIGINT, SIGHUP] {
            unsafe signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { [self] in asked.withLock { $0 = true } }
            source.activate()
            sources.withLock { $0.append(source) }
        }
    }
}
