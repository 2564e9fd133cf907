import Bytes
import EximLog
import Hints
import Synchronization

/// Retry records of what works again, which deliveries that succeed have deleted: several together, since nearly all of them
/// are not there, and each transaction takes the locks of the database.
final class RetryForgetting: Sendable {
    /// How many are gathered.
    private static let most = 200
    /// For how long they are.
    private static let patience = Duration.milliseconds(100)

    private struct State {
        var keys: Set<ByteString> = []
        var since = ContinuousClock.now
    }

    private let state = Mutex(State())

    /// Has records deleted: now, or with those of a delivery that ends after this one.
    func add(_ keys: [ByteString], _ runner: RunnerSystem) async {
        let now = ContinuousClock.now
        // The last one of several at work does not leave it to others.
        let mayWait = runner.activity.count > 1
        let isDue = state.withLock { state in
            state.keys.formUnion(keys)
            return !mayWait || state.keys.count >= Self.most || now - state.since >= Self.patience
        }
        if isDue { await flush(runner) }
    }

    /// Deletes what has been gathered; before any record is written.
    func flush(_ runner: RunnerSystem) async {
        let keys = state.withLock { state in
            defer { (state.keys, state.since) = ([], ContinuousClock.now) }
            return state.keys
        }
        guard !keys.isEmpty else { return }
        let outcome = await runner.retries.update { transaction in
            for key in keys { try transaction.delete(key) }
        }
        if case .givenUp(let trouble) = outcome {
            runner.log.main("retry hints not written: \(String(describing: trouble))")
        }
    }
}
