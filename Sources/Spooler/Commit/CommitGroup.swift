internal import Bytes
internal import Dispatch
internal import Synchronization

/// How the receptions of a process make their messages durable.
public enum CommitSharing: String, Sendable, Hashable {
    /// Messages that come close together are first written to one log, which they synchronise together; their files
    /// are made durable a moment later, many at a time.
    case logged
    /// The same for every message, also for one that comes alone.
    case alwaysLogged
    /// Messages that are finished at the same time share one synchronisation of the file system and one of
    /// the directory.
    case batched
    /// Each message for itself, in Exim's own order.
    case eximOrder
}

/// Commits the messages of many receptions, on threads of its own.
///
/// While few messages end at the same time, each is committed for itself, beside the others. When more of them wait
/// than there are lanes for that, they form a batch and share its synchronising; while it is at work, the next one
/// gathers. With a commit log, a message that comes soon after another is acknowledged as soon as it is in the log,
/// and its files come with the next batch. What happens when, and why a crash at any moment loses nothing that was
/// acknowledged, stands in spool-format/README.md, 6.8 and 6.9. Each message gets its own answer.
public final class CommitGroup: Sendable {
    /// The bounds of a group.
    struct Limits: Sendable {
        /// How many messages are committed for themselves at one time, while there is no batch.
        var lanes = 6
        /// How many must wait to form a batch: `syncfs` also writes what other programs left unwritten.
        var smallestBatch = 8
        /// How many one batch has at most.
        var largestBatch = 256
        /// How many logged messages make a batch at once.
        var settleBatch = 128
        /// How long a logged message waits for others, in nanoseconds, before its files are made durable.
        var settleDelay: UInt64 = 20_000_000
        /// A message that comes so soon after the last answer, in nanoseconds, goes through the log.
        var pressure: UInt64 = 5_000_000
        /// The size of each of the log's two segments, in octets.
        var segmentSize = CommitLog.segmentSize
        /// After how many nanoseconds a logged message is tried again whose files could not be made; twice as long
        /// each time.
        var firstRetry: UInt64 = 100_000_000
        /// The longest such time.
        var lastRetry: UInt64 = 5_000_000_000
        /// How many accepted messages may wait for their files: each holds two descriptors open.
        var mostUnsettled = max(4, min(1024, System.openFilesLimit / 16))
        /// How long a log that another process had, or that failed, is left alone, in nanoseconds.
        var logRetry: UInt64 = 1_000_000_000
    }

    /// What happens behind the back of a session that has its answer.
    public enum Notice: Sendable {
        /// An earlier owner did not close the commit log; these messages are on the queue now.
        case recovered(CommitRecovery)
        /// The files of an accepted message cannot be made now; it stays in the log, and is tried again.
        case unsettled(MessageID, SpoolError)
        /// The log cannot be used now; messages are committed without it, until it can.
        case logFailed(SpoolError)
        /// Another process has the log; messages are committed without it, until that process ends.
        case logElsewhere
        /// A message's own log could not be begun.
        case messageLog(MessageID, SpoolError)
    }

    /// Open since before any message of this process: from then on `syncfs` tells of every failed write.
    private let anchor: FileSystemAnchor?
    private let log: CommitLogAccess?
    private let notice: @Sendable (Notice) -> Void
    private let queue = DispatchQueue(label: "commit", attributes: .concurrent)
    private let line: Mutex<CommitLine>
    private let lastFailure = Mutex<UInt64>(0)
    private let limits: Limits

    /// Whether batches are really made: Linux before 5.8 does not tell `syncfs` of failed writes, and a spool
    /// directory that cannot be opened cannot be synchronised as a whole; each message is then committed for itself.
    public var isShared: Bool { anchor != nil }

    /// Whether there is a commit log: never in memory, where nothing is durable, and for one process of a spool.
    public var hasLog: Bool { log?.log != nil }

    /// Makes a group for a spool and its named queues, before the first message is begun.
    ///
    /// - Parameter notice: hears what no session can be told any more; called on a thread of the group's.
    public convenience init(
        _ spool: Spool, _ sharing: CommitSharing, notice: @escaping @Sendable (Notice) -> Void = { _ in }
    ) {
        self.init(spool, sharing, Limits(), notice: notice)
    }

