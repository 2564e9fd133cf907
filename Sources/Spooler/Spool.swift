public import Bytes

/// A user and a group, as numbers.
public struct FileOwner: Sendable, Hashable {
    /// The user's number.
    public var uid: UInt32
    /// The group's number.
    public var gid: UInt32

    /// Makes a pair.
    public init(uid: UInt32, gid: UInt32) {
        self.uid = uid
        self.gid = gid
    }
}

/// The files of one message.
public enum MessageFile: Sendable, Hashable, CaseIterable {
    /// `<id>-D`: the body. It carries the lock.
    case data
    /// `<id>-H`: envelope, state, header lines. With it a message is on the queue.
    case header
    /// `<id>-J`: the recipients that were served in the present delivery.
    case journal
    /// `hdr.<id>`: the next `-H`, before it is renamed.
    case temporaryHeader
    /// The message's own log, in `msglog`.
    case messageLog
}

/// Where in a queue a message lies: directly in `input`, or in one of the single-character directories.
public struct Place: Sendable, Hashable {
    /// The name of the directory below `input`; nil for `input` itself.
    public var subdirectory: UInt8?

    /// Makes a place.
    public init(subdirectory: UInt8?) { self.subdirectory = subdirectory }

    /// Directly in `input`.
    public static let plain = Place(subdirectory: nil)
}

/// How hard the spool tries to survive a crash of the machine.
public enum Durability: Sendable, Hashable {
    /// Exim's own order: each file is synchronised, then its directory.
    case eximOrder
    /// Nothing is synchronised; for scratch spools on file systems that forget anyway.
    case none
}

/// Exim's spool directory, or one named queue of it.
///
/// A value: it holds no file open. All writing to a spool goes through the functions of this type, in the
/// order that spool-format/README.md lays down.
public struct Spool: Sendable {
    /// The spool's directory (Exim's `spool_directory`).
    public var directory: ByteString
    /// The named queue; empty for the default one.
    public var queue: ByteString
    /// Whether new messages go into single-character directories (`split_spool_directory`); both kinds are
    /// read.
    public var isSplit: Bool
    /// Who shall own what is made; nil to leave it to the process.
    public var owner: FileOwner?
    /// Whether each message has a log of its own (`message_logs`).
    public var writesMessageLogs = true
    /// Whether such logs are kept in `msglog.OLD` (`preserve_message_logs`).
    public var preservesMessageLogs = false
    /// How hard the spool tries to survive a crash.
    public var durability = Durability.eximOrder
    /// Called before each step that changes files; throwing `.stopped` leaves everything as a crash would.
    public var beforeStep: (@Sendable (SpoolStep) throws(SpoolError) -> Void)?

    /// Makes a spool; nothing is touched yet.
    public init(
        directory: ByteString, isSplit: Bool = false, queue: ByteString = "", owner: FileOwner? = nil
    ) {
        self.directory = directory
        self.isSplit = isSplit
        self.queue = queue
        self.owner = owner
    }

    /// The mode of files: Exim's `SPOOL_MODE`.
    static let fileMode: UInt32 = 0o640
    /// How often a missing directory is made before that is an error.
    static let directoryAttempts = 3
    /// The mode of directories.
    static let directoryMode: UInt32 = 0o750

    /// The same spool, another queue; empty for the default queue.
    public func named(_ queue: ByteString) -> Spool {
        var other = self
        other.queue = queue
        return other
    }
}

/// Each single change to files, in the words of spool-format/README.md.
public enum SpoolStep: String, Sendable, Hashable, CaseIterable {
    /// Reception: `-D` is created, locked, written, synchronised.
    case createData, lockData, writeData, syncData
    /// Several receptions that commit together: their files are synchronised.
    case syncBatch
    /// Receptions that go through the commit log.
    case writeCommitLog, syncCommitLog, markCommitLog
    // A new -H, also of an update.
    case createHeader, writeHeader, syncHeader, renameHeader, syncDirectory, writeMessageLog
    // Delivery.
    case createJournal, writeJournal, syncJournal, removeJournal
    // The end.
    case removeMessageLog, removeData, removeHeader
    // Moving, handing over, placing.
    case linkMessageLog, linkData, linkHeader
}

// MARK: - Paths

extension Spool {
    /// The directory of the queue.
    var queueDirectory: ByteString { queue.isEmpty ? directory : "\(directory)/\(queue)" }

