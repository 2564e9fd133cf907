internal import Bytes

/// An order with the one who waits for its answer.
struct WaitingOrder: Sendable {
    let order: CommitOrder
    /// Where the commit log has it; nil for one that is not there.
    var logged: CommitLogPlace?
    /// Who waits; nil when the answer has been given.
    var continuation: CheckedContinuation<CommitAnswer, Never>?
    /// Since when it waits (`System.uptime`).
    var since: UInt64
    /// How often its files could not be made.
    var failures = 0

    /// Whether the message is accepted, and only its files are not made yet.
    var isAcknowledged: Bool { continuation == nil }
}

/// Who waits to be committed, and what is at work: decides what begins next.
struct CommitLine: Sendable {
    /// What to do next.
    enum Step: Sendable {
        case alone(WaitingOrder)
        case batch([WaitingOrder])
        /// Nothing yet, but look again after so many nanoseconds.
        case pause(UInt64)
    }

    let limits: CommitGroup.Limits
    /// Whose sessions wait.
    private var waiting = Line()
    /// Which are in the commit log, and only want their files.
    private var logged = Line()
    private var alone = 0
    private var hasBatch = false
    private var isPaused = false
    /// How many are on their way into the log, or wait for another attempt.
    private(set) var elsewhere = 0
    /// How many accepted messages have files that could not be made.
    private var troubled = 0
    /// When an answer was given last.
    private var lastAnswer: UInt64 = 0
    /// Whether all shall be done now, and who waits for that.
    private(set) var isFinishing = false
    private var finishers: [CheckedContinuation<Void, Never>] = []

    init(limits: CommitGroup.Limits) { self.limits = limits }

    mutating func append(_ order: WaitingOrder) {
        if order.isAcknowledged { logged.append(order) } else { waiting.append(order) }
    }

    mutating func leave() { elsewhere += 1 }
    mutating func comeBack() { elsewhere -= 1 }

    mutating func troubleBegins() { troubled += 1 }
    mutating func troubleEnds() { troubled -= 1 }

    /// Whether a message may be accepted before its files are made, and should be.
    ///
    /// Where those of others cannot be made, a new one is not accepted so: its client is told at once.
    func takesLog(_ now: UInt64) -> Bool { !isFinishing && troubled == 0 && isBusy(now) }

    /// Whether messages come so fast that the log is worth its while.
    private func isBusy(_ now: UInt64) -> Bool {
        !waiting.isEmpty || !logged.isEmpty || alone > 0 || hasBatch || elsewhere > 0
            || now &- lastAnswer < limits.pressure
    }

    mutating func answered(_ now: UInt64) { lastAnswer = now }

    /// A batch when enough wait, or logged ones have waited long enough; else one for itself while a lane is free.
    ///
    /// One batch at a time, and beside it nobody new.
    mutating func next(_ now: UInt64) -> Step? {
        guard !hasBatch else { return nil }
        let age = logged.first.map { now &- $0.since }
        let isDue = age.map { $0 >= limits.settleDelay || isFinishing } ?? false
        if waiting.count >= limits.smallestBatch || logged.count >= limits.settleBatch || isDue {
            hasBatch = true
            let first = waiting.take(limits.largestBatch)
            return .batch(first + logged.take(limits.largestBatch - first.count))
        }
        if !waiting.isEmpty, alone < limits.lanes {
            alone += 1
            return .alone(waiting.take(1)[0])
        }
        guard let age, !isPaused else { return nil }
        isPaused = true
        return .pause(limits.settleDelay - age)
    }

    mutating func pauseIsOver() { isPaused = false }

    mutating func finished(_ step: Step) {
        switch step {
        case .alone: alone -= 1
        case .batch: hasBatch = false
        case .pause: break
        }
    }

    // MARK: The end

    /// From now on nothing waits for others; `continuation` is resumed when all is done.
    mutating func finish(_ continuation: CheckedContinuation<Void, Never>) {
        isFinishing = true
        finishers.append(continuation)
    }

    /// Who is to be told that all is done, if it is.
    mutating func takeFinishers() -> [CheckedContinuation<Void, Never>] {
        guard waiting.isEmpty, logged.isEmpty, alone == 0, !hasBatch, elsewhere == 0 else { return [] }
        defer { finishers = [] }
        return finishers
    }

    /// First come, first served.
    private struct Line {
        private var orders: [WaitingOrder] = []
        private var begin = 0

        var count: Int { orders.count - begin }
        var isEmpty: Bool { count == 0 }
        var first: WaitingOrder? { isEmpty ? nil : orders[begin] }

        mutating func append(_ order: WaitingOrder) { orders.append(order) }

        mutating func take(_ most: Int) -> [WaitingOrder] {
            let end = min(orders.count, begin + most)
            let taken = Array(orders[begin..<end])
            begin = end
            // Under a backlog that never ends, what was taken must not pile up.
            if begin == orders.count || begin >= 1024 {
                orders.removeFirst(begin)
                begin = 0
            }
            return taken
        }
    }
}
