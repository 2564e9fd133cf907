package import Bytes
import Glibc
import Synchronization

/// DMARC history in a PostgreSQL database that many machines share; same tables as the SQLite store's.
///
/// Every call works at once and may wait for the server and for other importers: call it from a thread that may block.
package final class PostgresHistory: HistoryStoring {
    private let connection: Mutex<PostgresStore>
    /// Which machine's files positions are about.
    private let machine: ByteString

    /// Connects, and makes the tables when they are missing.
    ///
    /// - Parameter target: `postgresql://user@host/database`, or after `postgresql:` the words that libpq takes.
    package init(_ target: ByteString) throws(DMARCError) {
        let made = try PostgresStore(Self.connectionText(target))
        try Self.inTransaction(made) { () throws(DMARCError) in
            try made.run(PostgresSchema.tables)
        }
        connection = Mutex(made)
        machine = Self.machineName
    }

    /// Whether a text names such a database.
    package static func isMeant(by target: ByteString) -> Bool {
        target.starts(with: ByteString("postgresql:")) || target.starts(with: ByteString("postgres:"))
    }

    private static func connectionText(_ target: ByteString) -> ByteString {
        guard let rest = target.cut(at: UInt8(ascii: ":"))?.after, !rest.starts(with: ByteString("//")) else {
            return target
        }
        return ByteString(rest)
    }

    private static var machineName: ByteString {
        var name = [CChar](repeating: 0, count: 256)
        _ = unsafe gethostname(&name, name.count - 1)
        return ByteString(name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) })
    }

    package func position(device: Int64, inode: Int64) throws(DMARCError) -> HistoryPosition? {
        try use { (connection) throws(DMARCError) in
            let rows = try connection.rows(
                """
                SELECT path, "offset", line, encode(before, 'hex') FROM history_file
                WHERE machine = ? AND device = ? AND inode = ?
                """, [.text(machine), .integer(device), .integer(inode)])
            guard let row = rows.first, row.count == 4, let path = row[0],
                let line = row[2]?.decimalInteger(),
                let offset = row[1]?.decimalInteger(), let before = row[3].flatMap({ Hex.decode($0[...]) })
            else { return nil }
            return HistoryPosition(
                device: device, inode: inode, path: path, offset: offset, line: Int(line), before: before)
        }
    }

    package func commit(
        _ batch: HistoryBatch, now: Int64, setAside: ([RejectedRecord]) throws -> Void
    ) throws(DMARCError) -> BatchOutcome {
        try use { (connection) throws(DMARCError) in
            try Self.inTransaction(connection) { () throws(DMARCError) in
                do {
                    let outcome = try BatchOutcome(of: batch, in: connection, now: now)
                    if let position = batch.position { try remember(position, now, connection) }
                    if !outcome.newlyRejected.isEmpty { try setAside(outcome.newlyRejected) }
                    return outcome
                } catch let error as DMARCError {
                    throw error
                } catch {
                    throw DMARCError(.store, at: "postgresql", ByteString(String(describing: error)))
                }
            }
        }
    }

    package func forget(_ position: HistoryPosition) throws(DMARCError) {
        try use { (connection) throws(DMARCError) in
            _ = try connection.rows(
                "DELETE FROM history_file WHERE machine = ? AND device = ? AND inode = ?",
                [.text(machine), .integer(position.device), .integer(position.inode)])
        }
    }

    private func remember(
        _ position: HistoryPosition, _ now: Int64, _ connection: PostgresStore
    ) throws(DMARCError) {
        _ = try connection.rows(
            """
            INSERT INTO history_file (machine, device, inode, path, "offset", line, before, imported)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (machine, device, inode) DO UPDATE SET path = excluded.path, "offset" = excluded."offset",
                line = excluded.line, before = excluded.before, imported = excluded.imported
            """,
            [
                .text(machine), .integer(position.device), .integer(position.inode), .text(position.path),
                .integer(position.offset), StoreValue(position.line), .blob(position.before), .integer(now),
            ])
    }

    private func use<Value: Sendable>(
        _ work: (PostgresStore) throws(DMARCError) -> Value
    ) throws(DMARCError) -> Value {
        try connection.withLock { (connection) throws(DMARCError) in try work(connection) }
    }

    /// Importers go one after the other, as with SQLite, so that no two make the same name.
    private static func inTransaction<Value>(
        _ connection: PostgresStore, _ work: () throws(DMARCError) -> Value
    ) throws(DMARCError) -> Value {
        try connection.run("BEGIN; SELECT pg_advisory_xact_lock(\(PostgresSchema.lock))")
        do throws(DMARCError) {
            let value = try work()
            try connection.run("COMMIT")
            return value
        } catch {
            // When this fails too, the connection is lost, and the server has rolled back by itself.
            do throws(DMARCError) { try connection.run("ROLLBACK") } catch { throw error }
            throw error
        }
    }
}