    /// The directory that a place means, for `input` or `msglog`.
    func directory(_ purpose: ByteString, _ place: Place) -> ByteString {
        var path = queueDirectory
        path.append(UInt8(ascii: "/"))
        path += purpose
        if let subdirectory = place.subdirectory {
            path.append(UInt8(ascii: "/"))
            path.append(subdirectory)
        }
        return path
    }

    /// The path of one of a message's files.
    public func path(_ file: MessageFile, of id: MessageID, in place: Place) -> ByteString {
        switch file {
        case .data: "\(directory("input", place))/\(id.bytes)-D"
        case .header: "\(directory("input", place))/\(id.bytes)-H"
        case .journal: "\(directory("input", place))/\(id.bytes)-J"
        case .temporaryHeader: "\(directory("input", place))/hdr.\(id.bytes)"
        case .messageLog: "\(directory("msglog", place))/\(id.bytes)"
        }
    }

    /// Where a new message goes.
    func newPlace(for id: MessageID) -> Place { Place(subdirectory: isSplit ? id.subdirectory : nil) }

    /// The two places where a message can lie, the more likely first.
    func places(for id: MessageID) -> [Place] {
        let split = Place(subdirectory: id.subdirectory)
        return isSplit ? [split, .plain] : [.plain, split]
    }

    /// Where a message's `-D` is, or nil when it has none.
    public func place(of id: MessageID) throws(SpoolError) -> Place? {
        for place in places(for: id) where try System.status(of: path(.data, of: id, in: place)) != nil {
            return place
        }
        return nil
    }
}

// MARK: - Making files and directories

extension Spool {
    /// Announces a step to whoever watches.
    func step(_ step: SpoolStep) throws(SpoolError) {
        try beforeStep?(step)
    }

    /// Creates a file that must not be there, with owner and mode; makes its directory when that is missing.
    func create(
        _ path: ByteString, _ flags: OpenFlags, in purpose: ByteString, _ place: Place
    ) throws(SpoolError) -> Descriptor {
        let descriptor = try open(path, creating: flags, in: purpose, place)
        try adopt(descriptor)
        return descriptor
    }

    /// Exim removes an empty single-character directory at any time, also just after it was made.
    private func open(
        _ path: ByteString, creating flags: OpenFlags, in purpose: ByteString, _ place: Place
    ) throws(SpoolError) -> Descriptor {
        for _ in 0..<Self.directoryAttempts {
            do throws(SpoolError) {
                return try System.open(path, flags.union(.create), mode: Self.fileMode)
            } catch  where error.isNotFound {
                try makeDirectories(purpose, place)
            }
        }
        return try System.open(path, flags.union(.create), mode: Self.fileMode)
    }

    /// Gives a file its owner and mode, unless it was made so, as in a receiver that runs as the mail user.
    func adopt(_ descriptor: borrowing Descriptor) throws(SpoolError) {
        let present = try descriptor.status()
        if let owner, present.owner != owner { try descriptor.setOwner(owner) }
        if present.permissions != Self.fileMode { try descriptor.setMode(Self.fileMode) }
    }

    /// Makes what is missing of the directories from the spool down to a place.
    func makeDirectories(_ purpose: ByteString, _ place: Place) throws(SpoolError) {
        try makeDirectory(directory)
        var path = directory
        for level in queue.split(separator: UInt8(ascii: "/")) {
            path += "/\(level)" as ByteString
            try makeDirectory(path)
        }
        try makeDirectory(directory(purpose, .plain))
        if place != .plain { try makeDirectory(directory(purpose, place)) }
    }

    private func makeDirectory(_ path: ByteString) throws(SpoolError) {
        guard try System.makeDirectory(path, mode: Self.directoryMode) else { return }
        if let owner, System.effectiveUser == 0 { try System.setOwner(owner, of: path) }
        if let slash = path.lastIndex(of: UInt8(ascii: "/")), slash > 0 {
            try sync(directory: ByteString(path[..<slash]))
        }
    }
}

// MARK: - Durability: the one place that decides what is synchronised, and when

extension Spool {
    /// Makes a file's content outlive a crash.
    func sync(file descriptor: borrowing Descriptor) throws(SpoolError) {
        guard durability == .eximOrder else { return }
        try descriptor.sync()
    }

    /// Makes the names in a directory outlive a crash; file systems that cannot are forgiven, as by Exim.
    func sync(directory path: ByteString) throws(SpoolError) {
        guard durability == .eximOrder else { return }
        let directory = try System.open(path, .directory)
        do throws(SpoolError) {
            try directory.sync()
        } catch  where error.errorNumber == System.invalidArgument {
            return
        }
    }
}
