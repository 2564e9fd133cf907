package import Bytes
import Foundation
import GRDB

/// How far a history file was imported.
package struct HistoryPosition: Sendable, Hashable {
    /// The device and inode of the file.
    package var device: Int64
    /// The inode of the file.
    package var inode: Int64
    /// Its path when it was last imported.
    package var path: ByteString
    /// Everything before this place is in the store.
    package var offset: Int64
    /// The number of the line that begins there, from 1.
    package var line: Int
    /// The octets before that place, at most `HistoryPosition.witness` of them: a file with other ones is another file.
    package var before: ByteString

    /// How many octets are remembered to know a file again.
    package static let witness = 64

    /// Makes a position.
    package init(device: Int64, inode: Int64, path: ByteString, offset: Int64, line: Int, before: ByteString)
    {
        self.device = device
        self.inode = inode
        self.path = path
        self.offset = offset
        self.line = line
        self.before = before
    }
}

/// A record that could not be read.
package struct RejectedRecord: Sendable, Hashable {
    /// The file.
    package var path: ByteString
    /// The line that is wrong, from 1.
    package var line: Int
    /// What is wrong.
    package var reason: ByteString
    /// The record's text, as far as kept.
    package var text: ByteString

    /// Makes a rejected record.
    package init(path: ByteString, line: Int, reason: ByteString, text: ByteString) {
        self.path = path
        self.line = line
        self.reason = reason
        self.text = text
    }
}

/// Records that enter the store together, with the place in their file that is reached then.
package struct HistoryBatch: Sendable {
    /// Good records.
    package var records: [HistoryRecord] = []
    /// Bad ones.
    package var rejected: [RejectedRecord] = []
    /// How far the file is then imported; nil for a stream.
    package var position: HistoryPosition?

    /// Makes an empty batch.
    package init() {}
}

/// What became of a batch.
package struct BatchOutcome: Sendable, Hashable {
    /// Records that are new.
    package var added = 0
    /// Records that were in the store already.
    package var known = 0
    /// Bad records that were not set aside before.
    package var newlyRejected: [RejectedRecord] = []

    /// Makes the outcome of nothing.
    package init() {}
}

extension BatchOutcome {
    /// Writes a batch's records, good and bad, into a store.
    ///
    /// - Parameter afterEach: called after each good record.
    init(
        of batch: HistoryBatch, in transaction: any StoreTransaction, now: Int64,
        afterEach: (Int) throws -> Void = { _ in }
    ) throws {
        var insertion = HistoryInsertion(transaction, now: now)
        for (index, record) in batch.records.enumerated() {
            if try insertion.add(record) { added += 1 } else { known += 1 }
            try afterEach(index)
        }
        for rejected in batch.rejected where try insertion.reject(rejected) { newlyRejected.append(rejected) }
    }
}

/// Where imported history goes: SQLite, or a PostgreSQL server that many machines share.
package protocol HistoryStoring: Sendable {
    /// How far the file with this device and inode was imported; nil when it was not.
    func position(device: Int64, inode: Int64) throws(DMARCError) -> HistoryPosition?

    /// Takes records and position in one transaction.
    ///
    /// `setAside` is called inside it with the bad records that are new; when it throws, nothing is taken.
    func commit(
        _ batch: HistoryBatch, now: Int64, setAside: ([RejectedRecord]) throws -> Void
    ) throws(DMARCError) -> BatchOutcome

    /// Forgets the position in a file that is no more.
    func forget(_ position: HistoryPosition) throws(DMARCError)
}

extension DMARCStore: HistoryStoring {
    package func position(device: Int64, inode: Int64) throws(DMARCError) -> HistoryPosition? {
        try read { database in
            let row = try Row.fetchOne(
                database,
                sql: "SELECT path, offset, line, before FROM history_file WHERE device = ? AND inode = ?",
                arguments: [device, inode])
            guard let row else { return nil }
            let path: String = row[0]
            let before: Data = row[3]
            return HistoryPosition(
                device: device, inode: inode, path: ByteString(path), offset: row[1], line: row[2],
                before: ByteString(before))
        }
    }

    package func commit(
        _ batch: HistoryBatch, now: Int64, setAside: ([RejectedRecord]) throws -> Void
    ) throws(DMARCError) -> BatchOutcome {
        try commit(batch, now: now, setAside: setAside, afterEach: { _ in })
    }

    /// The same, with a call after each record, by which tests stop in the middle.
    func commit(
        _ batch: HistoryBatch, now: Int64, setAside: ([RejectedRecord]) throws -> Void,
        afterEach: (Int) throws -> Void
    ) throws(DMARCError) -> BatchOutcome {
        try write { database in
            let transaction = SQLiteTransaction(database)
            let outcome = try BatchOutcome(of: batch, in: transaction, now: now, afterEach: afterEach)
            if let position = batch.position { try Self.remember(position, now, database) }
            if !outcome.newlyRejected.isEmpty { try setAside(outcome.newlyRejected) }
            return outcome
        }
    }

    package func forget(_ position: HistoryPosition) throws(DMARCError) {
        try write { database in
            try database.execute(
                sql: "DELETE FROM history_file WHERE device = ? AND inode = ?",
                arguments: [position.device, position.inode])
        }
    }

    private static func remember(_ position: HistoryPosition, _ now: Int64, _ database: Database) throws {
        try database.execute(
            sql: """
                INSERT OR REPLACE INTO history_file (device, inode, path, offset, line, before, imported)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                position.device, position.inode, position.path.databaseText, position.offset, position.line,
                position.before.databaseBlob, now,
            ])
    }
}

extension DMARCStore {
    /// The records that were set aside, newest first.
    package func rejected(limit: Int) throws(DMARCError) -> [RejectedRecord] {
        try read { database in
            try Row.fetchAll(
                database, sql: "SELECT path, line, reason, text FROM rejected ORDER BY id DESC LIMIT ?",
                arguments: [limit]
            ).map { row in
                let (path, reason): (String, String) = (row[0], row[2])
                let text: Data = row[3]
                return RejectedRecord(
                    path: ByteString(path), line: row[1], reason: ByteString(reason), text: ByteString(text))
            }
        }
    }
}
