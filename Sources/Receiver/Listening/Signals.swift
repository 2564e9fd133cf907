import Dispatch
import Glibc

/// Signals as an asynchronous sequence.
enum Signals {
    /// Gives each arrival of these signals; their usual effect is switched off.
    static func arrivals(of signals: [CInt]) -> AsyncStream<CInt> {
        AsyncStream { continuation in
            for number in signals {
                signal(number, SIG_IGN)
                let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
                source.setEventHandler { continuation.yield(number) }
                source.resume()
                // The source lives as long as somebody may listen.
                let holder = SourceHolder(source)
                continuation.onTermination = { _ in holder.cancel() }
            }
        }
    }
}

/// Keeps a signal source alive; cancelling is safe from any thread (libdispatch's promise).
private final class SourceHolder: @unchecked Sendable {
    private let source: any DispatchSourceSignal

    init(_ source: any DispatchSourceSignal) { self.source = source }

    func cancel() { source.cancel() }
}
