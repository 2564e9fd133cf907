internal import Bytes

/// Messages that are committed together (spool-format/README.md, 6.8).
///
/// All header files are written under temporary names; the file system is synchronised; all are renamed; the
/// directory is synchronised. A failure that concerns one message is its own; one of a synchronisation is everybody's.
struct CommitBatch {
    private let orders: [WaitingOrder]
    private let anchor: FileSystemAnchor
    private let marking: ([CommitLogPlace]) throws(SpoolError) -> Void
    /// What has befallen each message; nil while all is well.
    private var failures: [SpoolError?]
    /// Whether the file system could not be synchronised.
    private(set) var hasFailedToSync = false

    /// Makes a batch; `marking` notes in the commit log that the files of messages are durable.
    init(
        _ orders: [WaitingOrder], _ anchor: FileSystemAnchor,
        marking: @escaping ([CommitLogPlace]) throws(SpoolError) -> Void
    ) {
        self.orders = orders
        self.anchor = anchor
        self.marking = marking
        failures = Array(repeating: nil, count: orders.count)
    }

    /// Does it all; one answer a message, in their order.
    mutating func commit() -> [CommitAnswer] {
        forEach { order throws(SpoolError) in try order.writeFiles() }
        syncContent()
        mark()
        forEach { order throws(SpoolError) in try order.giveName() }
        syncNames()
        return orders.indices.map(answer)
    }

    private func answer(_ index: Int) -> CommitAnswer {
        if let failure = failures[index] { return .failure(failure) }
        do throws(SpoolError) {
            return .success(try orders[index].order.beginLog())
        } catch {
            return .failure(error)
        }
    }

    /// Does something for every message that is still well.
    private mutating func forEach(_ action: (CommitOrder) throws(SpoolError) -> Void) {
        for index in orders.indices where failures[index] == nil {
            do throws(SpoolError) {
                try action(orders[index].order)
            } catch {
                failures[index] = error
                // A program that stops, stops for all.
                if error.cause == .stopped { return failAll(error) }
            }
        }
    }

    /// From here on the content of every `-D` and temporary header file is on disk.
    private mutating func syncContent() {
        guard let first = firstWell else { return }
        do throws(SpoolError) {
            try first.spool.step(.syncBatch)
            if first.spool.durability == .eximOrder { try anchor.sync() }
        } catch {
            hasFailedToSync = error.cause != .stopped
            for index in orders.indices where failures[index] == nil && hasFailedToSync {
                let order = orders[index].order
                // Accepted messages keep theirs for the next attempt.
                guard order.held.header == nil else { continue }
                System.unlinkQuietly(order.spool.path(.temporaryHeader, of: order.id, in: order.place))
            }
            failAll(error)
        }
    }

    /// From here on the commit log does not bring these messages back.
    private mutating func mark() {
        let marked = orders.indices.filter { failures[$0] == nil && orders[$0].logged != nil }
        guard let first = marked.first else { return }
        do throws(SpoolError) {
            try orders[first].order.spool.step(.markCommitLog)
            try marking(marked.compactMap { orders[$0].logged })
        } catch {
            if error.cause == .stopped { return failAll(error) }
            for index in marked { failures[index] = error }
        }
    }

    /// From here on the names are on disk: the messages are on the queue, whatever happens.
    private mutating func syncNames() {
        guard let first = firstWell else { return }
        var directories: Set<ByteString> = []
        for (waiting, failure) in zip(orders, failures) where failure == nil {
            directories.insert(waiting.order.spool.directory("input", waiting.order.place))
        }
        do throws(SpoolError) {
            try first.spool.step(.syncDirectory)
            if directories.count == 1 {
                try first.syncNames()
            } else if first.spool.durability == .eximOrder {
                try anchor.sync()
            }
        } catch {
            hasFailedToSync = error.cause != .stopped
            failAll(error)
        }
    }

    private var firstWell: CommitOrder? { zip(orders, failures).first { $0.1 == nil }?.0.order }

    private mutating func failAll(_ error: SpoolError) {
        for index in failures.indices where failures[index] == nil || error.cause == .stopped {
            failures[index] = error
        }
    }
}
