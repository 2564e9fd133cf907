import Bytes
import Dispatch
import Spooler
import Synchronization
import Transports

/// Runs an actor's work on a queue of its own, since that work waits for disks.
final class QueueExecutor: SerialExecutor {
    private let queue: DispatchQueue

    init(_ label: String) { queue = DispatchQueue(label: label) }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { [self] in unsafe job.runSynchronously(on: asUnownedSerialExecutor()) }
    }

    func asUnownedSerialExecutor() -> UnownedSerialExecutor { unsafe UnownedSerialExecutor(ordinary: self) }
}

/// A locked message while several deliveries work on it: what touches the spool happens here, one after the other.
///
/// What waits for the disk does so elsewhere, so that deliveries of other messages on the same thread go on.
final class MessageDesk: Sendable {
    private let message: Mutex<LockedMessage?>
    private let journals: JournalGroup
    private let removals: RemovalGroup

    /// Takes a message over; the lock ends with `complete`, `completeAtOnce` or `release`.
    init(_ message: consuming LockedMessage, _ journals: JournalGroup, _ removals: RemovalGroup) {
        self.message = Mutex(consume message)
        self.journals = journals
        self.removals = removals
    }

    /// Does something with the message, unless it is finished.
    private func with<Result: Sendable>(
        _ action: (inout LockedMessage) throws(SpoolError) -> Result
    ) throws(SpoolError) -> Result? {
        try message.withLock { present throws(SpoolError) in try present?.apply(action) }
    }

    /// The same on another thread, for what waits for the disk.
    private func withElsewhere(
        _ action: @escaping @Sendable (inout LockedMessage) throws(SpoolError) -> Void
    ) async throws(SpoolError) {
        let outcome = await withCheckedContinuation { continuation in
            DispatchQueue.global(qos: .utility).async { [self] in
                do throws(SpoolError) {
                    try with(action)
                    continuation.resume(returning: Result<Void, SpoolError>.success(()))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        try outcome.get()
    }

    /// The body, for reading by several at once.
    func body() throws -> MessageBody {
        let result = try with { message throws(SpoolError) -> Result<MessageBody, TransportTrouble> in
            let (start, size) = (message.id.dataStartOffset, message.bodySize)
            let isWireFormat = message.header.isWireFormat
            return try message.withDataDescriptor { descriptor -> Result<MessageBody, TransportTrouble> in
                do throws(TransportTrouble) {
                    return .success(
                        try MessageBody(
                            copyOf: descriptor, start: start, size: size, isWireFormat: isWireFormat))
                } catch {
                    return .failure(error)
                }
            }
        }
        guard let result else { throw TransportTrouble("the message is finished", errno: -1) }
        return try result.get()
    }

    /// Sees to it that served addresses can be noted; throws where nobody must be served, since that could not be noted.
    func prepareJournal() throws { try with { message throws(SpoolError) in try message.prepareJournal() } }

    /// Notes served addresses in the journal: whoever looks at the spool sees it, but a crash of the machine could undo it
    /// until `sync`.
    func note(_ keys: [ByteString]) throws -> WrittenJournal? {
        let written = try with { message throws(SpoolError) in try message.writeToJournal(keys) }
        return written ?? nil
    }

    /// Makes what was noted durable.
    func sync(_ journal: WrittenJournal?) async throws { if let journal { try await journals.sync(journal) } }

    /// Notes served addresses in the journal, durably.
    func journal(_ keys: [ByteString]) async throws { try await sync(note(keys)) }

    /// Writes lines to the message's own log; that log is for people, and no delivery depends on it.
    func logMessage(_ lines: [ByteString]) {
        guard !lines.isEmpty else { return }
        try? with { message throws(SpoolError) in
            try message.appendMessageLog(lines.joined(separator: "\n"))
        }
    }

    /// Puts the message into a directory for another program.
    func handOver(to directory: ByteString, header: HeaderFile) async throws {
        try await withElsewhere { message throws(SpoolError) in
            try message.handOver(to: directory, header: header, as: .linked)
        }
    }

    /// Writes a new -H, durably.
    func write(_ header: HeaderFile) async throws {
        try await withElsewhere { message throws(SpoolError) in
            message.header = header
            try message.writeHeader()
        }
    }

    /// Removes the journal, when -H says all that it says.
    func removeJournal() throws { try with { message throws(SpoolError) in try message.removeJournal() } }

    /// Removes the message, all being done; the lock ends.
    func complete(_ logCompleted: () -> Void) throws {
        guard let last = message.withLock({ $0.take() }) else { return }
        try last.complete(logCompleted: logCompleted)
    }

    /// Sees to it that the message can be completed without a journal; throws where nobody must be served.
    func prepareRemoval() throws { try with { message throws(SpoolError) in try message.prepareRemoval() } }

    /// Removes the message, whose only recipient left was served; the lock ends.
    func completeAtOnce(served key: ByteString, _ logCompleted: () -> Void) throws {
        guard let last = message.withLock({ $0.take() }) else { return }
        removals.add(try last.completeAtOnce(served: key, logCompleted: logCompleted))
    }

    /// Ends the lock.
    func release() { message.withLock { $0 = nil } }
}

extension LockedMessage {
    /// Does something with the message where it is.
    fileprivate mutating func apply<Result>(
        _ action: (inout LockedMessage) throws(SpoolError) -> Result
    ) throws(SpoolError) -> Result {
        try action(&self)
    }
}
