import Dispatch

/// Hears signals, for as long as the value lives, instead of their usual effect.
///
/// `@unchecked Sendable`: libdispatch lets sources be used from any thread, and nothing here changes.
package final class SignalListener: @unchecked Sendable {
    private let sources: [any DispatchSourceSignal]

    /// Hears these signals from the moment when this returns; the handler runs for one after the other.
    package init(_ signals: [CInt], _ handle: @escaping @Sendable (CInt) -> Void) {
        let queue = DispatchQueue(label: "signals")
        let registered = DispatchSemaphore(value: 0)
        sources = signals.map { number in
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setRegistrationHandler { registered.signal() }
            source.setEventHandler { handle(number) }
            source.activate()
            return source
        }
        // libdispatch registers on a thread of its own. Until it has, a signal has its usual effect; ignoring it
        // meanwhile would lose the SIGTERM that comes early.
        for _ in signals { registered.wait() }
    }

    deinit { for source in sources { source.cancel() } }
}
