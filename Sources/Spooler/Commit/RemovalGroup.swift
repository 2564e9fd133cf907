public import Bytes
internal import Dispatch
internal import Synchronization

/// A message that was completed, and that a crash of the machine could bring back.
public struct RemovedMessage: Sendable {
    let spool: Spool
    let directory: ByteString
}

/// Makes the removal of messages durable, many at a time: nobody waits for it, and what comes back after a crash of the
/// machine is delivered once more (spool-format/README.md, 6.4).
public final class RemovalGroup: Sendable {
    private struct State: Sendable {
        var directories: [ByteString: Spool] = [:]
        var isWorking = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    /// How long removals are gathered for each directory that is concerned, and at most, in milliseconds.
    private static let (patience, most) = (20, 1000)

    /// Whether nothing outlives a crash anyway.
    private let isInMemory: Bool
    private let notice: @Sendable (SpoolError) -> Void
    private let queue = DispatchQueue(label: "removals")
    private let state = Mutex(State())

    /// Makes a group for a spool and its named queues.
    ///
    /// - Parameters:
    ///   - isInMemory: whether nothing on the spool outlives a crash of the machine anyway; nil looks.
    ///   - notice: hears of directories that cannot be synchronised.
    public init(
        _ spool: Spool, isInMemory: Bool? = nil, notice: @escaping @Sendable (SpoolError) -> Void
    ) {
        self.notice = notice
        self.isInMemory = isInMemory ?? spool.isInMemory
    }

    /// Sees to it that a removal becomes durable.
    public func add(_ message: RemovedMessage) {
        guard message.spool.durability == .eximOrder, !isInMemory else { return }
        let begins = state.withLock { state in
            state.directories[message.directory] = message.spool
            defer { state.isWorking = true }
            return !state.isWorking
        }
        if begins { queue.asyncAfter(deadline: .now() + .milliseconds(Self.patience)) { [self] in work() } }
    }

    /// Waits until all removals are durable.
    public func finish() async {
        await withCheckedContinuation { continuation in
            let isDone = state.withLock { state in
                if state.isWorking { state.waiting.append(continuation) }
                return !state.isWorking
            }
            if isDone { continuation.resume() }
        }
    }

    private func work() {
        let directories = state.withLock { state in
            defer { state.directories = [:] }
            return state.directories
        }
        for (directory, spool) in directories {
            do throws(SpoolError) { try spool.sync(directory: directory) } catch { notice(error) }
        }
        let done: [CheckedContinuation<Void, Never>]? = state.withLock { state in
            guard state.directories.isEmpty else { return nil }
            state.isWorking = false
            defer { state.waiting = [] }
            return state.waiting
        }
        if let done { return done.forEach { $0.resume() } }
        let pause = min(directories.count * Self.patience, Self.most)
        queue.asyncAfter(deadline: .now() + .milliseconds(pause)) { [self] in work() }
    }
}

extension Spool {
    /// Whether the spool lies in memory, where nothing outlives a crash of the machine; false where it cannot be told.
    var isInMemory: Bool {
        do throws(SpoolError) { return try System.isInMemory(directory) } catch { return false }
    }
}
