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
/// While one batch waits for the disk, the next one gathers. What happens when, and why a crash at any moment
/// loses nothing that was acknowledged, stands in spool-format/README.md, 6.8. Each message gets its own answer.
public final class CommitGroup: Sendable {
    /// How many messages one batch has at most.
    static let largestBatch = 256
    /// Fewer messages than this are committed each for itself: `syncfs` writes what others left unwritten too.
    static let smallestBatch = 2

    private struct Waiting {
        var orders: [WaitingOrder] = []
        var isAtWork = false
    }

    /// Open since before any message of this process: from then on `syncfs` tells of every failed write.
    private let anchor: FileSystemAnchor?
    private let queue: DispatchQueue
    private let waiting = Mutex(Waiting())
    private let lastFailure = Mutex<UInt64>(0)

    /// Whether batches are really made: Linux before 5.8 does not tell `syncfs` of failed writes, and a spool
    /// directory that cannot be opened cannot be synchronised as a whole; each message is then committed for itself.
    public var isShared: Bool { anchor != nil }

    /// Makes a group for a spool and its named queues, before the first message is begun.
    public init(_ spool: Spool, _ sharing: CommitSharing) {
        anchor = sharing == .batched ? FileSystemAnchor(spool.directory) : nil
        queue =
            anchor == nil
            ? DispatchQueue(label: "commit", attributes: .concurrent) : DispatchQueue(label: "commit")
    }

    /// Commits one message; nil, or what went wrong with the message's own log only.
    func commit(_ order: CommitOrder) async -> CommitAnswer {
        await withCheckedContinuation { continuation in
            let order = WaitingOrder(order: order, continuation: continuation)
            guard anchor != nil else {
                return queue.async { order.answer(order.order.commitAlone()) }
            }
            let mustStart = waiting.withLock { waiting in
                waiting.orders.append(order)
                defer { waiting.isAtWork = true }
                return !waiting.isAtWork
            }
            if mustStart { queue.async { [self] in work() } }
        }
    }

    /// Commits batch after batch, until nobody waits.
    private func work() {
        while true {
            let batch = waiting.withLock { waiting in
                let batch = Array(waiting.orders.prefix(Self.largestBatch))
                waiting.orders.removeFirst(batch.count)
                if batch.isEmpty { waiting.isAtWork = false }
                return batch
            }
            if batch.isEmpty { return }
            commit(batch)
        }
    }

    private func commit(_ orders: [WaitingOrder]) {
        guard orders.count >= Self.smallestBatch, let anchor else { return commitAlone(orders[...]) }
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

    /// How many messages wait for the next batch, and whether one is at work: for tests.
    var waitingCount: Int { waiting.withLock { $0.orders.count } }
    var isAtWork: Bool { waiting.withLock { $0.isAtWork && $0.orders.isEmpty } }

    private func commitAlone(_ orders: ArraySlice<WaitingOrder>) {
        for order in orders { order.answer(order.order.commitAlone()) }
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
