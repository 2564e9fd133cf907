import Bytes
import Glibc

/// An open history file, to which others append.
///
/// Each read is done under a shared lock that is given up at once, so writers that lock (OpenDMARC's milter) are never
/// seen in the middle of a record, and never wait for long.
struct HistoryFile: ~Copyable {
    /// How much is read at once.
    static let chunkSize = 1 << 18

    let path: ByteString
    private let descriptor: Int32

    /// Opens for reading.
    init(path: ByteString) throws(DMARCError) {
        let descriptor = unsafe open(path.string, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system(path, "open for reading") }
        self.path = path
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    /// What the system knows of the file.
    struct State: Sendable, Hashable {
        var device: Int64
        var inode: Int64
        var size: Int64
        /// The time of the last write, in seconds since 1970.
        var modified: Int64
        var isRegular: Bool
    }

    /// The file's state now.
    func state() throws(DMARCError) -> State {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw .system(path, "look at") }
        return State(status)
    }

    /// Reads octets from a place; fewer at the end of the file, none behind it.
    func read(at offset: Int64, count: Int = chunkSize) throws(DMARCError) -> [UInt8] {
        _ = flock(descriptor, LOCK_SH)
        defer { _ = flock(descriptor, LOCK_UN) }
        while true {
            var failure: Int32 = 0
            let octets = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
                let got = unsafe pread(descriptor, buffer.baseAddress, count, off_t(offset))
                if got < 0 { failure = errno }
                filled = max(0, got)
            }
            if failure == 0 { return octets }
            guard failure == EINTR else { throw .system(path, "read", failure) }
        }
    }
}

extension HistoryFile.State {
    init(_ status: stat) {
        device = Int64(truncatingIfNeeded: status.st_dev)
        inode = Int64(truncatingIfNeeded: status.st_ino)
        size = Int64(status.st_size)
        modified = Int64(status.st_mtim.tv_sec)
        isRegular = status.st_mode & S_IFMT == S_IFREG
    }

    /// The state of the file that a path names now; nil when there is none.
    static func of(_ path: ByteString) throws(DMARCError) -> HistoryFile.State? {
        var status = stat()
        guard unsafe stat(path.string, &status) == 0 else {
            if errno == ENOENT { return nil }
            throw .system(path, "look at")
        }
        return HistoryFile.State(status)
    }
}

extension DMARCError {
    /// The operating system refused.
    static func system(_ path: ByteString, _ operation: ByteString, _ number: Int32 = errno) -> DMARCError {
        let reason = unsafe String(cString: strerror(number))
        return DMARCError(number == ENOENT ? .missing : .system, at: path, "cannot \(operation): \(reason)")
    }
}
