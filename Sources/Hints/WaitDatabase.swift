package import Bytes

/// Which messages wait for which hosts, for a transport that sends several over one connection.
package struct WaitDatabase: Sendable {
    private let database: HintsDatabase
    /// The length of the ids that may be listed: 23, or 16 in a spool of short ids that no Exim 4.97 or later
    /// shares (such an Exim deletes all that a host's record lists when one id is short).
    private let idLength: Int

    /// Opens `wait-<transport>`; Exim cuts the transport's name at 200 octets.
    package init(_ settings: HintsSettings, transport: ByteString, idLength: Int = 23) {
        database = HintsDatabase(settings, name: "wait-\(ByteString(transport.prefix(200)))")
        self.idLength = idLength
    }

    /// Lists a message as waiting for each of the hosts, in one transaction; an id of another length never is.
    package func add(_ id: ByteString, hosts: [ByteString]) async -> HintsOutcome<Void> {
        guard id.count == idLength, !hosts.isEmpty else { return .done(()) }
        let length = idLength
        return await database.update { transaction in
            var previous: ByteString?
            for host in hosts where host != previous {
                try WaitList(transaction: transaction, host: host, idLength: length).add(id)
                previous = host
            }
        }
    }

    /// Takes the next message that waits for a host off the list; nil when there is none.
    ///
    /// Ids of messages that no longer exist are dropped, and that of the message just sent. The closures run while
    /// no lock is held; when another process takes the chosen message meanwhile, the search goes on.
    package func takeNext(
        host: ByteString, after current: ByteString, exists: @Sendable (ByteString) async -> Bool,
        suits: @Sendable (ByteString) async -> Bool
    ) async -> HintsOutcome<ByteString?> {
        let length = idLength
        for _ in 0..<Self.mostRounds {
            let listed: [ByteString]
            switch await database.read({ try $0.read(WaitRecord.self, host) }) {
            case .done(let record?): listed = record.ids
            case .done(nil): return .done(nil)
            case .givenUp(let trouble): return .givenUp(trouble)
            }
            let (dropped, wanted) = await choose(listed, after: current, exists: exists, suits: suits)
            let outcome = await database.update { transaction in
                try WaitList(transaction: transaction, host: host, idLength: length)
                    .drop(dropped, taking: wanted)
            }
            switch outcome {
            case .givenUp(let trouble): return .givenUp(trouble)
            case .done(.took): return .done(wanted)
            case .done(.nothingLeft): return .done(nil)
            case .done(.more):
                if wanted == nil, dropped.count < listed.count { return .done(nil) }
            }
        }
        return .done(nil)
    }

    /// The ids to drop before the one to take, and that one.
    private func choose(
        _ listed: [ByteString], after current: ByteString, exists: @Sendable (ByteString) async -> Bool,
        suits: @Sendable (ByteString) async -> Bool
    ) async -> (gone: Set<ByteString>, chosen: ByteString?) {
        var gone: Set<ByteString> = []
        for id in listed {
            let isCandidate = id == current ? false : await exists(id)
            if !isCandidate {
                gone.insert(id)
            } else if await suits(id) {
                return (gone, id)
            }
        }
        return (gone, nil)
    }

    /// The most records looked at for one choice: the main record and every continuation that may exist.
    private static let mostRounds = Int(HintsLimits.waitContinuations) + 1

    /// The ids of a host's main record, oldest first.
    package func ids(of host: ByteString) async -> HintsOutcome<[ByteString]> {
        await database.read { try $0.read(WaitRecord.self, host)?.ids ?? [] }
    }

    /// Takes a message off the lists of hosts, wherever in them it is.
    package func remove(_ id: ByteString, hosts: [ByteString]) async -> HintsOutcome<Void> {
        let length = idLength
        return await database.update { transaction in
            for host in hosts {
                try WaitList(transaction: transaction, host: host, idLength: length).remove(id)
            }
        }
    }

    /// Releases the file.
    package func close() async { await database.close() }
}

/// The main record of a host and its continuations `<host>:0`, `<host>:1` and so on, inside one transaction.
struct WaitList {
    let transaction: HintsTransaction
    let host: ByteString
    let idLength: Int

    /// What became of a wish to take a message.
    enum Taking: Sendable { case took, more, nothingLeft }

    /// Appends an id, unless it is listed; a full main record becomes a continuation.
    func add(_ id: ByteString) throws {
        var record = try transaction.read(WaitRecord.self, host) ?? WaitRecord()
        if try isListed(id, record) { return }
        if record.ids.contains(where: { $0.count != idLength }) {
            try deleteAll(record)
            record = WaitRecord()
        }
        if record.ids.count >= HintsLimits.waitIDs {
            guard record.sequence < HintsLimits.waitContinuations else { return }
            try transaction.write(record, continuation(record.sequence))
            record = WaitRecord(sequence: record.sequence + 1)
        }
        record.ids.append(id)
        try transaction.write(record, host)
    }

    /// Drops ids from the main record, and takes one; an emptied main record is filled from the continuations.
    func drop(_ gone: Set<ByteString>, taking chosen: ByteString?) throws -> Taking {
        guard var record = try transaction.read(WaitRecord.self, host) else { return .nothingLeft }
        let before = record.ids
        record.ids.removeAll { gone.contains($0) }
        var took = false
        if let chosen, let place = record.ids.firstIndex(of: chosen) {
            record.ids.remove(at: place)
            took = true
        }
        let unchanged = record.ids == before && !before.isEmpty
        let left = try unchanged || rewrite(record)
        return took ? .took : left ? .more : .nothingLeft
    }

    /// Removes an id from the main record or a continuation.
    func remove(_ id: ByteString) throws {
        guard var record = try transaction.read(WaitRecord.self, host) else { return }
        if let place = record.ids.firstIndex(of: id) {
            record.ids.remove(at: place)
            _ = try rewrite(record)
            return
        }
        for number in (0..<record.sequence).reversed() {
            let key = continuation(number)
            guard var more = try transaction.read(WaitRecord.self, key),
                let place = more.ids.firstIndex(of: id)
            else { continue }
            more.ids.remove(at: place)
            if more.ids.isEmpty { try transaction.delete(key) } else { try transaction.write(more, key) }
            return
        }
    }

    /// Writes the main record; an empty one is replaced by the highest continuation, or deleted.
    ///
    /// False when nothing is left.
    private func rewrite(_ record: WaitRecord) throws -> Bool {
        if !record.ids.isEmpty {
            try transaction.write(record, host)
            return true
        }
        for number in (0..<record.sequence).reversed() {
            let key = continuation(number)
            guard let more = try transaction.read(WaitRecord.self, key) else { continue }
            try transaction.delete(key)
            if more.ids.isEmpty { continue }
            try transaction.write(more, host)
            return true
        }
        try transaction.delete(host)
        return false
    }

    private func isListed(_ id: ByteString, _ record: WaitRecord) throws -> Bool {
        if record.ids.contains(id) { return true }
        for number in (0..<record.sequence).reversed()
        where try transaction.read(WaitRecord.self, continuation(number))?.ids.contains(id) == true {
            return true
        }
        return false
    }

    private func deleteAll(_ record: WaitRecord) throws {
        try transaction.delete(host)
        for number in 0..<record.sequence { try transaction.delete(continuation(number)) }
    }

    private func continuation(_ number: Int32) -> ByteString { Self.continuation(of: host, number) }

    /// The key of a continuation; Exim cuts the host's name at 200 octets there.
    static func continuation(of host: ByteString, _ number: Int32) -> ByteString {
        "\(ByteString(host.prefix(200))):\(number)"
    }
}
