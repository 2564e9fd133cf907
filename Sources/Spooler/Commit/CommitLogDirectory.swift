public import Bytes

/// What was found in a commit log that its last owner did not close.
public struct CommitRecovery: Sendable, Equatable {
    /// Messages whose files were made anew from the log.
    public var restored: [MessageID] = []
    /// Messages whose files were whole, and got their names.
    public var completed: [MessageID] = []

    /// What the main log says of each message.
    public var logLines: [(id: MessageID, text: ByteString)] {
        restored.map { ($0, "restored from the commit log") }
            + completed.map { ($0, "completed from the commit log") }
    }

    /// Whether there was nothing to do.
    public var isEmpty: Bool { restored.isEmpty && completed.isEmpty }
}

/// A segment of the log, held open.
final class SegmentFile: Sendable {
    private let file: Descriptor

    init(_ file: consuming Descriptor) { self.file = file }

    func write(_ octets: [UInt8], at offset: Int) throws(SpoolError) {
        try System.write(octets.span, at: offset, toOpen: file.raw, file.path)
    }

    func sync() throws(SpoolError) { try file.syncContent() }

    /// Writes block 0, durably.
    func write(head: CommitLogSegment.Head) throws(SpoolError) {
        try write(CommitLogSegment.octets(of: head), at: 0)
        try sync()
    }
}

/// The commit log's directory, locked: what others left in it can be recovered, and segments be made.
final class CommitLogDirectory: Sendable {
    private let spool: Spool
    private let path: ByteString
    /// Locked for as long as this lives.
    private let lock: Descriptor

    /// Locks the log of a spool; nil when another process has it, or when there is none and none is to be made.
    init?(_ spool: Spool, creating: Bool, isPatient: Bool = false) throws(SpoolError) {
        self.spool = spool.named("")
        path = Self.path(in: spool)
        if creating {
            if try System.makeDirectory(path, mode: Spool.directoryMode), let owner = spool.owner,
                System.effectiveUser == 0
            {
                try System.setOwner(owner, of: path)
            }
        } else if try System.status(of: path) == nil {
            return nil
        }
        let lock = try System.open("\(path)/lock", [.readWrite, .create], mode: Spool.fileMode)
        try spool.adopt(lock)
        guard try Self.take(lock, patiently: isPatient) else { return nil }
        self.lock = lock
    }

    /// Who only recovers holds the lock for a moment, for which a receiver waits.
    private static func take(_ lock: borrowing Descriptor, patiently: Bool) throws(SpoolError) -> Bool {
        for _ in 0..<(patiently ? attempts : 1) {
            if try lock.lockPrefix(1) { return true }
            if patiently { System.pause(milliseconds: 50) }
        }
        return false
    }

    /// How often a receiver tries to get the lock.
    private static let attempts = 5

    /// Lets others have the log.
    func unlock() { lock.unlockPrefix(1) }

    /// How much is written at once into a new segment, whose size is a multiple of it.
    private static let zeros = 256 << 10
    /// More than any segment has.
    private static let largestSegment = 64 << 20

    static func path(in spool: Spool) -> ByteString { "\(spool.directory)/bobbin-commit" }

    private func segmentPath(_ number: Int) -> ByteString { "\(path)/\(number + 1)" }

    /// Makes the segments, where there are none of the right size, full of zeros: writing never makes them grow.
    ///
    /// - Throws: also where that would leave little room for mail; then nothing of a new segment stays.
    func makeSegments(of size: Int) throws(SpoolError) -> [SegmentFile] {
        var files: [SegmentFile] = []
        for number in 0..<2 { files.append(SegmentFile(try segment(segmentPath(number), size))) }
        try spool.sync(directory: path)
        return files
    }

    private func segment(_ path: ByteString, _ size: Int) throws(SpoolError) -> Descriptor {
        let file = try System.open(path, [.readWrite, .create], mode: Spool.fileMode)
        guard try file.status().size != size else { return file }
        do throws(SpoolError) {
            try spool.adopt(file)
            guard try System.freeSpace(at: self.path) >= Self.room * size else {
                throw SpoolError("write", path, .refused("that would leave little room; make some"))
            }
            try file.truncate(to: 0)
            let zeros = [UInt8](repeating: 0, count: Self.zeros)
            for offset in stride(from: 0, to: size, by: zeros.count) {
                try System.write(zeros.span, at: offset, toOpen: file.raw, path)
            }
            try spool.sync(file: file)
        } catch {
            System.unlinkQuietly(path)
            throw error
        }
        return file
    }

    /// How many times a segment's size must be free for it to be made.
    private static let room = 8
}

// MARK: - Recovery

