import Bytes
import Glibc

/// Why a log could not be written.
package enum EximLogError: Error, Hashable, Sendable {
    /// A system call failed.
    case system(operation: String, path: String, errno: CInt)
}

// One log file, opened for appending when first needed and again when its name has come to mean another file.
struct LogFile: ~Copyable {
    private static let mode: mode_t = 0o640
    private var descriptor: CInt = -1
    private var path = ByteString()
    private var identity: (device: dev_t, inode: ino_t) = (0, 0)
    private var checkedAt = Int.min

    deinit { if descriptor >= 0 { close(descriptor) } }

    // Appends in one write, so that lines of several writers do not mix.
    mutating func append(
        _ octets: ByteString, to path: ByteString, owner: EximLogWriter.Owner?, now seconds: Int
    ) throws(EximLogError) {
        if descriptor < 0 || path != self.path || (seconds != checkedAt && wasReplaced()) {
            try open(path, owner: owner)
        }
        checkedAt = seconds
        try write(octets)
    }

    private func wasReplaced() -> Bool {
        var status = stat()
        guard unsafe stat(path.string, &status) == 0 else { return true }
        return status.st_ino != identity.inode || status.st_dev != identity.device
    }

    private mutating func open(_ path: ByteString, owner: EximLogWriter.Owner?) throws(EximLogError) {
        if descriptor >= 0 { close(descriptor) }
        descriptor = -1
        let opened = try Self.openOrMakeDirectory(path.string, owner: owner)
        var status = stat()
        guard unsafe fstat(opened, &status) == 0 else {
            let problem = errno
            close(opened)
            throw .system(operation: "fstat", path: path.string, errno: problem)
        }
        if let owner, status.st_uid != owner.user, geteuid() == 0 {
            // A log that stays root's is still written; the mail user's programs would complain, not lose.
            _ = fchown(opened, owner.user, owner.group)
        }
        identity = (status.st_dev, status.st_ino)
        descriptor = opened
        self.path = path
    }

    private static func openOrMakeDirectory(
        _ path: String, owner: EximLogWriter.Owner?
    ) throws(EximLogError) -> CInt {
        let flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC
        var descriptor = unsafe Glibc.open(path, flags, mode)
        if descriptor < 0, errno == ENOENT, let slash = path.lastIndex(of: "/"), slash > path.startIndex {
            let directory = String(path[..<slash])
            if unsafe mkdir(directory, 0o750) == 0, let owner, geteuid() == 0 {
                _ = unsafe chown(directory, owner.user, owner.group)
            }
            descriptor = unsafe Glibc.open(path, flags, mode)
        }
        guard descriptor >= 0 else { throw .system(operation: "open", path: path, errno: errno) }
        return descriptor
    }

    private func write(_ octets: ByteString) throws(EximLogError) {
        var done = 0
        while done < octets.count {
            let count = unsafe octets.bytes.withUnsafeBytes { buffer in
                unsafe Glibc.write(
                    descriptor, buffer.baseAddress.map { unsafe $0 + done }, buffer.count - done)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw .system(operation: "write", path: path.string, errno: errno) }
            done += count
        }
    }
}

// The last resort. It never waits: a daemon must not stand still because nobody reads what it complains about.
enum StandardError {
    // A pipe that is ready takes at least this much at once.
    private static let portion = 4096

    static func write(_ octets: ByteString) {
        var rest = octets.bytes[...]
        while !rest.isEmpty {
            var ready = pollfd(fd: STDERR_FILENO, events: Int16(POLLOUT), revents: 0)
            guard unsafe poll(&ready, 1, 0) == 1 else { return }
            let count = unsafe rest.prefix(portion).withUnsafeBytes { buffer in
                unsafe Glibc.write(STDERR_FILENO, buffer.baseAddress, buffer.count)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}
