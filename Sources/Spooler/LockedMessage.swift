public import Bytes

/// A message on the queue, locked and read: the only way to change it.
///
/// The lock ends with the value. A journal that an earlier delivery left over has been replayed into
/// `header`, and `-H` been rewritten.
public struct LockedMessage: ~Copyable, Sendable {
    /// The spool that the message is in.
    public let spool: Spool
    /// What `-H` says, and will say after `writeHeader()`.
    public var header: HeaderFile
    /// The size of the body.
    public let bodySize: Int
    /// Whether a leftover journal was replayed.
    public let replayedJournal: Bool
    let lock: MessageLock
    private var journal: Descriptor?
    private var isJournalSpoilt = false

    init(
        _ spool: Spool, _ lock: consuming MessageLock, _ header: HeaderFile, replayedJournal: Bool
    ) throws(SpoolError) {
        self.spool = spool
        self.header = header
        self.replayedJournal = replayedJournal
        bodySize = try lock.bodySize()
        self.lock = lock
        journal = nil
    }

    /// The message.
    public var id: MessageID { lock.id }
    /// Where it lies.
    public var place: Place { lock.place }
}

/// What came of trying to open a message for work.
public enum OpenOutcome: ~Copyable, Sendable {
    /// The message is ours, read, with its journal replayed.
    case opened(LockedMessage)
    /// Somebody else is working on it.
    case held
    /// There is neither `-D` nor `-H`: it was completed or removed.
    case gone
    /// There is `-H` without `-D`: the body is lost, and people must look at it.
    case noData
    /// There is `-D` without `-H`: an incomplete reception.
    case noHeader
    /// `-H` cannot be read; everything is left where it is.
    case malformed(MalformedMessage)
}

extension Spool {
    /// Locks a message and reads it; replays a leftover journal and rewrites `-H` at once.
    public func open(_ id: MessageID) throws(SpoolError) -> OpenOutcome {
        switch try lock(id) {
        case .held: return .held
        case .gone: return try headerExists(id) ? .noData : .gone
        case .acquired(let lock): return try open(lock)
        }
    }

    private func headerExists(_ id: MessageID) throws(SpoolError) -> Bool {
        for place in places(for: id) where try System.status(of: path(.header, of: id, in: place)) != nil {
            return true
        }
        return false
    }

    private func open(_ lock: consuming MessageLock) throws(SpoolError) -> OpenOutcome {
        let (id, place) = (lock.id, lock.place)
        let file = path(.header, of: id, in: place)
        guard let octets = try System.read(file, limit: HeaderFile.maximumFileSize) else { return .noHeader }
        var header: HeaderFile
        do throws(SpoolFormatError) {
            header = try HeaderFile(parsing: ByteString(octets), named: id)
        } catch {
            return .malformed(try malformed(ByteString(octets), id, place, error))
        }
        let leftover = try replay(into: &header, place)
        return .opened(try LockedMessage(self, lock, header, replayedJournal: leftover))
    }

    /// Joins a leftover journal and writes `-H`; cuts a torn last line off, so that the next line begins at
    /// its own.
    private func replay(into header: inout HeaderFile, _ place: Place) throws(SpoolError) -> Bool {
        guard let journal = try journal(of: header.id, in: place) else { return false }
        header.join(journal)
        try writeHeader(header, in: place)
        if journal.isTorn {
            let file = try System.open(path(.journal, of: header.id, in: place), .readWrite)
            try file.truncate(to: journal.wholeSize)
        }
        return true
    }
}

// MARK: - During a delivery

extension LockedMessage {
    /// Writes `header` as the new `-H`, and makes it durable.
    public mutating func writeHeader() throws(SpoolError) {
        header.id = id
        try spool.writeHeader(header, in: place)
    }

    /// Notes addresses that were served, in their unique form, with one write and one sync.
    ///
    /// What is noted is never delivered again, whatever happens before `-H` is next written. The journal is
    /// made when there is none. Exim cuts lines at 500 octets; whole ones are written here, and Exim reads
    /// them.
    public mutating func appendToJournal(_ addresses: [ByteString]) throws(SpoolError) {
        guard try writeToJournal(addresses) != nil else { return }
        try spool.step(.syncJournal)
        try syncJournal()
    }