    init(
        _ spool: Spool, _ sharing: CommitSharing, _ limits: Limits, isInMemory: Bool? = nil,
        notice: @escaping @Sendable (Notice) -> Void = { _ in }
    ) {
        anchor = sharing == .eximOrder ? nil : FileSystemAnchor(spool.directory)
        var limits = limits
        if anchor == nil {
            limits.lanes = Self.separateLanes
            limits.smallestBatch = .max
        }
        if sharing == .alwaysLogged { limits.pressure = .max }
        self.limits = limits
        self.notice = notice
        line = Mutex(CommitLine(limits: limits))
        let isLogged = sharing == .logged || sharing == .alwaysLogged
        guard isLogged, anchor != nil, spool.durability == .eximOrder else {
            log = nil
            return
        }
        log = CommitLogAccess(spool, limits, isInMemory: isInMemory, notice)
        log?.open()
    }

    /// How many messages are committed for themselves at one time where there are no batches at all.
    static let separateLanes = 64

    /// Commits one message; nil, or what went wrong with the message's own log only.
    func commit(_ order: CommitOrder) async -> CommitAnswer {
        await withCheckedContinuation { continuation in
            let now = System.uptime
            let waiting = WaitingOrder(order: order, continuation: continuation, since: now)
            let goesThroughLog = line.withLock { line in
                let isBusy = log != nil && order.isWhole && line.takesLog(now)
                if isBusy { line.leave() }
                return isBusy
            }
            if goesThroughLog {
                enter(waiting)
            } else {
                line.withLock { $0.append(waiting) }
                startWork()
            }
        }
    }

    /// Waits until every message has its files, and leaves the log empty.
    ///
    /// A message whose files cannot be made stays in the log, for the next receiver or `bobbin spool repair`.
    public func finish() async {
        await withCheckedContinuation { continuation in
            line.withLock { $0.finish(continuation) }
            startWork()
            tellFinishers()
        }
        do throws(SpoolError) { try log?.close() } catch { notice(.logFailed(error)) }
    }

    private func tellFinishers() {
        for finisher in line.withLock({ $0.takeFinishers() }) { finisher.resume() }
    }

    // MARK: Through the log

    private func enter(_ waiting: WaitingOrder) {
        guard let log = log?.present(queue), let place = log.reserve(waiting.order) else {
            return comeBack(waiting)
        }
        var waiting = waiting
        waiting.logged = place
        do throws(SpoolError) {
            try waiting.order.openHeader()
        } catch {
            log.giveUp(place)
            line.withLock { $0.comeBack() }
            return answer(&waiting, .failure(error))
        }
        log.write(waiting.order, at: place) { [self, waiting] isDurable in
            var waiting = waiting
            if isDurable { answer(&waiting, .success(nil)) }
            comeBack(waiting)
        }
    }

    private func comeBack(_ waiting: WaitingOrder) {
        var waiting = waiting
        waiting.since = System.uptime
        line.withLock { [waiting] line in
            line.comeBack()
            line.append(waiting)
        }
        startWork()
    }

    /// Notes that files are durable.
    ///
    /// A log that cannot be written for long is no reason to keep mail from the queue: messages that have been through
    /// that once go on without their marks.
    private func mark(_ places: [CommitLogPlace], _ orders: [WaitingOrder]) throws(SpoolError) {
        do throws(SpoolError) {
            try log?.log?.mark(places)
        } catch {
            let hasPatience = orders.contains { $0.logged != nil && $0.failures == 0 }
            if error.cause == .stopped || hasPatience { throw error }
        }
    }

    // MARK: Work

    /// Starts what may be started now.
    private func startWork() {
        while let step = line.withLock({ $0.next(System.uptime) }) {
            if case .pause(let nanoseconds) = step {
                queue.asyncAfter(deadline: .now() + .nanoseconds(Int(nanoseconds))) { [self] in
                    line.withLock { $0.pauseIsOver() }
                    startWork()
                }
                return
            }
            queue.async { [self] in
                commit(step)
                line.withLock { $0.finished(step) }
                startWork()
                tellFinishers()
            }
        }
    }

    private func commit(_ step: CommitLine.Step) {
        switch step {
        case .alone(let order): commitAlone([order])
        case .batch(let orders): commit(orders)
        case .pause: break
        }
    }

