import Synchronization

/// How many things may happen at one time; who comes later waits.
final class Slots: Sendable {
    private struct State {
        var free: Int
        var waiters: [CheckedContinuation<Void, Never>] = []
        /// How many of these have gone.
        var begin = 0
    }

    private let state: Mutex<State>

    /// Makes that many slots.
    init(_ count: Int) { state = Mutex(State(free: count)) }

    /// Takes a slot, waiting for one when all are taken.
    func take() async {
        if takeNow() { return }
        await withCheckedContinuation { continuation in
            let isTaken = state.withLock { state in
                if state.free > 0 {
                    state.free -= 1
                    return true
                }
                state.waiters.append(continuation)
                return false
            }
            if isTaken { continuation.resume() }
        }
    }

    private func takeNow() -> Bool {
        state.withLock { state in
            guard state.free > 0 else { return false }
            state.free -= 1
            return true
        }
    }

    /// Takes a slot without waiting, beyond the number if need be: for who gave one up for a while.
    func takeBack() { state.withLock { $0.free -= 1 } }

    /// Gives a slot back.
    func give() {
        let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard state.free >= 0, state.begin < state.waiters.count else {
                state.free += 1
                return nil
            }
            defer {
                state.begin += 1
                if state.begin == state.waiters.count { (state.waiters, state.begin) = ([], 0) }
            }
            return state.waiters[state.begin]
        }
        next?.resume()
    }
}
