import Synchronization

/// One open question; ends exactly once: by its answer, the time limit or cancellation, whichever is first.
final class Question: Sendable {
    private enum State {
        case fresh
        case waiting(CheckedContinuation<UnboundReply, Never>)
        case ended
    }

    private let state = Mutex(State.fresh)

    /// Takes what will be resumed; false when the question was cancelled before it began.
    func begin(_ continuation: CheckedContinuation<UnboundReply, Never>) -> Bool {
        state.withLock { state in
            guard case .fresh = state else { return false }
            state = .waiting(continuation)
            return true
        }
    }

    /// Ends the wait, if it has not ended yet.
    func end(_ reply: UnboundReply) {
        let waiting: CheckedContinuation<UnboundReply, Never>? = state.withLock { state in
            defer { state = .ended }
            guard case .waiting(let continuation) = state else { return nil }
            return continuation
        }
        waiting?.resume(returning: reply)
    }
}
