internal import Bytes
internal import Dispatch
internal import Synchronization

/// Lines of a journal that are written, and may not outlive a crash of the machine yet.
public struct WrittenJournal: Sendable {
    /// The open journal; it stays open as long as its message is held.
    let descriptor: Int32
    let spool: Spool
    let path: ByteString
    /// When the lines were written (`System.uptime`).
    let written: UInt64
}

/// Makes journals durable: each by itself, or those of deliveries that go on beside each other in one go, whichever takes
/// less time (spool-format/README.md, 6.3).
///
/// One `syncfs` for many is much less work on a quiet file system, and much more on one that other programs write to; so
/// both ways are measured.
public final class JournalGroup: Sendable {
    private struct Request: Sendable {
        let journal: WrittenJournal
        let continuation: CheckedContinuation<Result<Void, SpoolError>, Never>
    }

    private struct State: Sendable {
        /// Those that share the next `syncfs`.
        var waiting: [Request] = []
        var isWorking = false
        /// How many are being synchronised by themselves.
        var alone = 0
        /// How many there were since `syncfs` was tried.
        var sinceTrial = 0
        /// What a journal takes either way, in nanoseconds.
        var costAlone: UInt64 = 0
        var costShared: UInt64?
        /// From when on a success of `syncfs` says something: each failed write is told once.
        var lastFailure: UInt64 = 0

        /// Whether the next one shares.
        var shares: Bool {
            guard let costShared else { return isTrialDue }
            return costShared * 2 < costAlone || isTrialDue
        }
        private var isTrialDue: Bool {
            alone >= JournalGroup.crowd
                && sinceTrial >= (costShared == nil ? JournalGroup.firstTrial : JournalGroup.nextTrial)
        }
    }

    /// How long the first of several waits for more, in milliseconds.
    private static let patience = 3
    /// How many must be at work to try sharing, after how many, and again after how many.
    private static let (crowd, firstTrial, nextTrial) = (8, 100, 5000)

    private let anchor: FileSystemAnchor?
    /// Whether nothing outlives a crash anyway, so that nothing is to be waited for.
    private let isInMemory: Bool
    private let queue = DispatchQueue(label: "journals", attributes: .concurrent)
    private let state = Mutex(State())

    /// Makes a group for a spool and its named queues, before the first journal is written.
    public init(_ spool: Spool) {
        anchor = FileSystemAnchor(spool.directory)
        isInMemory = spool.isInMemory
    }

    /// Waits until the lines of a journal outlive a crash of the machine.
    public func sync(_ journal: WrittenJournal) async throws(SpoolError) {
        try journal.spool.step(.syncJournal)
        guard journal.spool.durability == .eximOrder, !isInMemory else { return }
        let outcome = await withCheckedContinuation { continuation in
            let request = Request(journal: journal, continuation: continuation)
            let (shares, isFirst) = state.withLock { state in
                guard anchor != nil, state.shares else {
                    state.alone += 1
                    state.sinceTrial += 1
                    return (false, false)
                }
                state.waiting.append(request)
                defer { state.isWorking = true }
                return (true, !state.isWorking)
            }
            if !shares {
                queue.async { [self] in syncAlone(request) }
            } else if isFirst {
                queue.async { [self] in syncShared() }
            }
        }
        try outcome.get()
    }

    // MARK: Alone

    private func syncAlone(_ request: Request) {
        let begun = System.uptime
        let outcome = syncOne(request.journal)
        let time = System.uptime &- begun
        state.withLock { state in
            // Beside others each takes its part of the time.
            let cost = time / UInt64(max(state.alone, 1))
            state.costAlone = state.costAlone == 0 ? cost : (state.costAlone * 15 + cost) / 16
            state.alone -= 1
        }
        request.continuation.resume(returning: outcome)
    }

    private func syncOne(_ journal: WrittenJournal) -> Result<Void, SpoolError> {
        do throws(SpoolError) {
            try System.sync(open: journal.descriptor, journal.path)
            return .success(())
        } catch {
            return .failure(error)
        }
    }

    // MARK: Together

    private func syncShared() {
        while true {
            System.pause(milliseconds: Self.patience)
            let (requests, lastFailure) = state.withLock { state in
                defer { state.waiting = [] }
                state.isWorking = !state.waiting.isEmpty
                return (state.waiting, state.lastFailure)
            }
            guard !requests.isEmpty else { return }
            let begun = System.uptime
            let outcomes = sync(requests.map(\.journal), lastFailure)
            let cost = (System.uptime &- begun) / UInt64(requests.count)
            state.withLock { state in
                state.costShared = state.costShared.map { ($0 + cost) / 2 } ?? cost
                state.sinceTrial = 0
            }
            for (request, outcome) in zip(requests, outcomes) {
                request.continuation.resume(returning: outcome)
            }
        }
    }

    private func sync(
        _ journals: [WrittenJournal], _ lastFailure: UInt64
    ) -> [Result<Void, SpoolError>] {
        guard let anchor,
            journals.allSatisfy({ $0.written > lastFailure && anchor.holds(open: $0.descriptor) })
        else { return journals.map(syncOne) }
        do throws(SpoolError) {
            try anchor.sync()
            return journals.map { _ in .success(()) }
        } catch {
            // Each journal's own descriptor tells whether it is concerned.
            state.withLock { $0.lastFailure = System.uptime }
            return journals.map(syncOne)
        }
    }
}
