import Bytes

/// A hints database as one queue works on it: a file of SQLite's, or records in a Redis server.
///
/// All that reads and writes hints goes through this face (`HintsDatabase`), so that delivery and reception need not
/// know where hints lie. Every call returns within a limited time.
protocol HintsConnection: AnyObject, Sendable {
    /// Reads single records; what was asked for before others last held the database for too long is given up.
    func read<Value: Sendable>(
        asked: ContinuousClock.Instant, _ body: (HintsReader) throws -> Value
    ) -> HintsOutcome<Value>

    /// Runs updates, and tells each its outcome when it is committed or given up.
    func update(_ all: [HintsUpdate])

    /// Gives the space of deleted records back.
    func vacuum() -> HintsOutcome<Void>

    /// Releases what is open.
    func close()
}

extension HintsConnection {
    /// Runs updates in one transaction; when that is refused, each in its own, so that none spoils the others.
    func settle(
        _ updates: [HintsUpdate], _ transact: ([HintsUpdate]) -> HintsOutcome<[@Sendable () -> Void]>
    ) {
        guard !updates.isEmpty else { return }
        switch transact(updates) {
        case .done(let committed): for tell in committed { tell() }
        case .givenUp(let trouble):
            guard updates.count > 1, trouble.kind == .refused else {
                for update in updates { update.giveUp(trouble) }
                return
            }
            for update in updates { settle([update], transact) }
        }
    }
}

/// Reading and writing the rows of one database, within one read or one transaction.
protocol HintsRows {
    /// The octets stored under a key, or nil.
    func octets(_ key: ByteString) throws -> ByteString?
    /// All keys in octet order.
    func keys() throws -> [ByteString]
    /// Stores octets under a key.
    func store(_ octets: ByteString, _ key: ByteString) throws
    /// Deletes a record, if it is there.
    func delete(_ key: ByteString) throws
    /// Deletes a record that still holds these octets; says whether it did.
    func delete(_ key: ByteString, ifStill octets: ByteString) throws -> Bool
}

extension HintsRows {
    func delete(_ key: ByteString, ifStill octets: ByteString) throws -> Bool {
        guard try self.octets(key) == octets else { return false }
        try delete(key)
        return true
    }
}
