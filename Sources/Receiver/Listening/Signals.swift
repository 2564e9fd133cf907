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
            continuation.onTermination = { _ in for source in sources { source.cancel() } }
        }
    }
}
