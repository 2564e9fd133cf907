package import Bytes

/// Reads single records; each read is a statement of its own, so no lock lasts between two.
///
/// Valid only inside the closure that it was given to.
package struct HintsReader {
    let rows: (any HintsRows)?
    let scope: HintsScope

    /// The record with that key; nil when absent, and (after a notice) when damaged.
    package func read<Record: HintsRecord>(_ kind: Record.Type, _ key: ByteString) throws -> Record? {
        guard let octets = try octets(key) else { return nil }
        return scope.decode(kind, key: key, octets)
    }

    /// The octets stored under a key, or nil.
    package func octets(_ key: ByteString) throws -> ByteString? { try rows?.octets(key) }

    /// All keys in octet order, without the NUL; keys that Exim could not find are left out.
    package func keys() throws -> [ByteString] { try rows?.keys() ?? [] }
}

/// Reads and writes inside one transaction, which must last for milliseconds: no DNS, no files, no log.
///
/// Valid only inside the closure that it was given to.
package struct HintsTransaction {
    let rows: any HintsRows
    let scope: HintsScope

    /// The time that records written now are stamped with.
    package var now: Int64 { scope.now }

    /// The layout of the database's records.
    package var layout: HintsLayout { scope.layout }

    /// The record with that key; nil when absent, and (after a notice) when damaged.
    package func read<Record: HintsRecord>(_ kind: Record.Type, _ key: ByteString) throws -> Record? {
        try HintsReader(rows: rows, scope: scope).read(kind, key)
    }

    /// The octets stored under a key, or nil.
    package func octets(_ key: ByteString) throws -> ByteString? { try rows.octets(key) }

    /// Writes a record, stamped with the present time.
    package func write(_ record: some HintsRecord, _ key: ByteString) throws {
        var stamped = record
        stamped.header.written = scope.now
        try store(stamped.encode(layout: scope.layout), key)
    }

    /// Stores octets as they are; they must be a record of the database's layout.
    package func store(_ octets: ByteString, _ key: ByteString) throws {
        guard key.count < HintsLimits.keyLength, octets.count <= HintsLimits.recordLength else { return }
        try rows.store(octets, key)
    }

    /// Deletes a record, if it is there.
    package func delete(_ key: ByteString) throws { try rows.delete(key) }

    /// Deletes a record that still holds these octets; says whether it did.
    package func delete(_ key: ByteString, ifStill octets: ByteString) throws -> Bool {
        try rows.delete(key, ifStill: octets)
    }
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
