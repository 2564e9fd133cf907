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
}

/// The commit log's directory, locked: what others left in it can be recovered, and segments be made.
final class CommitLogDirectory: Sendable {
    private let spool: Spool
    private let path: ByteString
    /// Locked for as long as this lives.
    private let lock: Descriptor

    /// Locks the log of a spool; nil when another process has it, or when there is none and none is to be made.
    init?(_ spool: Spool, creating: Bool) throws(SpoolError) {
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
        guard try Self.take(lock, patiently: creating) else { return nil }
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
    func makeSegments(of size: Int) throws(SpoolError) -> [SegmentFile] {
        let zeros = [UInt8](repeating: 0, count: Self.zeros)
        var files: [SegmentFile] = []
        for number in 0..<2 {
            let path = segmentPath(number)
            let file = try System.open(path, [.readWrite, .create], mode: Spool.fileMode)
            try spool.adopt(file)
            if try file.status().size != size {
                try file.truncate(to: 0)
                for offset in stride(from: 0, to: size, by: zeros.count) {
                    try System.write(zeros.span, at: offset, toOpen: file.raw, path)
                }
                try spool.sync(file: file)
            }
            files.append(SegmentFile(file))
        }
        try spool.sync(directory: path)
        return files
    }
}

// MARK: - Recovery

extension CommitLogDirectory {
    /// Brings every message of the log onto the queue that is not there, and empties the log; gives the first
    /// generation that was never used.
    ///
    /// - Throws: where that fails: the log is left as it is, and must not be used.
    func recover(_ report: (CommitRecovery) -> Void) throws(SpoolError) -> UInt32 {
        var generation: UInt32 = 0
        var messages: [(generation: UInt32, message: LoggedMessage, isDurable: Bool)] = []
        var inUse: [(path: ByteString, generation: UInt32)] = []
        for number in 0..<2 {
            let path = segmentPath(number)
            guard let octets = try System.read(path, limit: Self.largestSegment), !octets.isEmpty else {
                continue
            }
            guard let head = CommitLogSegment.head(of: octets) else {
                if octets.contains(where: { $0 != 0 }) { try setAside(path) }
                continue
            }
            generation = max(generation, head.generation)
            guard head.isInUse else { continue }
            inUse.append((path, head.generation))
            messages += CommitLogSegment.messages(in: octets, head.generation)
                .map { (head.generation, $0.message, $0.isDurable) }
        }
        var recovery = CommitRecovery()
        for (_, message, isDurable) in messages.sorted(by: { $0.generation < $1.generation }) {
            try recover(message, isDurable, &recovery)
        }
        for (path, generation) in inUse { try empty(path, generation) }
        if !recovery.isEmpty { report(recovery) }
        return generation + 1
    }

    /// A segment whose head cannot be read is kept for people; its records cannot be told from older ones.
    private func setAside(_ path: ByteString) throws(SpoolError) {
        try System.rename(path, to: "\(path).damaged-\(SpoolTime.now().seconds)")
    }

    private func empty(_ path: ByteString, _ generation: UInt32) throws(SpoolError) {
        let file = try System.open(path, .readWrite)
        let head = CommitLogSegment.octets(of: .init(generation: generation, isInUse: false))
        try System.write(head.span, at: 0, toOpen: file.raw, path)
        try spool.sync(file: file)
    }

    private func recover(
        _ message: LoggedMessage, _ isDurable: Bool, _ recovery: inout CommitRecovery
    ) throws(SpoolError) {
        let spool = spool.named(message.queue)
        let (id, place) = (message.id, message.place)
        // With a -H the message is on the queue, whatever became of it since.
        if try System.status(of: spool.path(.header, of: id, in: place)) != nil { return }
        if isDurable {
            // Its files were whole: without a temporary header file it has been on the queue, and is delivered.
            guard try System.status(of: spool.path(.temporaryHeader, of: id, in: place)) != nil,
                try System.status(of: spool.path(.data, of: id, in: place)) != nil
            else { return }
            try spool.renameTemporary(of: id, in: place)
            try spool.step(.syncDirectory)
            try spool.sync(directory: spool.directory("input", place))
            recovery.completed.append(id)
        } else {
            try restore(message, in: spool)
            recovery.restored.append(id)
        }
        // A message without a first line in its own log is a message all the same.
        _ = try spool.beginMessageLog(message.firstLogLine, of: id, in: place)
    }

    /// Makes both files anew: nobody can have seen a `-H` before the mark.
    private func restore(_ message: LoggedMessage, in spool: Spool) throws(SpoolError) {
        let (id, place) = (message.id, message.place)
        let path = spool.path(.data, of: id, in: place)
        try spool.step(.createData)
        let data = try spool.create(path, .readWrite, in: "input", place)
        guard try data.lockPrefix(id.lockLength) else {
            throw SpoolError(
                "recover", path, .refused("the commit log has this message, and another process holds it"))
        }
        try spool.step(.writeData)
        try data.truncate(to: 0)
        try System.write(message.data.bytes.span, at: 0, toOpen: data.raw, path)
        try spool.step(.syncData)
        try spool.sync(file: data)
        try spool.writeHeader(message.header, of: id, in: place)
        data.unlockPrefix(id.lockLength)
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
