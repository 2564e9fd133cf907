public import Bytes

extension LockedMessage {
    /// Ends the message's life, every recipient being settled: its log, `-D`, `-H`, then `Completed` is
    /// logged, then `-J`.
    ///
    /// - Parameter logCompleted: writes the line `Completed` to the main log.
    /// - Throws: when a file cannot be removed; the message stays, with its journal, and completes at the
    ///   next attempt.
    public consuming func complete(logCompleted: () -> Void) throws(SpoolError) {
        try spool.step(.removeMessageLog)
        try spool.retireMessageLog(of: id, in: place)
        try spool.step(.removeData)
        try System.unlink(spool.path(.data, of: id, in: place))
        try spool.step(.removeHeader)
        try System.unlink(spool.path(.header, of: id, in: place))
        logCompleted()
        try removeJournal()
    }

    /// Ends the message's life when its only recipient left has just been served, and no journal says so: `-H` goes first,
    /// since from then on nobody delivers it; then `-D`, then `Completed` is logged (spool-format/README.md, 6.4).
    ///
    /// - Parameters:
    ///   - key: what the journal says of the recipient, should `-H` not go.
    ///   - logCompleted: writes the line `Completed` to the main log.
    /// - Returns: what is to be made durable.
    /// - Throws: when a file cannot be removed; if it is `-H`, the message stays, with a journal, and completes at the next
    ///   attempt.
    public consuming func completeAtOnce(
        served key: ByteString, logCompleted: () -> Void
    ) throws(SpoolError) -> RemovedMessage {
        do throws(SpoolError) {
            try spool.step(.removeHeader)
            try System.unlink(spool.path(.header, of: id, in: place))
        } catch {
            if error.cause != .stopped, let written = try writeToJournal([key]) {
                try System.sync(open: written.descriptor, written.path)
            }
            throw error
        }
        try spool.step(.removeData)
        try System.unlink(spool.path(.data, of: id, in: place))
        try spool.step(.removeMessageLog)
        try spool.retireMessageLog(of: id, in: place)
        logCompleted()
        if replayedJournal { try removeJournal() }
        return RemovedMessage(spool: spool, directory: spool.directory("input", place))
    }

    /// Whether files of the message may be removed from its directory; to be asked before anybody is served without a journal.
    public func prepareRemoval() throws(SpoolError) {
        try System.checkMayChange(spool.directory("input", place))
    }

    /// Removes the message unread, as `-Mrm` does.
    public consuming func remove() throws(SpoolError) {
        try spool.removeFiles(of: id)
    }
}

/// What came of removing a message by its id.
public enum RemovalOutcome: Sendable, Hashable {
    /// All of it is gone.
    case removed
    /// There was no `-D`; what else there was is gone.
    case removedRemains
    /// Somebody is working on it; nothing was touched.
    case held
    /// There was nothing.
    case absent
}

extension Spool {
    /// Removes a message, also one that is malformed or has lost its `-D` or its `-H` (Exim's `-Mrm`).
    public func remove(_ id: MessageID) throws(SpoolError) -> RemovalOutcome {
        switch try lock(id) {
        case .held: return .held
        case .gone: return try removeFiles(of: id) ? .removedRemains : .absent
        case .acquired(let lock):
            try removeFiles(of: lock.id)
            return .removed
        }
    }

    /// Removes everything of a message in both places; whether there was anything.
    @discardableResult
    func removeFiles(of id: MessageID) throws(SpoolError) -> Bool {
        var found = false
        for place in [Place(subdirectory: id.subdirectory), .plain] {
            for (file, step) in Self.removalOrder {
                try self.step(step)
                if try System.unlink(path(file, of: id, in: place)) { found = true }
            }
        }
        return found
    }

    private static let removalOrder: [(MessageFile, SpoolStep)] = [
        (.messageLog, .removeMessageLog), (.data, .removeData), (.header, .removeHeader),
        (.journal, .removeJournal),
    ]

    /// Removes a message's own log, or keeps it in `msglog.OLD`, which is never split.
    func retireMessageLog(of id: MessageID, in place: Place) throws(SpoolError) {
        let log = path(.messageLog, of: id, in: place)
        guard preservesMessageLogs else {
            try System.unlink(log)
            return
        }
        try makeDirectories("msglog.OLD", .plain)
        do throws(SpoolError) {
            try System.rename(log, to: "\(directory("msglog.OLD", .plain))/\(id.bytes)")
        } catch  where error.isNotFound {
            return
        }
    }
}

// MARK: - Moving to another queue

extension LockedMessage {
    /// Moves the message to another queue of the spool; empty for the default queue (Exim's `-MG`).
    ///
    /// Under the lock all the time: `-D` is the same file in both queues. The new names are made durable
    /// before the old ones go; what fails before that is undone.
    public consuming func move(to queue: ByteString) throws(SpoolError) {
        let target = spool.named(queue)
        guard queue != spool.queue else { return }
        if replayedJournal || journalExists() { try writeHeader() }
        let there = target.newPlace(for: id)
        var made: [ByteString] = []
        do throws(SpoolError) {
            try link(to: target, there, made: &made)
        } catch {
            if error.cause != .stopped { for path in made.reversed() { try System.unlink(path) } }
            throw error
        }
        for (file, step) in Self.departureOrder {
            try spool.step(step)
            try System.unlink(spool.path(file, of: id, in: place))
        }
        try spool.sync(directory: spool.directory("input", place))
    }

    private static let departureOrder: [(MessageFile, SpoolStep)] = [
        (.header, .removeHeader), (.data, .removeData), (.messageLog, .removeMessageLog),
        (.journal, .removeJournal),
    ]

    private func link(to target: Spool, _ there: Place, made: inout [ByteString]) throws(SpoolError) {
        try target.makeDirectories("input", there)
        if spool.writesMessageLogs { try target.makeDirectories("msglog", there) }
        let arrivals: [(MessageFile, SpoolStep)] = [
            (.messageLog, .linkMessageLog), (.data, .linkData), (.header, .linkHeader),
        ]
        for (file, step) in arrivals {
            try spool.step(step)
            let path = target.path(file, of: id, in: there)
            do throws(SpoolError) {
                try System.link(spool.path(file, of: id, in: place), to: path)
                made.append(path)
            } catch  where error.isNotFound && file == .messageLog {
                continue
            }
        }
        try spool.step(.syncDirectory)
        try spool.sync(directory: target.directory("input", there))
    }

    private func journalExists() -> Bool {
        do throws(SpoolError) {
            return try System.status(of: spool.path(.journal, of: id, in: place)) != nil
        } catch {
            // Not knowing, the header is written once more; it does no harm.
            return true
        }
    }
}
