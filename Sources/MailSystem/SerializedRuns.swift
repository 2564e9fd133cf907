package import Bytes
import Hints
import OpenSSL

/// Runs of which only one at a time may be at work, over all programs that share the hints (`smtp_etrn_serialize`).
///
/// The counts stand in the database `misc`, where an Exim on the same hints reads and writes them too; one that a crash
/// has left over counts for six hours.
package struct SerializedRuns: Sendable {
    /// What became of a wish to begin.
    package enum Beginning: Sendable, Hashable {
        /// It is counted in.
        case begun
        /// The same is at work already.
        case busy
        /// The database cannot be used, so nobody can tell.
        case unknown
    }

    private let database: HintsDatabase

    /// Makes a counter on a mail system's hints.
    package init(_ system: MailSystem) { database = HintsDatabase(system.hints, name: "misc") }

    /// Counts an ETRN run in.
    package func begin(etrn argument: ByteString) async -> Beginning {
        guard let key = Self.key(argument) else { return .unknown }
        let outcome: HintsOutcome<Beginning> = await database.update { transaction in
            let record = try transaction.read(SerializeRecord.self, key)
            if let record, record.count > 0,
                transaction.now - record.header.written < SerializeRecord.staleAfter
            {
                return .busy
            }
            try transaction.write(SerializeRecord(count: 1), key)
            return .begun
        }
        return outcome.value ?? .unknown
    }

    /// Counts it out.
    package func end(etrn argument: ByteString) async {
        guard let key = Self.key(argument) else { return }
        // What cannot be written now is out of date in six hours.
        _ = await database.update { transaction in
            guard let record = try transaction.read(SerializeRecord.self, key) else { return }
            if record.count > 1 {
                try transaction.write(SerializeRecord(count: record.count - 1), key)
            } else {
                try transaction.delete(key)
            }
        }
    }

    /// Exim's key since 4.98.1: the argument comes from a client.
    private static func key(_ argument: ByteString) -> ByteString? {
        do {
            return "etrn-\(Hex.encode(try Digest.of(argument, .md5)))"
        } catch {
            return nil
        }
    }
}
