package import Bytes
package import Hints
import Synchronization

/// How many connections to a host, or runs of a transport, there are at one time, counted in the `misc` hints over all
/// processes, a running Exim among them (manual, options `serialize_hosts` and `max_parallel`).
package final class SharedTurns: Sendable {
    private let database: HintsDatabase?

    /// Counts in the database `misc`; nil counts nothing, and everybody's turn has come.
    package init(_ database: HintsDatabase?) { self.database = database }

    /// One of those that are counted, until `end` is called.
    package final class Turn: Sendable {
        private let turns: SharedTurns
        private let key: ByteString
        private let isOver = Mutex(false)

        fileprivate init(_ turns: SharedTurns, _ key: ByteString) { (self.turns, self.key) = (turns, key) }

        /// Counts one less; a second call does nothing.
        package func end() async {
            let wasOver = isOver.withLock { over in
                defer { over = true }
                return over
            }
            if !wasOver { await turns.end(key) }
        }
    }

    /// Counts one more under a key; nil where that would be more than `limit`, or nothing can be counted.
    ///
    /// A record that nobody has touched for six hours was left by a crash, and begins anew.
    package func begin(_ key: ByteString, atMost limit: Int) async -> Turn? {
        guard let database else { return Turn(self, key) }
        let outcome = await database.update { transaction -> Bool in
            let found = try transaction.read(SerializeRecord.self, key)
            let isFresh = found.map { transaction.now - $0.header.written < SerializeRecord.staleAfter }
            guard var record = found, isFresh == true else {
                try transaction.write(SerializeRecord(count: 1), key)
                return true
            }
            guard Int(record.count) < limit else { return false }
            record.count += 1
            try transaction.write(record, key)
            return true
        }
        return outcome.value == true ? Turn(self, key) : nil
    }

    private func end(_ key: ByteString) async {
        _ = await database?.update { transaction in
            guard var record = try transaction.read(SerializeRecord.self, key) else { return }
            record.count -= 1
            if record.count > 0 {
                try transaction.write(record, key)
            } else {
                try transaction.delete(key)
            }
        }
    }
}

/// The runs of each transport in this process, for `max_parallel`: one that must wait for another of our own waits,
/// and is deferred only when other processes have taken all turns.
package actor TransportTurns {
    private struct Runs {
        var count = 0
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let shared: SharedTurns
    private let whileWaiting: ConnectionPool.Waiting
    private var runs: [ByteString: Runs] = [:]

    /// Makes a count that begins with nothing.
    package init(_ shared: SharedTurns, whileWaiting: ConnectionPool.Waiting) {
        self.shared = shared
        self.whileWaiting = whileWaiting
    }

    /// Waits for a run of a transport; nil when other processes have as many as may be.
    package func begin(_ transport: ByteString, atMost limit: Int) async -> SharedTurns.Turn? {
        if runs[transport, default: Runs()].count >= limit {
            whileWaiting.begin()
            while runs[transport, default: Runs()].count >= limit {
                await withCheckedContinuation { runs[transport]?.waiters.append($0) }
            }
            // Taken before anything else is waited for, so that nobody takes it too.
            runs[transport, default: Runs()].count += 1
            whileWaiting.end()
        } else {
            runs[transport, default: Runs()].count += 1
        }
        if let turn = await shared.begin("tpt-serialize-\(transport)", atMost: limit) { return turn }
        leave(transport)
        return nil
    }

    /// Ends a run.
    package func end(_ turn: SharedTurns.Turn, _ transport: ByteString) async {
        await turn.end()
        leave(transport)
    }

    private func leave(_ transport: ByteString) {
        runs[transport]?.count -= 1
        let waiters = runs[transport]?.waiters ?? []
        // Each looks anew whether its turn has come.
        runs[transport]?.waiters = []
        waiters.forEach { $0.resume() }
    }
}
