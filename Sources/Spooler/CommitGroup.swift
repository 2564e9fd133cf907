internal import Bytes
internal import Dispatch
internal import Synchronization

/// How the receptions of a process make their messages durable.
public enum CommitSharing: String, Sendable, Hashable {
    /// Messages that are finished at the same time share one synchronisation of the file system and one of
    /// the directory.
    case batched
    /// Each message for itself, in Exim's own order.
    case eximOrder
}

/// Commits the messages of many receptions, on threads of its own.
///
/// While few messages end at the same time, each is committed for itself, beside the others. When more of them wait
/// than there are lanes for that, they form a batch and share its synchronising; while it is at work, the next one gathers. What
/// happens when, and why a crash at any moment loses nothing that was acknowledged, stands in spool-format/README.md,
/// 6.8. Each message gets its own answer.
public final class CommitGroup: Sendable {
    /// The bounds of a group.
    struct Limits: Sendable {
        /// How many messages are committed for themselves at one time, while there is no batch.
        var lanes = 6
        /// How many must wait to form a batch: `syncfs` also writes what other programs left unwritten.
        var smallestBatch = 8
        /// How many one batch has at most.
        var largestBatch = 256
    }

    /// Open since before any message of this process: from then on `syncfs` tells of every failed write.
    private let anchor: FileSystemAnchor?
    private let queue = DispatchQueue(label: "commit", attributes: .concurrent)
    private let line: Mutex<CommitLine>
    private let lastFailure = Mutex<UInt64>(0)

    /// Whether batches are really made: Linux before 5.8 does not tell `syncfs` of failed writes, and a spool
    /// directory that cannot be opened cannot be synchronised as a whole; each message is then committed for itself.
    public var isShared: Bool { anchor != nil }

    /// Makes a group for a spool and its named queues, before the first message is begun.
    public convenience init(_ spool: Spool, _ sharing: CommitSharing) {
        self.init(spool, sharing, Limits())
    }

    init(_ spool: Spool, _ sharing: CommitSharing, _ limits: Limits) {
        anchor = sharing == .batched ? FileSystemAnchor(spool.directory) : nil
        var limits = limits
        if anchor == nil {
            limits.lanes = Self.separateLanes
            limits.smallestBatch = .max
        }
        line = Mutex(CommitLine(limits: limits))
    }

    /// How many messages are committed for themselves at one time where there are no batches at all.
    static let separateLanes = 64

    /// Commits one message; nil, or what went wrong with the message's own log only.
    func commit(_ order: CommitOrder) async -> CommitAnswer {
        await withCheckedContinuation { continuation in
            line.withLock { $0.waiting.append(WaitingOrder(order: order, continuation: continuation)) }
            startWork()
        }
    }

    /// Starts what may be started now.
    private func startWork() {
        while let work = line.withLock({ $0.next() }) {
            queue.async { [self] in
                commit(work)
                line.withLock { $0.finished(work) }
                startWork()
            }
        }
    }

    private func commit(_ work: CommitLine.Work) {
        switch work {
        case .alone(let order): order.answer(order.order.commitAlone())
        case .batch(let orders): commit(orders)
        }
    }

    private func commit(_ orders: [WaitingOrder]) {
        guard let anchor else { return commitAlone(orders[...]) }
        var orders = orders
        // Behind `middle` stand those for which the file system's answer would not be an answer.
        let middle = orders.partition { standsApart(begunAt: $0.order.begun) || !anchor.holds($0.order) }
        commitAlone(orders[middle...])
        guard middle > 0 else { return }
        var batch = CommitBatch(orders[..<middle].map(\.order), anchor)
        let answers = batch.commit()
        if batch.hasFailedToSync { noteFailure() }
        for (order, answer) in zip(orders, answers) { order.answer(answer) }
    }

    /// From now on, what was begun before is not trusted to `syncfs`: each failed write is told once, and it
    /// may have been told just now.
    func noteFailure() { lastFailure.withLock { $0 = System.uptime } }

    /// Whether a message was begun before the last failure.
    func standsApart(begunAt moment: UInt64) -> Bool { moment <= lastFailure.withLock { $0 } }

    private func commitAlone(_ orders: ArraySlice<WaitingOrder>) {
        for order in orders { order.answer(order.order.commitAlone()) }
    }
}

/// Who waits to be committed, and what is at work: decides what begins next.
private struct CommitLine {
    enum Work: Sendable {
        case alone(WaitingOrder)
        case batch([WaitingOrder])
    }

    let limits: CommitGroup.Limits
    var waiting: Deque = Deque()
    private var alone = 0
    private var hasBatch = false

    init(limits: CommitGroup.Limits) { self.limits = limits }

    /// A batch while enough wait, else one for itself while a lane is free; one batch at a time, and beside it nobody new.
    mutating func next() -> Work? {
        guard !hasBatch, !waiting.isEmpty else { return nil }
        if waiting.count >= limits.smallestBatch {
            hasBatch = true
            return .batch(waiting.take(limits.largestBatch))
        }
        guard alone < limits.lanes else { return nil }
        alone += 1
        return .alone(waiting.take(1)[0])
    }

    mutating func finished(_ work: Work) {
        switch work {
        case .alone: alone -= 1
        case .batch: hasBatch = false
        }
    }

    /// First come, first served.
    struct Deque {
        private var orders: [WaitingOrder] = []
        private var begin = 0

        var count: Int { orders.count - begin }
        var isEmpty: Bool { count == 0 }

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

/// Nil, or what went wrong with the message's own log; or why the message could not be committed.
typealias CommitAnswer = Result<SpoolError?, SpoolError>

/// A message that wants to be committed; its `-D` is written, locked, and kept open by whoever waits.
struct CommitOrder: Sendable {
    let spool: Spool
    let id: MessageID
    let place: Place
    /// The open `-D`.
    let data: Int32
    /// When `-D` was made (`System.uptime`).
    let begun: UInt64
    /// The octets of `-H`.
    let header: ByteString
    let firstLogLine: ByteString?

    /// Exim's order: each file, then the name, then the directory.
    func commitAlone() -> CommitAnswer {
        do throws(SpoolError) {
            try spool.step(.syncData)
            if spool.durability == .eximOrder {
                try System.sync(open: data, spool.path(.data, of: id, in: place))
            }
            try spool.writeHeader(header, of: id, in: place)
            return .success(try spool.beginMessageLog(firstLogLine, of: id, in: place))
        } catch {
            return .failure(error)
        }
    }
}

/// An order with the one who waits for its answer.
private struct WaitingOrder: Sendable {
    let order: CommitOrder
    let continuation: CheckedContinuation<CommitAnswer, Never>

    func answer(_ answer: CommitAnswer) { continuation.resume(returning: answer) }
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
    func holds(_ order: CommitOrder) -> Bool {
        do throws(SpoolError) {
            return try System.status(ofOpen: order.data).device == device
        } catch {
            return false
        }
    }

    func sync() throws(SpoolError) { try descriptor.syncFileSystem() }
}
