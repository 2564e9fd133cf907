import EximLog
import Synchronization

/// A clock that is a second further each time.
final class Ticker: Sendable {
    private let seconds = Mutex(0)

    func tick() -> LogMoment {
        seconds.withLock { seconds in
            seconds += 1
            return LogMoment(seconds: seconds)
        }
    }
}