extension CommitLogDirectory {
    /// Brings every message of the log onto the queue that is not there, and empties the log; gives the first
    /// generation that was never used.
    ///
    /// - Throws: where that fails: the log is left as it is, and must not be used; what has been brought has its mark.
    func recover(_ report: (CommitRecovery) -> Void) throws(SpoolError) -> UInt32 {
        var generation: UInt32 = 0
        var inUse: [LeftSegment] = []
        for number in 0..<2 {
            let path = segmentPath(number)
            guard let head = try head(of: path) else { continue }
            generation = max(generation, head.generation)
            if head.isInUse { inUse.append(LeftSegment(path: path, generation: head.generation)) }
        }
        inUse.sort { $0.generation < $1.generation }
        var recovery = CommitRecovery()
        defer { if !recovery.isEmpty { report(recovery) } }
        for segment in inUse { try recover(segment, &recovery) }
        for segment in inUse {
            let head = CommitLogSegment.Head(generation: segment.generation, isInUse: false)
            try SegmentFile(System.open(segment.path, .readWrite)).write(head: head)
        }
        return generation + 1
    }

    /// A segment that its last owner has not emptied.
    private struct LeftSegment {
        let path: ByteString
        let generation: UInt32
    }

    /// What block 0 says; nil where there is no segment, or none that was ever used.
    private func head(of path: ByteString) throws(SpoolError) -> CommitLogSegment.Head? {
        let file: Descriptor
        do throws(SpoolError) {
            file = try System.open(path, .nonBlocking)
        } catch  where error.isNotFound {
            return nil
        }
        var block = [UInt8](repeating: 0, count: CommitLogSegment.blockSize)
        let count = try file.read(at: 0, into: &block)
        if let head = CommitLogSegment.head(of: Array(block.prefix(count))) { return head }
        if block.contains(where: { $0 != 0 }) { try setAside(path) }
        return nil
    }

    /// A segment whose head cannot be read is kept for people; its records cannot be told from older ones.
    private func setAside(_ path: ByteString) throws(SpoolError) {
        try System.rename(path, to: "\(path).damaged-\(SpoolTime.now().seconds)")
    }

    private func recover(
        _ segment: LeftSegment, _ recovery: inout CommitRecovery
    ) throws(SpoolError) {
        let file = try System.open(segment.path, .readWrite)
        let octets = try file.readAll(limit: Self.largestSegment)
        for found in CommitLogSegment.messages(in: octets, segment.generation) {
            let spool = spool.named(found.message.queue)
            let (id, place) = (found.message.id, found.message.place)
            // With a -H the message is on the queue, whatever became of it since.
            if try System.status(of: spool.path(.header, of: id, in: place)) != nil { continue }
            if found.isDurable {
                if try complete(found.message, in: spool) { recovery.completed.append(id) }
            } else {
                // Marked as ever: a second recovery does not bring back what has been delivered since the first.
                try restore(found.message, in: spool) { () throws(SpoolError) in
                    var mark: [UInt8] = []
                    mark.append(littleEndian: segment.generation)
                    let offset = CommitLogSegment.markOffset(found.index)
                    try System.write(mark.span, at: offset, toOpen: file.raw, file.path)
                    try file.syncContent()
                }
                recovery.restored.append(id)
            }
        }
    }

    /// Its files were whole: without a temporary header file it has been on the queue, and is delivered.
    private func complete(_ message: LoggedMessage, in spool: Spool) throws(SpoolError) -> Bool {
        let (id, place) = (message.id, message.place)
        guard try System.status(of: spool.path(.temporaryHeader, of: id, in: place)) != nil,
            try System.status(of: spool.path(.data, of: id, in: place)) != nil
        else { return false }
        try spool.renameTemporary(of: id, in: place)
        try spool.step(.syncDirectory)
        try spool.sync(directory: spool.directory("input", place))
        // A message without a first line in its own log is a message all the same.
        _ = try spool.beginMessageLog(message.firstLogLine, of: id, in: place)
        return true
    }

    /// Makes both files anew: nobody can have seen a `-H` before the mark.
    private func restore(
        _ message: LoggedMessage, in spool: Spool, marking: () throws(SpoolError) -> Void
    ) throws(SpoolError) {
        let (id, place) = (message.id, message.place)
        let path = spool.path(.data, of: id, in: place)
        try spool.step(.createData)
        let data = try spool.create(path, .readWrite, in: "input", place)
        guard try data.lockPrefix(id.lockLength) else {
            throw SpoolError(
                "recover", path, .refused("the commit log has this message, and another process holds it"))
        }
        try data.truncate(to: 0)
        let held = HeldMessage(MessageLock(id: id, place: place, data: data))
        let order = CommitOrder(
            spool: spool, id: id, place: place, held: held, begun: 0, data: message.data.bytes, written: 0,
            isWhole: true, header: message.header, firstLogLine: message.firstLogLine)
        _ = try order.settleAlone(marking: marking).get()
        held.settle()
        held.release()
    }
}

extension Spool {
    /// Brings onto the queue what a receiver that was killed, or a machine that went down, left in the commit log;
    /// nil when a receiver has the log now (and has recovered it), or when there is none.
    ///
    /// - Throws: where that fails: the log stays as it is, and nothing of it is lost.
    public func recoverCommits() throws(SpoolError) -> CommitRecovery? {
        guard let directory = try CommitLogDirectory(self, creating: false) else { return nil }
        var recovery = CommitRecovery()
        _ = try directory.recover { recovery = $0 }
        return recovery
    }
}
