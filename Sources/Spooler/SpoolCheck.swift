public import Bytes

/// Something in the spool that is not as it should be.
public struct SpoolFinding: Sendable, Equatable {
    /// What it is.
    public enum Kind: Sendable, Equatable {
        /// `-D` without `-H`: a reception that was never acknowledged. Exim never removes it.
        case loneData(age: Int64)
        /// `-H` without `-D`: the body is lost. Exim lists it for ever and never delivers it.
        case loneHeader
        /// `-J` without `-H`: left by a crash at the very end of a completion.
        case loneJournal
        /// `hdr.<id>`: left by a crash while `-H` was being written.
        case leftoverTemporary
        /// A message's own log without a message.
        case loneMessageLog
        /// `-H` is refused.
        case malformed(SpoolFormatError)
        /// `-D` does not begin with its name; Exim delivers it without its first octets.
        case badDataFile
        /// The non-recipients tree is out of order; Exim delivers to some of its names again.
        case treeOutOfOrder
    }

    /// What it is.
    public var kind: Kind
    /// The message.
    public var id: MessageID
    /// Where it lies.
    public var place: Place
    /// The file meant.
    public var path: ByteString

    /// Whether `Spool.repair` can put it right without losing mail.
    public var isRepairable: Bool {
        switch kind {
        case .loneData, .loneJournal, .leftoverTemporary, .loneMessageLog, .treeOutOfOrder: true
        case .loneHeader, .malformed, .badDataFile: false
        }
    }
}

/// What came of repairing a finding.
public enum RepairOutcome: Sendable, Hashable {
    /// It is put right.
    case repaired
    /// It is no longer so.
    case vanished
    /// Somebody is working on the message.
    case held
    /// Only people can decide what to do.
    case leftToPeople
}

extension Spool {
    /// Looks through a queue in constant memory, and tells of everything that is not as it should be.
    ///
    /// Messages at work (receptions, deliveries) look unfinished; so a file counts only from an age on, and
    /// `repair` looks again under the lock.
    ///
    /// - Parameters:
    ///   - age: how many seconds a file without its partner must be old; an hour is plenty for deliveries,
    ///     a day for slow receptions.
    ///   - now: the present, in seconds since 1970.
    public func check(
        olderThan age: Int64, now: Int64, _ found: (SpoolFinding) -> Void
    ) throws(SpoolError) {
        var names = try NameWalk(self)
        while let (name, place) = try names.next() {
            guard let (id, file) = Self.messageFile(named: name) else { continue }
            let path = path(file, of: id, in: place)
            guard let kind = try finding(file, id, place, age: age, now: now) else { continue }
            found(SpoolFinding(kind: kind, id: id, place: place, path: path))
        }
        try checkMessageLogs(olderThan: age, now: now, found)
    }

    private static func messageFile(named name: [UInt8]) -> (MessageID, MessageFile)? {
        if name.starts(with: "hdr.".utf8) {
            return MessageID(name.dropFirst(4)).map { ($0, .temporaryHeader) }
        }
        guard let id = MessageID(name.dropLast(2)) else { return nil }
        switch name.suffix(2) {
        case [UInt8(ascii: "-"), UInt8(ascii: "D")]: return (id, .data)
        case [UInt8(ascii: "-"), UInt8(ascii: "H")]: return (id, .header)
        case [UInt8(ascii: "-"), UInt8(ascii: "J")]: return (id, .journal)
        default: return nil
        }
    }

    private func finding(
        _ file: MessageFile, _ id: MessageID, _ place: Place, age: Int64, now: Int64
    ) throws(SpoolError) -> SpoolFinding.Kind? {
        guard let status = try System.status(of: path(file, of: id, in: place)) else { return nil }
        let old = now &- status.modified
        switch file {
        case .header: return try headerFinding(id, place)
        case .temporaryHeader: return old >= age ? .leftoverTemporary : nil
        case .data, .journal:
            guard old >= age, try !exists(.header, id, place) else { return nil }
            return file == .data ? .loneData(age: old) : .loneJournal
        case .messageLog: return nil
        }
    }

    private func exists(_ file: MessageFile, _ id: MessageID, _ place: Place) throws(SpoolError) -> Bool {
        try System.status(of: path(file, of: id, in: place)) != nil
    }

    private func headerFinding(_ id: MessageID, _ place: Place) throws(SpoolError) -> SpoolFinding.Kind? {
        switch try read(id, at: place) {
        case .gone: return nil
        case .malformed(let message): return .malformed(message.error)
        case .message(let message):
            // Both may have gone between the two looks.
            guard let size = message.bodySize else {
                return try exists(.header, id, place) ? .loneHeader : nil
            }
            if size < 0 { return .badDataFile }
            if !message.header.nonRecipients.isInOrder { return .treeOutOfOrder }
            return try dataFinding(id, place)
        }
    }

    private func dataFinding(_ id: MessageID, _ place: Place) throws(SpoolError) -> SpoolFinding.Kind? {
        do throws(SpoolError) {
            let data = try System.open(path(.data, of: id, in: place), .nonBlocking)
            return try data.begins(with: "\(id.bytes)-D\n") ? nil : .badDataFile
        } catch  where error.isNotFound {
            return nil
        }
    }

    private func checkMessageLogs(
        olderThan age: Int64, now: Int64, _ found: (SpoolFinding) -> Void
    ) throws(SpoolError) {
        var names = try NameWalk(self, purpose: "msglog")
        while let (name, place) = try names.next() {
            guard let id = MessageID(name), try !exists(.header, id, place), try !exists(.data, id, place)
            else { continue }
            let path = path(.messageLog, of: id, in: place)
            guard let status = try System.status(of: path), now &- status.modified >= age else { continue }
            found(SpoolFinding(kind: .loneMessageLog, id: id, place: place, path: path))
        }
    }
}

// MARK: - Repair

extension Spool {
    /// Puts a finding right where that cannot lose mail, looking again first, under the lock where there is
    /// one.
    public func repair(_ finding: SpoolFinding) throws(SpoolError) -> RepairOutcome {
        guard finding.isRepairable else { return .leftToPeople }
        switch try lock(finding.id) {
        case .held: return .held
        case .gone: return try repairUnlocked(finding)
        case .acquired(let lock): return try repair(finding, lock)
        }
    }

    /// Without `-D` nobody can be working on the message.
    private func repairUnlocked(_ finding: SpoolFinding) throws(SpoolError) -> RepairOutcome {
        switch finding.kind {
        case .loneJournal, .leftoverTemporary, .loneMessageLog:
            return try System.unlink(finding.path) ? .repaired : .vanished
        default: return .vanished
        }
    }

    private func repair(
        _ finding: SpoolFinding, _ lock: borrowing MessageLock
    ) throws(SpoolError) -> RepairOutcome {
        let isQueued = try exists(.header, lock.id, lock.place)
        switch finding.kind {
        case .loneData where !isQueued:
            try removeFiles(of: lock.id)
            return .repaired
        case .leftoverTemporary:
            return try System.unlink(finding.path) ? .repaired : .vanished
        case .treeOutOfOrder where isQueued:
            return try putTreeInOrder(lock.id, lock.place)
        default:
            return .vanished
        }
    }

    private func putTreeInOrder(_ id: MessageID, _ place: Place) throws(SpoolError) -> RepairOutcome {
        guard case .message(var message) = try read(id, at: place), !message.header.nonRecipients.isInOrder
        else {
            return .vanished
        }
        message.header.nonRecipients.putInOrder()
        try writeHeader(message.header, in: place)
        return .repaired
    }
}
