package import Bytes
import Foundation
import GRDB
import Glibc

/// The relational store of DMARC history and reports: one SQLite file, shared by all programs through its locks.
///
/// Every call works at once and may wait for others (up to `longestWait`): call it from a thread that may block.
package final class DMARCStore: Sendable {
    /// How long others may hold the file before a call fails, in seconds.
    package static let longestWait = 60.0

    /// The file.
    package let path: ByteString

    let queue: DatabaseQueue

    /// Opens the store, makes it when missing, and brings its tables to the present version.
    ///
    /// Fails for a file that is no SQLite database, or was made by a later version.
    package init(path: ByteString) throws(DMARCError) {
        self.path = path
        queue = try Self.opened(path)
    }

    /// How often a store is opened anew while another program makes it.
    private static let mostAttempts = 50

    private static func opened(_ path: ByteString) throws(DMARCError) -> DatabaseQueue {
        var attempt = 1
        while true {
            do throws(DMARCError) {
                return try openOnce(path)
            } catch {
                // Two programs that make the same new store at once hinder one another; in the end it is there.
                let isPassing = error.kind == .busy || error.reason.contains(ByteString("already exists"))
                guard isPassing, attempt < mostAttempts else { throw error }
                usleep(100_000)
                attempt += 1
            }
        }
    }

    private static func openOnce(_ path: ByteString) throws(DMARCError) -> DatabaseQueue {
        var configuration = Configuration()
        configuration.busyMode = .timeout(longestWait)
        configuration.prepareDatabase { database in
            // A committed batch must outlive a power cut: after it the history file may be removed.
            try database.execute(
                sql: "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -32000")
        }
        return try attempt(path) {
            let queue = try DatabaseQueue(path: path.string, configuration: configuration)
            let migrator = DMARCSchema.migrator
            guard try !queue.read({ try migrator.hasBeenSuperseded($0) }) else {
                throw DMARCError(
                    .store, at: path,
                    "made by a later version of this program: use that version, or another file")
            }
            try migrator.migrate(queue)
            return queue
        }
    }

    /// Reads in one transaction.
    func read<Value>(_ body: (Database) throws -> Value) throws(DMARCError) -> Value {
        try Self.attempt(path) { try queue.unsafeRead(body) }
    }

    /// Writes in one transaction, which takes the write lock at once; nothing is written when the body throws.
    func write<Value>(_ body: (Database) throws -> Value) throws(DMARCError) -> Value {
        try Self.attempt(path) {
            try queue.writeWithoutTransaction { database in
                var value: Value?
                try database.inTransaction(.immediate) {
                    value = try body(database)
                    return .commit
                }
                guard let value else { throw DMARCError(.store, at: path, "the transaction gave nothing") }
                return value
            }
        }
    }

    private static func attempt<Value>(_ path: ByteString, _ body: () throws -> Value) throws(DMARCError)
        -> Value
    {
        do {
            return try body()
        } catch let error as DMARCError {
            throw error
        } catch let error as DatabaseError {
            throw DMARCError(error, path)
        } catch {
            throw DMARCError(.store, at: path, ByteString(String(describing: error)))
        }
    }
}

extension DMARCError {
    fileprivate init(_ error: DatabaseError, _ path: ByteString) {
        let reason = ByteString(error.message ?? "SQLite error \(error.extendedResultCode.rawValue)")
        switch error.resultCode {
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            self.init(.busy, at: path, "others hold the store for too long (\(reason)): try again later")
        case .SQLITE_CANTOPEN, .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_IOERR, .SQLITE_FULL:
            self.init(.system, at: path, "\(reason): check directory, permissions and free space")
        case .SQLITE_NOTADB, .SQLITE_CORRUPT:
            self.init(
                .store, at: path, "\(reason): this file is no store, or is damaged; restore or remove it")
        default: self.init(.store, at: path, reason)
        }
    }
}

extension ByteString {
    /// The octets as a value of a database: text.
    ///
    /// Names were checked to be UTF-8 when they were read.
    var databaseText: String { string }
    /// The octets as a value of a database: a blob.
    var databaseBlob: Data { Data(bytes) }
}
