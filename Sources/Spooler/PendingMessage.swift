public import Bytes

/// A message that is being received: its `-D` exists under its final name, locked; nobody sees it on the
/// queue.
///
/// `commit` makes it a message. Any other end of the value removes its files: whoever sent it was not told
/// that it was accepted, and will send it again.
public struct PendingMessage: ~Copyable, Sendable {
    /// The spool that the message will be in.
    public let spool: Spool
    /// The message.
    public let id: MessageID
    /// Where it lies.
    public let place: Place
    /// How many octets of body have been appended.
    public private(set) var bodySize = 0
    /// How many newlines are among them.
    public private(set) var bodyLineCount = 0
    /// How many NULs are among them.
    public private(set) var bodyZeroCount = 0

    /// When `-D` was made, on a clock that never goes back, in nanoseconds.
    let begun = System.uptime
    private var lock: MessageLock?
    /// The lock, from when a group commits the message.
    private var held: HeldMessage?
    /// The octets of `-D`, from the first while they are few, else those that are not in the file yet.
    private var buffer: [UInt8] = []
    /// How many of these are in the file.
    private var written = 0
    /// Whether the buffer has all of `-D`.
    private var isWhole = true
    /// Why a part of the body is missing; such a message is never committed.
    private var failure: SpoolError?
    private var state = State.filling

    private enum State {
        /// Only `-D` exists.
        case filling
        /// `-H` may exist too.
        case committing
        /// The message is on the queue, or stopped as by a crash: nothing is removed.
        case left
    }

    /// How much is gathered before it is written.
    static let bufferSize = 65536

    init(_ spool: Spool, _ lock: consuming MessageLock) {
        self.spool = spool
        id = lock.id
        place = lock.place
        buffer.append(contentsOf: id.bytes.bytes)
        buffer.append(contentsOf: "-D\n".utf8)
        self.lock = consume lock
    }

    deinit {
        guard state != .left else { return }
        // Nobody is there to hear of a failure; what remains is a lone -D, which `Spool.check` finds.
        if state == .committing { System.unlinkQuietly(spool.path(.header, of: id, in: place)) }
        System.unlinkQuietly(spool.path(.data, of: id, in: place))
    }
}

// MARK: - Beginning

extension Spool {
    /// How many ids are tried before an occupied spool is an error.
    static let identityAttempts = 100

    /// Begins a message under a fresh id: `-D` is created, owned, locked.
    public func newMessage(_ ids: MessageIDGenerator) throws(SpoolError) -> PendingMessage {
        for _ in 1..<Self.identityAttempts {
            do throws(SpoolError) {
                return try newMessage(named: ids.next())
            } catch  where error.isExisting {
                continue
            }
        }
        return try newMessage(named: ids.next())
    }

    /// Begins a message under a given id.
    ///
    /// - Throws: `EEXIST` when there is such a `-D`, or somebody was quicker in locking ours.
    public func newMessage(named id: MessageID) throws(SpoolError) -> PendingMessage {
        let place = newPlace(for: id)
        let path = path(.data, of: id, in: place)
        try step(.createData)
        let data = try create(path, [.readWrite, .exclusive], in: "input", place)
        do throws(SpoolError) {
            try step(.lockData)
            if try data.lockPrefix(id.lockLength) {
                return PendingMessage(self, MessageLock(id: id, place: place, data: data))
            }
        } catch {
            if error.cause != .stopped { try System.unlink(path) }
            throw error
        }
        try System.unlink(path)
        throw SpoolError("lock", path, .system(errno: System.exists))
    }
}

// MARK: - The body

extension PendingMessage {
    /// Appends to the body; lines end with LF, except in wire format.
    ///
    /// - Throws: where the file cannot be written; the message can no longer be committed then.
    public mutating func append(_ octets: Span<UInt8>) throws(SpoolError) {
        count(octets)
        if buffer.count + octets.count > Self.bufferSize { try letGo() }
        if octets.count >= Self.bufferSize {
            isWhole = false
            return try write(octets)
        }
        if buffer.capacity < Self.bufferSize, buffer.count + octets.count > 4096 {
            buffer.reserveCapacity(Self.bufferSize)
        }
        buffer.append(copying: octets)
    }

    /// Appends to the body.
    public mutating func append(_ octets: ByteString) throws(SpoolError) { try append(octets.bytes.span) }

    /// Appends to the body.
    public mutating func append(_ octets: ArraySlice<UInt8>) throws(SpoolError) { try append(octets.span) }

    private mutating func count(_ octets: Span<UInt8>) {
        let found = octets.newlinesAndZeros
        bodySize += octets.count
        bodyLineCount += found.newlines
        bodyZeroCount += found.zeros
    }

    /// Writes what is gathered, so that others who open `-D` see all that has come.
    public mutating func flush() throws(SpoolError) {
        if let failure { throw failure }
        guard written < buffer.count else { return }
        var gathered: [UInt8] = []
        swap(&gathered, &buffer)
        defer { swap(&gathered, &buffer) }
        try write(gathered.span.extracting(written...))
        written = gathered.count
    }

    /// Writes what is gathered, and keeps it no longer.
    private mutating func letGo() throws(SpoolError) {
        isWhole = false
        try flush()
        buffer.removeAll(keepingCapacity: true)
        written = 0
    }

    private mutating func write(_ octets: Span<UInt8>) throws(SpoolError) {
        if let failure { throw failure }
        guard !octets.isEmpty else { return }
        do throws(SpoolError) {
            try step(.writeData)
            try lock?.data.write(octets)
        } catch {
            failure = error
            throw error
        }
    }

