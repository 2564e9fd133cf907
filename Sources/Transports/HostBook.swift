import Bytes
package import Hints
import Synchronization

/// Whether a host may be tried now.
package enum HostStanding: Sendable, Equatable {
    /// Nothing speaks against it.
    case usable
    /// Its retry time has not come.
    case notDue(RetryRecord)
    /// It has failed for so long that messages are given up, and its retry time has not come.
    case expired(RetryRecord)
}

/// What is known of hosts: the retry hints, and what this process has just seen.
package final class HostBook: Sendable {
    private let database: HintsDatabase?
    private let dataExpire: Int64
    private let failed = Mutex<[RetryKey: Int64]>([:])

    /// Reads from the `retry` database; nil is an empty one.
    ///
    /// Records older than `dataExpire` seconds count as absent.
    package init(_ database: HintsDatabase?, dataExpire: Int64) {
        self.database = database
        self.dataExpire = dataExpire
    }

    /// The record under a key, if it is not too old.
    package func record(_ key: RetryKey, now: Int64) async -> RetryRecord? {
        guard let database else { return nil }
        let text = key.text
        guard let found = await database.read({ try $0.read(RetryRecord.self, text) }).value ?? nil
        else { return nil }
        return now - found.header.written > dataExpire ? nil : found
    }

    /// Whether the host of a key may be tried now.
    package func standing(_ key: RetryKey, now: Int64) async -> HostStanding {
        if let until = failed.withLock({ $0[key] }), until > now {
            return .notDue(RetryRecord(firstFailed: now, lastTry: now, nextTry: until))
        }
        guard let record = await record(key, now: now), record.nextTry > now else { return .usable }
        return record.expired ? .expired(record) : .notDue(record)
    }

    /// Remembers that a host failed, until its record is in the hints; other messages do not try it meanwhile.
    package func noteFailure(_ key: RetryKey, until: Int64) { failed.withLock { $0[key] = until } }

    /// Forgets a failure, when the host works again.
    package func forgetFailure(_ key: RetryKey) { failed.withLock { _ = $0.removeValue(forKey: key) } }
}
