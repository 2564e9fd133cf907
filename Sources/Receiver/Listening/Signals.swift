import Dispatch
import Glibc

/// Signals as an asynchronous sequence.
enum Signals {
    /// Gives each arrival of these signals; their usual effect is switched off.
    static func arrivals(of signals: [CInt]) -> AsyncStream<CInt> {
        AsyncStream { continuation in
            let sources = signals.map { number in
                signal(number, SIG_IGN)
                let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
                source.setEventHandler { continuation.yield(number) }
                source.resume()
                return source
            }
            let holder = SourceHolder(sources)
            continuation.onTermination = { _ in holder.cancel() }
        }
    }
}

/// Keeps signal sources alive; cancelling is safe from any thread (libdispatch's promise).
private final class SourceHolder: @unchecked Sendable {
    private let sources: [any DispatchSourceSignal]

    init(_ sources: [any DispatchSourceSignal]) { self.sources = sources }

    func cancel() { for source in sources { source.cancel() } }
}
