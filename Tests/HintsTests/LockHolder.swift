import Bytes
import GRDB
import TestKit

/// Holds SQLite's exclusive lock on a file, as another process would: through a connection of its own.
final class LockHolder {
    private let queue: DatabaseQueue

    init(_ path: ByteString) throws {
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        queue = try DatabaseQueue(path: path.string, configuration: configuration)
        try queue.writeWithoutTransaction { try $0.execute(sql: "BEGIN EXCLUSIVE") }
    }

    func release() {
        do { try queue.writeWithoutTransaction { try $0.execute(sql: "COMMIT") } } catch {
            print("commit: \(error)")
        }
    }
}
