import MailSystem

/// Signals as an asynchronous sequence.
enum Signals {
    /// Gives each arrival of these signals; their usual effect is switched off when this returns.
    static func arrivals(of signals: [CInt]) -> AsyncStream<CInt> {
        let (stream, continuation) = AsyncStream.makeStream(of: CInt.self)
        let listener = SignalListener(signals) { continuation.yield($0) }
        continuation.onTermination = { _ in withExtendedLifetime(listener) {} }
        return stream
    }
}
