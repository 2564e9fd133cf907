import Bytes
import Dispatch
import Spooler
import Synchronization

/// What came of reading one message for a report.
enum ReportedMessage: Sendable {
    /// There is an `-H`, good or bad.
    case read(StoredReading)
    /// The system refused to let us read.
    case unreadable(SpoolError)
}

/// Walks a queue, reads each message without a lock, and gives what is made of it in the queue's order.
///
/// Batches are read on all cores; memory does not grow with the queue, ids apart.
struct QueueReport: Sendable {
    let spool: Spool

    /// Messages read together.
    static let batchSize = 512
    /// The least messages that are worth a second core.
    static let smallestSlice = 32

    /// Makes something of each message, and hands it out in order.
    ///
    /// - Parameters:
    ///   - order: which messages, and in what order.
    ///   - make: runs on any core; nil for nothing.
    ///   - use: gets the results in order.
    func run<Result: Sendable>(
        _ order: Order, make: @escaping @Sendable (QueueEntry, ReportedMessage) -> Result?,
        use: (Result) -> Void
    ) throws(SpoolError) {
        switch order {
        case .arrival:
            let entries = try spool.sortedQueue()
            emit(entries, make, use)
        case .reversedArrival:
            let entries: [QueueEntry] = try spool.sortedQueue().reversed()
            emit(entries, make, use)
        case .directory: try walk(make, use)
        }
    }

    /// The order of a report.
    enum Order: Sendable, Hashable {
        /// By time of arrival, as -bp.
        case arrival
        /// Newest first.
        case reversedArrival
        /// As the file system gives them, as -bpr.
        case directory
    }

    private func emit<Result: Sendable>(
        _ entries: [QueueEntry], _ make: @escaping @Sendable (QueueEntry, ReportedMessage) -> Result?,
        _ use: (Result) -> Void
    ) {
        var start = 0
        while start < entries.count {
            let end = min(start + Self.batchSize, entries.count)
            batch(entries[start..<end], make).forEach(use)
            start = end
        }
    }

    private func walk<Result: Sendable>(
        _ make: @escaping @Sendable (QueueEntry, ReportedMessage) -> Result?, _ use: (Result) -> Void
    ) throws(SpoolError) {
        var walk = try spool.walk()
        var entries: [QueueEntry] = []
        while let entry = try walk.next() {
            entries.append(entry)
            guard entries.count == Self.batchSize else { continue }
            batch(entries[...], make).forEach(use)
            entries.removeAll(keepingCapacity: true)
        }
        batch(entries[...], make).forEach(use)
    }

    private func batch<Result: Sendable>(
        _ entries: ArraySlice<QueueEntry>,
        _ make: @escaping @Sendable (QueueEntry, ReportedMessage) -> Result?
    ) -> [Result] {
        let slices = (entries.count + Self.smallestSlice - 1) / Self.smallestSlice
        guard slices > 1 else { return results(entries, make) }
        let parts = Mutex([[Result]](repeating: [], count: slices))
        DispatchQueue.concurrentPerform(iterations: slices) { index in
            let from = entries.startIndex + index * Self.smallestSlice
            let part = results(entries[from..<min(from + Self.smallestSlice, entries.endIndex)], make)
            parts.withLock { $0[index] = part }
        }
        return parts.withLock { $0.flatMap(\.self) }
    }

    private func results<Result>(
        _ entries: ArraySlice<QueueEntry>, _ make: (QueueEntry, ReportedMessage) -> Result?
    ) -> [Result] {
        entries.compactMap { entry in
            do throws(SpoolError) {
                return make(entry, .read(try spool.read(entry.id, at: entry.place)))
            } catch {
                return make(entry, .unreadable(error))
            }
        }
    }
}