    /// Notes addresses that were served, with one write: every program sees it, and it outlives this one, but not a crash
    /// of the machine, unless a `JournalGroup` has synchronised it.
    ///
    /// - Returns: what is to be synchronised, while the message is held; nil where there was nothing to write.
    public mutating func writeToJournal(_ addresses: [ByteString]) throws(SpoolError) -> WrittenJournal? {
        guard !addresses.isEmpty else { return nil }
        try openJournal()
        try spool.step(.writeJournal)
        try write(toJournal: addresses.flatMap(Journal.line))
        switch journal {
        case .some(let file):
            return WrittenJournal(
                descriptor: file.raw, spool: spool, path: file.path, written: System.uptime)
        case .none: return nil
        }
    }

    /// Makes the journal, with room for some lines, when there is none: to be called before anybody is served.
    ///
    /// - Throws: where it cannot be had, as on a full disk; whoever is served then would be served again and again.
    public mutating func prepareJournal() throws(SpoolError) {
        guard journal == nil else { return }
        let isNew = try openJournal()
        do throws(SpoolError) {
            switch journal {
            case .some(let file): try file.reserve(Self.journalRoom)
            case .none: return
            }
        } catch {
            if isNew, error.cause != .stopped {
                journal = nil
                System.unlinkQuietly(spool.path(.journal, of: id, in: place))
            }
            throw error
        }
    }

    /// How many octets of the disk a journal is given before it is needed.
    static let journalRoom = 4096

    /// Appends lines, all or none: a line that follows half a one would be lost, or be read as another address.
    private mutating func write(toJournal octets: [UInt8]) throws(SpoolError) {
        guard !isJournalSpoilt else {
            throw SpoolError(
                "write", spool.path(.journal, of: id, in: place),
                .refused("a line of it has been written in part"))
        }
        switch journal {
        case .some(let file):
            let (done, failure) = file.writeSome(octets.span)
            guard let failure else { return }
            isJournalSpoilt = done > 0 && !file.cutOff(done)
            throw failure
        case .none: return
        }
    }

    /// Opens the journal; whether it was made just now.
    @discardableResult
    private mutating func openJournal() throws(SpoolError) -> Bool {
        guard journal == nil else { return false }
        let path = spool.path(.journal, of: id, in: place)
        do throws(SpoolError) {
            journal = try System.open(path, [.readWrite, .append])
            return false
        } catch  where error.isNotFound {
            try spool.step(.createJournal)
            journal = try spool.create(path, [.writeOnly, .append, .exclusive], in: "input", place)
            return true
        }
    }

    private func syncJournal() throws(SpoolError) {
        switch journal {
        case .some(let journal): try spool.sync(file: journal)
        case .none: return
        }
    }

    /// Removes the journal; only after `writeHeader()` has put its content into `-H`.
    public mutating func removeJournal() throws(SpoolError) {
        journal = nil
        try spool.step(.removeJournal)
        try System.unlink(spool.path(.journal, of: id, in: place))
    }

    /// Adds a line to the message's own log, where the spool has such logs; a newline is added.
    public func appendMessageLog(_ line: ByteString) throws(SpoolError) {
        try spool.appendMessageLog(line, to: id, in: place)
    }
}

// MARK: - The body

extension LockedMessage {
    /// Fills the buffer from the body, whose first octet has offset 0; gives how many octets came, 0 at the
    /// end.
    public func readBody(at offset: Int, into buffer: inout [UInt8]) throws(SpoolError) -> Int {
        try lock.readBody(at: offset, into: &buffer)
    }

    /// Lends the body block by block, until `use` gives false.
    public func forEachBodyBlock(
        of size: Int = 65536, _ use: (Span<UInt8>) throws(SpoolError) -> Bool
    ) throws(SpoolError) {
        try lock.data.forEachBlock(from: id.dataStartOffset, of: size, use)
    }

    /// Lends the descriptor of `-D`, whose body begins at `id.dataStartOffset`: for reading with a
    /// position, never for closing.
    public func withDataDescriptor<Result: ~Copyable>(_ use: (Int32) throws(SpoolError) -> Result)
        throws(SpoolError) -> Result
    {
        try use(lock.data.raw)
    }
}
