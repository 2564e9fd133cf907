package import Bytes
import Dispatch
import GRDB
import Synchronization

/// One hints database, shared by all tasks of a process and, through SQLite's locks, with a running Exim; or with
/// other machines, through a Redis server.
///
/// What waits, works on a queue of its own. The connection stays open, but no lock outlives a read or an update, and
/// a file that was removed or replaced is opened anew. Updates that arrive while one is at work share the next
/// transaction, so many deliveries cost few commits. Open each file once in a process.
package final class HintsDatabase: Sendable {
    /// The database file, or the server and the name there.
    package let path: ByteString
    /// Whether other machines use the database too.
    package let isShared: Bool

    private let queue: DispatchQueue
    private let pending = Mutex(PendingUpdates())
    private let connection: any HintsConnection

    /// The most updates that wait; further ones are given up.
    package static let mostWaiting = 10_000
    /// The most updates of one transaction, so that it stays short.
    package static let batch = 100

    /// Names a database (`retry`, `wait-smtp`) where the settings say that it lies; touches no file yet.
    package init(_ settings: HintsSettings, name: ByteString) {
        queue = DispatchQueue(label: "hints.\(name.string)")
        let server = settings.backend.server(of: name)
        isShared = server != nil
        if let server {
            path = RedisHintsConnection.path(server, name)
            connection = RedisHintsConnection(server, name: name, settings: settings)
        } else {
            path = "\(settings.directory)/\(name)"
            connection = SQLiteConnection(path: path, settings: settings)
        }
    }

    /// Reads; a database that does not exist has no records and is not made.
    package func read<Value: Sendable>(
        _ body: @escaping @Sendable (HintsReader) throws -> Value
    ) async -> HintsOutcome<Value> {
        let asked = ContinuousClock.now
        return await withCheckedContinuation { continuation in
            queue.async { [connection] in
                continuation.resume(returning: connection.read(asked: asked, body))
            }
        }
    }

    /// Reads and writes in one transaction that excludes others, making the file when missing.
    ///
    /// The body may share its transaction with others, and runs again when they fail; it must be quick, and do
    /// nothing but work on the database. When it throws, nothing of it is written.
    package func update<Value: Sendable>(
        _ body: @escaping @Sendable (HintsTransaction) throws -> Value
    ) async -> HintsOutcome<Value> {
        await withCheckedContinuation { continuation in
            let update = HintsUpdate(body) { continuation.resume(returning: $0) }
            let accepted = pending.withLock { $0.add(update, limit: Self.mostWaiting) }
            switch accepted {
            case .refused:
                update.giveUp(HintsTrouble(.overload, path: path, reason: "too many updates wait"))
            case .joined: break
            case .first: queue.async { self.work() }
            }
        }
    }

    /// Gives the space of deleted records back to the file system, under an exclusive lock for as long as it takes.
    package func vacuum() async -> HintsOutcome<Void> {
        await withCheckedContinuation { continuation in
            queue.async { [connection] in
                continuation.resume(returning: connection.vacuum())
            }
        }
    }

    /// Releases the file; later work opens it again.
    package func close() async {
        await withCheckedContinuation { continuation in
            queue.async { [connection] in
                connection.close()
                continuation.resume()
            }
        }
    }

    /// Runs what waits, one batch a turn, so that reads come in between.
    private func work() {
        let batch = pending.withLock { $0.take(Self.batch) }
        connection.update(batch)
        if pending.withLock({ $0.continues() }) { queue.async { self.work() } }
    }
}

/// The updates that wait for a transaction.
private struct PendingUpdates {
    enum Acceptance { case first, joined, refused }

    private var waiting: [HintsUpdate] = []
    private var isWorking = false

    mutating func add(_ update: HintsUpdate, limit: Int) -> Acceptance {
        guard waiting.count < limit else { return .refused }
        waiting.append(update)
        defer { isWorking = true }
        return isWorking ? .joined : .first
    }

    mutating func take(_ count: Int) -> [HintsUpdate] {
        let batch = Array(waiting.prefix(count))
        waiting.removeFirst(batch.count)
        return batch
    }

    /// Whether more waits; if not, the next update starts the work again.
    mutating func continues() -> Bool {
        isWorking = !waiting.isEmpty
        return isWorking
    }
}

/// One update that waits: runs inside a transaction, and tells its outcome after the commit.
struct HintsUpdate: Sendable {
    /// Since when it waits.
    let asked = ContinuousClock.now
    /// Runs the body; gives what to do when the transaction is committed.
    let run: @Sendable (HintsTransaction) throws -> @Sendable () -> Void
    /// Tells that nothing was written.
    let giveUp: @Sendable (HintsTrouble) -> Void

    init<Value: Sendable>(
        _ body: @escaping @Sendable (HintsTransaction) throws -> Value,
        _ tell: @escaping @Sendable (HintsOutcome<Value>) -> Void
    ) {
        run = { transaction in
            let value = try body(transaction)
            return { tell(.done(value)) }
        }
        giveUp = { tell(.givenUp($0)) }
    }
}
