package import Bytes
import Glibc

/// Appends records to a history file so that no importer ever misses or halves one.
///
/// One write under an exclusive `flock`, on a file opened for this record only; when an importer renamed the file
/// meanwhile, the new file is opened instead (facts: OpenDMARC locks, Exim does not; both are at peace with this).
package enum HistoryAppender {
    /// How often the file may be renamed under our hands before we give up.
    private static let mostAttempts = 20
    /// How long we wait for the lock.
    private static let patience = Duration.seconds(secondsOfPatience)
    private static let secondsOfPatience = 10
    /// Between two attempts to lock, in microseconds.
    private static let pause: UInt32 = 20_000

    /// Appends a record; the file is made when missing, with this mode.
    package static func append(
        _ record: HistoryRecord, to path: ByteString, mode: UInt32 = 0o640
    ) throws(DMARCError) {
        for _ in 0..<mostAttempts {
            let descriptor = unsafe open(path.string, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, mode)
            guard descriptor >= 0 else { throw .system(path, "open for appending") }
            defer { close(descriptor) }
            try lock(descriptor, path)
            guard try isStill(path, descriptor) else { continue }
            return try write(record.text, descriptor, path)
        }
        throw DMARCError(.busy, at: path, "the file was replaced \(mostAttempts) times while it was opened")
    }

    /// Waits for others as long as an importer may need for a look at the file, not for one that hangs.
    private static func lock(_ descriptor: Int32, _ path: ByteString) throws(DMARCError) {
        let end = ContinuousClock.now + patience
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            switch errno {
            case EINTR: continue
            case EWOULDBLOCK where ContinuousClock.now < end: usleep(pause)
            case EWOULDBLOCK:
                throw DMARCError(.busy, at: path, "somebody has it locked for \(secondsOfPatience) seconds")
            default: throw .system(path, "lock")
            }
        }
    }

    private static func isStill(_ path: ByteString, _ descriptor: Int32) throws(DMARCError) -> Bool {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw .system(path, "look at") }
        guard let named = try HistoryFile.State.of(path) else { return false }
        let own = HistoryFile.State(status)
        return named.device == own.device && named.inode == own.inode
    }

    private static func write(_ text: ByteString, _ descriptor: Int32, _ path: ByteString) throws(DMARCError)
    {
        var count = -1
        repeat {
            count = unsafe text.bytes.withUnsafeBytes {
                unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
            }
        } while count < 0 && errno == EINTR
        guard count >= 0 else { throw .system(path, "append") }
        guard count == text.count else {
            throw DMARCError(
                .system, at: path, "only \(count) of \(text.count) octets could be written: disk full?")
        }
    }
}