    private func commit(_ orders: [WaitingOrder]) {
        guard let anchor else { return commitAlone(orders[...]) }
        var orders = orders
        // Behind `middle` stand those for which the file system's answer would not be an answer.
        let middle = orders.partition { standsApart(begunAt: $0.order.begun) || !anchor.holds($0.order) }
        commitAlone(orders[middle...])
        guard middle > 0 else { return }
        let together = Array(orders[..<middle])
        var batch = CommitBatch(together, anchor) {
            (places) throws(SpoolError) in try self.mark(places, together)
        }
        let answers = batch.commit()
        if batch.hasFailedToSync { noteFailure() }
        for (order, answer) in zip(orders, answers) { end(order, answer) }
    }

    /// From now on, what was begun before is not trusted to `syncfs`: each failed write is told once, and it
    /// may have been told just now.
    func noteFailure() { lastFailure.withLock { $0 = System.uptime } }

    /// Whether a message was begun before the last failure.
    func standsApart(begunAt moment: UInt64) -> Bool { moment <= lastFailure.withLock { $0 } }

    private func commitAlone(_ orders: ArraySlice<WaitingOrder>) {
        for waiting in orders {
            guard let place = waiting.logged else {
                end(waiting, waiting.order.commitAlone())
                continue
            }
            end(
                waiting,
                waiting.order.settleAlone { () throws(SpoolError) in try mark([place], [waiting]) })
        }
    }

    // MARK: Answers

    /// The files are made, or cannot be made now.
    private func end(_ waiting: WaitingOrder, _ answer: CommitAnswer) {
        var waiting = waiting
        switch answer {
        case .success(let trouble):
            waiting.order.held.settle()
            if let place = waiting.logged { log?.log?.finished(place) }
            if waiting.isAcknowledged, waiting.failures > 0 { line.withLock { $0.troubleEnds() } }
            if waiting.isAcknowledged, let trouble { notice(.messageLog(waiting.order.id, trouble)) }
            self.answer(&waiting, answer)
        case .failure(let error) where waiting.isAcknowledged: postpone(waiting, error)
        case .failure(let error):
            if error.cause != .stopped { waiting.order.removeTemporary() }
            // Its record was never known to be durable; a crash that brings it back is one behind no answer.
            if let place = waiting.logged { log?.log?.finished(place) }
            self.answer(&waiting, answer)
        }
    }

    private func answer(_ waiting: inout WaitingOrder, _ answer: CommitAnswer) {
        guard let continuation = waiting.continuation else { return }
        waiting.continuation = nil
        line.withLock { $0.answered(System.uptime) }
        continuation.resume(returning: answer)
    }

    /// An accepted message whose files cannot be made stays in the log, and is tried again by and by.
    private func postpone(_ waiting: WaitingOrder, _ error: SpoolError) {
        guard error.cause != .stopped else { return }
        var waiting = waiting
        waiting.failures += 1
        // The first time, and then ever more rarely: what lasts is told without filling the log.
        if waiting.failures.nonzeroBitCount == 1 { notice(.unsettled(waiting.order.id, error)) }
        let isLast = line.withLock { [waiting] line in
            if waiting.failures == 1 { line.troubleBegins() }
            if !line.isFinishing || waiting.failures < Self.lastAttempts { line.leave() }
            return line.isFinishing && waiting.failures >= Self.lastAttempts
        }
        guard !isLast else { return }
        let delay = min(limits.lastRetry, limits.firstRetry << UInt64(min(waiting.failures - 1, 16)))
        queue.asyncAfter(deadline: .now() + .nanoseconds(Int(delay))) { [self, waiting] in
            comeBack(waiting)
        }
    }

    /// How often a message is tried, at least, before the group's end leaves it to the next start.
    private static let lastAttempts = 3
}

/// The file system of a spool, held open.
final class FileSystemAnchor: Sendable {
    private let descriptor: Descriptor
    private let device: UInt64

    /// The first Linux whose `syncfs` tells of failed writes.
    private static let kernel = (major: 5, minor: 8)

    init?(_ path: ByteString) {
        guard System.kernelVersion >= Self.kernel else { return nil }
        do throws(SpoolError) {
            descriptor = try System.open(path, .directory)
            device = try descriptor.status().device
        } catch {
            // `CommitGroup.isShared` tells; each message is committed for itself.
            return nil
        }
    }

    /// Whether a message lies on this file system; a named queue can be on another.
    func holds(_ order: CommitOrder) -> Bool { holds(open: order.held.data) }

    /// Whether an open file lies on this file system.
    func holds(open file: Int32) -> Bool {
        do throws(SpoolError) {
            return try System.status(ofOpen: file).device == device
        } catch {
            return false
        }
    }

    func sync() throws(SpoolError) { try descriptor.syncFileSystem() }
}
