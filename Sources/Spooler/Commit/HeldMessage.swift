internal import Bytes
internal import Synchronization

/// The lock of a message that two hold: the session that received it, and whoever makes its files durable.
///
/// The lock ends when both have let go.
final class HeldMessage: Sendable {
    /// The open `-D`, valid while the lock is held.
    let data: Int32
    private let state: Mutex<State>

    private struct State: ~Copyable {
        var lock: MessageLock?
        var header: Descriptor?
        var isNamed = false
        var isSettled = false
        var isReleased = false
        var afterwards: [@Sendable () -> Void] = []

        var isOver: Bool { isSettled && isReleased }

        /// What is to be done now, when both have let go.
        mutating func end() -> [@Sendable () -> Void] {
            guard isOver else { return [] }
            lock = nil
            defer { afterwards = [] }
            return afterwards
        }
    }

    init(_ lock: consuming MessageLock) {
        data = lock.data.raw
        state = Mutex(State(lock: lock))
    }

    /// The open temporary header file of a message that goes through the commit log, until its files are durable: to
    /// make them, nothing needs to be opened that the system could then refuse.
    var header: Int32? {
        state.withLock { state in
            switch state.header {
            case .some(let file): return file.raw
            case .none: return nil
            }
        }
    }

    /// Keeps the temporary header file open.
    func keep(header: consuming Descriptor) {
        var file: Descriptor? = consume header
        state.withLock { $0.header = file.take() }
    }

    /// Whether the header file has its final name.
    var isNamed: Bool {
        get { state.withLock { $0.isNamed } }
        set { state.withLock { $0.isNamed = newValue } }
    }

    /// The files are durable and have their names.
    func settle() {
        let actions = state.withLock { state in
            state.isSettled = true
            state.header = nil
            return state.end()
        }
        for action in actions { action() }
    }

    /// The session has logged the arrival.
    func release() {
        let actions = state.withLock { state in
            state.isReleased = true
            return state.end()
        }
        for action in actions { action() }
    }

    /// Does something when both have let go; at once, if they have.
    func whenOver(_ action: @escaping @Sendable () -> Void) {
        let isOver = state.withLock { state in
            if !state.isOver { state.afterwards.append(action) }
            return state.isOver
        }
        if isOver { action() }
    }
}
