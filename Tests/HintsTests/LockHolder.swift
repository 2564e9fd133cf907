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

/// A transaction as an Exim makes it: begun without a lock, a read, and later a write that it does not repeat.
final class EximsPart {
    private let queue: DatabaseQueue

    /// Begins and reads.
    init(_ path: ByteString) throws {
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        configuration.busyMode = .timeout(5)
        queue = try DatabaseQueue(path: path.string, configuration: configuration)
        try queue.writeWithoutTransaction { database in
            try database.execute(sql: "BEGIN")
            _ = try Row.fetchAll(database, sql: "SELECT dat FROM tblblob LIMIT 1")
        }
    }

    /// Writes and commits; whether that was done.
    func write() -> Bool {
        do {
            try queue.writeWithoutTransaction { database in
                try database.execute(
                    sql: "INSERT OR REPLACE INTO tblblob (ky, dat) VALUES (CAST('exim' AS BLOB), x'00')")
                try database.execute(sql: "COMMIT")
            }
            return true
        } catch {
            return false
        }
    }
}
