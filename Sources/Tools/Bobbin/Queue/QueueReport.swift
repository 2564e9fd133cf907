import Bytes
import Dispatch
import Spooler
import Synchronization

/// What came of reading one message for a report.
enum ReportedMessage: Sendable {
    /// An ordinary message, of which only what a listing shows was looked at.
    case listed(ListedMessage)
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
    /// Whether more is wanted of each message than a listing shows.
    var readsAll = false
    /// Whether sizes are wanted, which cost a call a message.
    var readsSizes = true

    /// Messages read together.
    static let batchSize = 4096
    /// How many of them one core takes at a time.
    static let sliceSize = 128

    /// The order of a report.
    enum Order: Sendable, Hashable {
        /// By time of arrival, as -bp.
        case arrival
        /// Newest first.
        case reversedArrival
        /// By the octets of the ids, as exiqgrep.
        case names
        /// By the octets of the ids, the last first.
        case reversedNames
        /// As the file system gives them, as -bpr.
        case directory
    }

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
        try gather(order, [Result]()) { results, entry, message in
            if let result = make(entry, message) { results.append(result) }
        } use: {
            $0.forEach(use)
        }
    }

    /// Adds up each slice of messages, and hands the sums out in order.
    ///
    /// - Parameters:
    ///   - empty: the sum of no messages.
    ///   - add: runs on any core.
    ///   - use: gets the sums in order.
    func gather<Sum: Sendable>(
        _ order: Order, _ empty: Sum,
        _ add: @escaping @Sendable (inout Sum, QueueEntry, ReportedMessage) -> Void,
        use: (Sum) -> Void
    ) throws(SpoolError) {
        guard order != .directory else { return try walk(empty, add, use) }
        let entries = try ordered(order)
        let queue = try OpenQueue(spool, for: entries)
        var start = 0
        while start < entries.count {
            let end = min(start + Self.batchSize, entries.count)
            batch(entries[start..<end], queue, empty, add).forEach(use)
            start = end
        }
    }

    private func ordered(_ order: Order) throws(SpoolError) -> [ListedEntry] {
        var entries = try spool.listedQueue()
        if order == .names || order == .reversedNames { entries.sort { $0.entry.id < $1.entry.id } }
        if order == .reversedArrival || order == .reversedNames { entries.reverse() }
        return entries
    }

    private func walk<Sum: Sendable>(
        _ empty: Sum, _ add: @escaping @Sendable (inout Sum, QueueEntry, ReportedMessage) -> Void,
        _ use: (Sum) -> Void
    ) throws(SpoolError) {
        var walk = try spool.walk()
        var entries: [ListedEntry] = []
        var isAtEnd = false
        while !isAtEnd {
            if let entry = try walk.next() {
                // Whether there is a journal is not known here; so everything is read with care.
                entries.append(ListedEntry(entry: entry, hasJournal: true))
            } else {
                isAtEnd = true
            }
            guard isAtEnd || entries.count == Self.batchSize else { continue }
            let queue = try OpenQueue(spool, for: [])
            batch(entries[...], queue, empty, add).forEach(use)
            entries.removeAll(keepingCapacity: true)
        }
    }

    private func batch<Sum: Sendable>(
        _ entries: ArraySlice<ListedEntry>, _ queue: OpenQueue, _ empty: Sum,
        _ add: @escaping @Sendable (inout Sum, QueueEntry, ReportedMessage) -> Void
    ) -> [Sum] {
        let slices = (entries.count + Self.sliceSize - 1) / Self.sliceSize
        guard slices > 1 else { return [sum(entries, queue, empty, add)] }
        let parts = Mutex([Sum](repeating: empty, count: slices))
        DispatchQueue.concurrentPerform(iterations: slices) { index in
            let from = entries.startIndex + index * Self.sliceSize
            let part = sum(entries[from..<min(from + Self.sliceSize, entries.endIndex)], queue, empty, add)
            parts.withLock { $0[index] = part }
        }
        return parts.withLock(\.self)
    }

    private func sum<Sum>(
        _ entries: ArraySlice<ListedEntry>, _ queue: OpenQueue, _ empty: Sum,
        _ add: (inout Sum, QueueEntry, ReportedMessage) -> Void
    ) -> Sum {
        var sum = empty
        var reader = ListingReader(queue)
        for entry in entries {
            if !readsAll, let message = reader.read(entry, sized: readsSizes) {
                add(&sum, entry.entry, .listed(message))
            } else {
                add(&sum, entry.entry, message(of: entry.entry))
            }
        }
        return sum
    }

    private func message(of entry: QueueEntry) -> ReportedMessage {
        do throws(SpoolError) {
            return .read(try spool.read(entry.id, at: entry.place))
        } catch {
            return .unreadable(error)
        }
    }
}
