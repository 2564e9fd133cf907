package import Bytes
import Foundation
import GRDB

/// Reads single records; each read is a statement of its own, so no lock lasts between two.
///
/// Valid only inside the closure that it was given to.
package struct HintsReader {
    let database: Database?
    let scope: HintsScope

    /// The record with that key; nil when absent, and (after a notice) when damaged.
    package func read<Record: HintsRecord>(_ kind: Record.Type, _ key: ByteString) throws -> Record? {
        guard let octets = try octets(key) else { return nil }
        return scope.decode(kind, key: key, octets)
    }

    /// The octets stored under a key, or nil.
    package func octets(_ key: ByteString) throws -> ByteString? {
        guard let database else { return nil }
        let statement = try database.cachedStatement(sql: "SELECT dat FROM tblblob WHERE ky = ?")
        let found = try Data.fetchOne(statement, arguments: [storedKey(key)])
        return found.map { ByteString($0) }
    }

    /// All keys in octet order, without the NUL; keys that lack it, which Exim cannot find, are left out.
    package func keys() throws -> [ByteString] {
        guard let database else { return [] }
        let statement = try database.cachedStatement(
            sql: "SELECT ky FROM tblblob WHERE typeof(ky) = 'blob' ORDER BY ky")
        return try Data.fetchAll(statement).compactMap { $0.last == 0 ? ByteString($0.dropLast()) : nil }
    }
}

/// Reads and writes inside one exclusive transaction, which must last for milliseconds: no DNS, no files, no log.
///
/// Valid only inside the closure that it was given to.
package struct HintsTransaction {
    let database: Database
    let scope: HintsScope

    private var reader: HintsReader { HintsReader(database: database, scope: scope) }

    /// The time that records written now are stamped with.
    package var now: Int64 { scope.now }

    /// The layout of the file's records.
    package var layout: HintsLayout { scope.layout }

    /// The record with that key; nil when absent, and (after a notice) when damaged.
    package func read<Record: HintsRecord>(_ kind: Record.Type, _ key: ByteString) throws -> Record? {
        try reader.read(kind, key)
    }

    /// The octets stored under a key, or nil.
    package func octets(_ key: ByteString) throws -> ByteString? { try reader.octets(key) }

    /// All keys in octet order, without the NUL.
    package func keys() throws -> [ByteString] { try reader.keys() }

    /// Writes a record, stamped with the present time.
    package func write(_ record: some HintsRecord, _ key: ByteString) throws {
        var stamped = record
        stamped.header.written = scope.now
        try store(stamped.encode(layout: scope.layout), key)
    }

    /// Stores octets as they are; they must be a record of the file's layout.
    package func store(_ octets: ByteString, _ key: ByteString) throws {
        guard key.count < HintsLimits.keyLength, octets.count <= HintsLimits.recordLength else { return }
        let statement = try database.cachedStatement(
            sql: "INSERT OR REPLACE INTO tblblob (ky, dat) VALUES (?, ?)")
        try statement.execute(arguments: [storedKey(key), Data(octets)])
    }

    /// Deletes a record, if it is there.
    package func delete(_ key: ByteString) throws {
        let statement = try database.cachedStatement(sql: "DELETE FROM tblblob WHERE ky = ?")
        try statement.execute(arguments: [storedKey(key)])
    }
}

/// A key as Exim stores it: a blob with one NUL at its end.
private func storedKey(_ key: ByteString) -> Data {
    var data = Data(key)
    data.append(0)
    return data
}

/// What all work on an open file shares.
struct HintsScope {
    let path: ByteString
    let layout: HintsLayout
    let now: Int64
    let notice: @Sendable (HintsNotice) -> Void

    func decode<Record: HintsRecord>(_ kind: Record.Type, key: ByteString, _ octets: ByteString) -> Record? {
        do throws(HintsRecordError) {
            return try Record(decoding: octets, layout: layout)
        } catch {
            notice(.unreadable(path: path, key: key, reason: error))
            return nil
        }
    }
}
