internal import Dispatch
internal import Synchronization

/// The commit log as far as this process has it: another may have it first, or its recovery may fail for a while.
final class CommitLogAccess: Sendable {
    private let spool: Spool
    private let limits: CommitGroup.Limits
    /// Whether the spool is in memory; nil to find that out.
    private let isInMemory: Bool?
    private let notice: @Sendable (CommitGroup.Notice) -> Void
    private let state = Mutex(State())

    private struct State {
        var log: CommitLog?
        /// Whether it is never to be had, or never again.
        var isOver = false
        var isOpening = false
        var lastAttempt: UInt64 = 0
        var failures = 0
        var hasToldOfOther = false
    }

    init(
        _ spool: Spool, _ limits: CommitGroup.Limits, isInMemory: Bool?,
        _ notice: @escaping @Sendable (CommitGroup.Notice) -> Void
    ) {
        self.spool = spool
        self.limits = limits
        self.isInMemory = isInMemory
        self.notice = notice
    }

    /// The log, where this process has it.
    var log: CommitLog? { state.withLock(\.log) }

    /// The log; where it is not to be had, another attempt is made on that queue, when the last one is long enough ago.
    func present(_ queue: DispatchQueue) -> CommitLog? {
        let now = System.uptime
        let (log, tries) = state.withLock { state in
            guard state.log == nil, !state.isOver, !state.isOpening else { return (state.log, false) }
            let rest = limits.logRetry << UInt64(min(state.failures, 9))
            guard now &- state.lastAttempt >= rest else { return (nil, false) }
            state.isOpening = true
            return (nil, true)
        }
        if tries { queue.async { [self] in open(isPatient: false) } }
        return log
    }

    /// Opens the log, and recovers what is in it, where no other process has it.
    func open(isPatient: Bool = true) {
        do throws(SpoolError) {
            let isForgotten: Bool
            if let isInMemory {
                isForgotten = isInMemory
            } else {
                isForgotten = try System.isInMemory(spool.directory)
            }
            guard !isForgotten else { return state.withLock { $0.isOver = true } }
            let notice = notice
            let log = try CommitLog(
                spool, limits, isPatient: isPatient, failed: { notice(.logFailed($0)) },
                recovered: { notice(.recovered($0)) })
            try keep(log)
        } catch {
            state.withLock { state in
                (state.isOpening, state.lastAttempt) = (false, System.uptime)
                state.failures += 1
            }
            notice(.logFailed(error))
        }
    }

    private func keep(_ log: CommitLog?) throws(SpoolError) {
        let (isLate, isOthers) = state.withLock { state in
            (state.isOpening, state.lastAttempt) = (false, System.uptime)
            if state.isOver { return (true, false) }
            state.log = log
            defer { state.hasToldOfOther = state.hasToldOfOther || log == nil }
            return (false, log == nil && !state.hasToldOfOther)
        }
        if isOthers { notice(.logElsewhere) }
        if isLate { try log?.close() }
    }

    /// Leaves the log to others, empty if nothing in it is needed any more.
    func close() throws(SpoolError) {
        let log = state.withLock { state in
            state.isOver = true
            return state.log
        }
        try log?.close()
    }
}
