import Bytes
import Glibc

/// Which file a path leads to.
struct FileIdentity: Equatable {
    private let device: UInt64
    private let number: UInt64

    init?(_ path: ByteString) {
        var status = stat()
        guard unsafe stat(path.string, &status) == 0 else { return nil }
        device = UInt64(status.st_dev)
        number = UInt64(status.st_ino)
    }
}

/// Makes directories and files that an Exim can write too.
struct HintsPlace {
    let settings: HintsSettings

    /// Makes the directory (mode 0750) if it is missing, and the file (mode 0640) for SQLite to fill.
    func create(_ path: ByteString) throws(SystemRefusal) {
        if unsafe mkdir(settings.directory.string, 0o750) == 0 {
            try own(settings.directory)
        } else if errno != EEXIST {
            throw SystemRefusal(operation: "mkdir \(settings.directory)")
        }
        let descriptor = unsafe Glibc.open(
            path.string, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o640)
        guard descriptor >= 0 else {
            if errno == EEXIST { return }
            throw SystemRefusal(operation: "create")
        }
        defer { close(descriptor) }
        _ = fchmod(descriptor, 0o640)
        try own(path)
    }

    /// Renames a damaged file, with its journal, to a name with the date; gives the new name.
    func setAside(_ path: ByteString) throws(SystemRefusal) -> ByteString {
        let stamp = settings.clock()
        for attempt in 0..<100 {
            let suffix = attempt == 0 ? ByteString() : "-\(attempt)"
            let target: ByteString = "\(path).damaged-\(Self.day(stamp))\(suffix)"
            if FileIdentity(target) != nil { continue }
            guard unsafe rename(path.string, target.string) == 0 else {
                throw SystemRefusal(operation: "rename to \(target)")
            }
            _ = unsafe rename("\(path)-journal", "\(target)-journal")
            return target
        }
        errno = EEXIST
        throw SystemRefusal(operation: "rename")
    }

    private func own(_ path: ByteString) throws(SystemRefusal) {
        guard let owner = settings.owner, geteuid() == 0 else { return }
        guard unsafe lchown(path.string, owner.user, owner.group) == 0 else {
            throw SystemRefusal(operation: "chown \(path)")
        }
    }

    private static func day(_ stamp: Int64) -> ByteString {
        var time = time_t(stamp)
        var parts = unsafe tm()
        unsafe gmtime_r(&time, &parts)
        return unsafe """
        \(parts.tm_year + 1900)-\(parts.tm_mon + 1, zeroPadded: 2)-\(parts.tm_mday, zeroPadded: 2)\
        T\(parts.tm_hour, zeroPadded: 2)\(parts.tm_min, zeroPadded: 2)\(parts.tm_sec, zeroPadded: 2)
        """
    }
}

/// A system call was refused; keeps `errno` at the time it is made.
struct SystemRefusal: Error {
    let operation: ByteString
    let number: CInt

    init(operation: ByteString) {
        self.operation = operation
        number = errno
    }

    var reason: ByteString {
        let text = unsafe strerror(number).map { unsafe String(cString: $0) } ?? "errno \(number)"
        return "\(operation): \(text)"
    }
}

extension HintsSettings {
    /// The system's clock: seconds since 1970.
    package static let systemSeconds: @Sendable () -> Int64 = { Int64(time(nil)) }
}
