import Bytes
import Dispatch
import Spooler
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
actor MessageDesk {
    private let executor: QueueExecutor
    private var message: LockedMessage?

    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    /// Takes a message over; the lock ends with `complete` or `release`.
    init(_ message: consuming LockedMessage) {
        executor = QueueExecutor("message")
        self.message = consume message
    }

    /// The body, for reading by several at once.
    func body() throws -> MessageBody {
        let isWireFormat = message?.header.isWireFormat ?? false
        let start = message?.id.dataStartOffset ?? 0
        let size = message?.bodySize ?? 0
        let result = try message?.withDataDescriptor { descriptor -> Result<MessageBody, TransportTrouble> in
            do throws(TransportTrouble) {
                return .success(
                    try MessageBody(
                        copyOf: descriptor, start: start, size: size, isWireFormat: isWireFormat))
            } catch {
                return .failure(error)
            }
        }
        guard let result else { throw TransportTrouble("the message is finished", errno: -1) }
        return try result.get()
    }

    /// Sees to it that served addresses can be noted; throws where nobody must be served, since that could not be noted.
    func prepareJournal() throws { try message?.prepareJournal() }

    /// Notes served addresses in the journal, durably.
    func journal(_ keys: [ByteString]) throws { try message?.appendToJournal(keys) }

    /// Writes lines to the message's own log; that log is for people, and no delivery depends on it.
    func logMessage(_ lines: [ByteString]) {
        guard !lines.isEmpty else { return }
        try? message?.appendMessageLog(lines.joined(separator: "\n"))
    }

    /// Puts the message into a directory for another program.
    func handOver(to directory: ByteString, header: HeaderFile) throws {
        try message?.handOver(to: directory, header: header, as: .linked)
    }

    /// Writes a new -H, durably.
    func write(_ header: HeaderFile) throws {
        message?.header = header
        try message?.writeHeader()
    }

    /// Removes the journal, when -H says all that it says.
    func removeJournal() throws { try message?.removeJournal() }

    /// Removes the message, all being done; the lock ends.
    func complete(_ logCompleted: @Sendable () -> Void) throws {
        guard let last = message.take() else { return }
        try last.complete(logCompleted: logCompleted)
    }

    /// Ends the lock.
    func release() { message = nil }
}