    /// Fills the buffer from the body that has come so far; gives how many octets came, 0 at the end.
    ///
    /// For ACLs and scanners that look at the message before it is accepted.
    public mutating func readBody(at offset: Int, into buffer: inout [UInt8]) throws(SpoolError) -> Int {
        try flush()
        return try lock?.readBody(at: offset, into: &buffer) ?? 0
    }
}

// MARK: - The end

extension PendingMessage {
    /// Puts the message on the queue; when this returns, it may be acknowledged.
    ///
    /// `-D` is synchronised, `-H` written under a temporary name, synchronised, renamed, the directory
    /// synchronised. The header gets this message's id, and the counts of the body's lines and zeros.
    ///
    /// - Parameter firstLogLine: what the message's own log begins with; nil for no line.
    /// - Throws: where anything fails, or a part of the body could not be written before; then nothing of
    ///   the message remains.
    public consuming func commit(
        _ header: HeaderFile, logging firstLogLine: ByteString? = nil
    ) throws(SpoolError) -> CommittedMessage {
        let header = finished(header)
        try flush()
        try step(.syncData)
        try syncData()
        try place(header)
        let failure = try writeFirstLine(firstLogLine)
        guard let lock = lock.take() else {
            preconditionFailure("a pending message holds its lock until it is committed")
        }
        let held = HeldMessage(lock)
        held.settle()
        return CommittedMessage(
            spool: spool, id: id, place: place, receptionSize: header.receptionSize(bodySize: bodySize),
            messageLogFailure: failure, held: held)
    }

    /// The same together with other messages: waits until the group has committed a batch with this one in it.
    ///
    /// What is promised, and what is thrown, is that of the other `commit`; no thread stands still meanwhile.
    public consuming func commit(
        _ header: HeaderFile, logging firstLogLine: ByteString? = nil, in group: CommitGroup
    ) async throws(SpoolError) -> CommittedMessage {
        let header = finished(header)
        if let failure { throw failure }
        let octets = try spool.serialized(header, in: place)
        guard let lock = lock.take() else {
            preconditionFailure("a pending message holds its lock until it is committed")
        }
        let held = HeldMessage(lock)
        self.held = held
        state = .committing
        let order = CommitOrder(
            spool: spool, id: id, place: place, held: held, begun: begun, data: buffer, written: written,
            isWhole: isWhole,
            header: octets, firstLogLine: firstLogLine)
        let failure: SpoolError?
        switch await group.commit(order) {
        case .success(let trouble): failure = trouble
        case .failure(let error):
            if error.cause == .stopped { state = .left }
            throw error
        }
        state = .left
        return CommittedMessage(
            spool: spool, id: id, place: place, receptionSize: header.receptionSize(bodySize: bodySize),
            messageLogFailure: failure, held: held)
    }

    private func syncData() throws(SpoolError) {
        switch lock {
        case .some(let lock): try spool.sync(file: lock.data)
        case .none: return
        }
    }

    /// Writes `-H`, keeping the lock, so that nobody delivers what may yet be taken back.
    private mutating func place(_ header: HeaderFile) throws(SpoolError) {
        state = .committing
        let (spool, place) = (spool, place)
        try leavingWhenStopped { () throws(SpoolError) in try spool.writeHeader(header, in: place) }
        state = .left
    }

    /// The message is on the queue by now, so a failure must not make it look refused.
    private func writeFirstLine(_ line: ByteString?) throws(SpoolError) -> SpoolError? {
        try spool.beginMessageLog(line, of: id, in: place)
    }

    private func finished(_ header: HeaderFile) -> HeaderFile {
        var header = header
        header.id = id
        header.bodyLineCount = header.isWireFormat ? nil : bodyLineCount
        header.bodyZeroCount = bodyZeroCount > 0 && !header.isWireFormat ? bodyZeroCount : nil
        return header
    }

    private mutating func step(_ step: SpoolStep) throws(SpoolError) {
        let spool = spool
        try leavingWhenStopped { () throws(SpoolError) in try spool.step(step) }
    }

    /// Does something; when a watcher stops it as a crash would, the files are left.
    private mutating func leavingWhenStopped(_ action: () throws(SpoolError) -> Void) throws(SpoolError) {
        do throws(SpoolError) {
            try action()
        } catch {
            if error.cause == .stopped { state = .left }
            throw error
        }
    }
}

/// A message that is accepted, and still locked, until its arrival has been logged; the lock ends after the value.
public struct CommittedMessage: ~Copyable, Sendable {
    /// The spool that the message is in.
    public let spool: Spool
    /// The message.
    public let id: MessageID
    /// Where it lies.
    public let place: Place
    /// The size that the arrival's log line tells after `S=`.
    public let receptionSize: Int
    /// Why the first line of the message's own log could not be written, which does not undo the acceptance.
    public let messageLogFailure: SpoolError?
    let held: HeldMessage

    deinit { held.release() }

    /// Unlocks the message, as soon as its files are on the queue, which may be a moment after this.
    @discardableResult
    public consuming func release() -> QueuedMessage { QueuedMessage(held: held) }
}

/// A message that is accepted and that its reception has let go of.
public struct QueuedMessage: Sendable {
    fileprivate let held: HeldMessage

    /// Does something when the message is on the queue and unlocked: at once, or soon, on another thread.
    public func whenDeliverable(_ action: @escaping @Sendable () -> Void) { held.whenOver(action) }
}
