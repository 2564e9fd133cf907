internal import Bytes
internal import CLinux
internal import Glibc

// The system calls of this module (those of the commit log are in SystemCalls+log.swift). Paths are octets; a path with a NUL inside is refused.

/// An open file, closed at the end of its life.
struct Descriptor: ~Copyable, Sendable {
    let raw: CInt
    /// For error texts.
    let path: ByteString

    deinit { _ = Glibc.close(raw) }
}

/// What is known of a file.
struct FileStatus: Sendable, Equatable {
    var device: UInt64
    var inode: UInt64
    var links: UInt64
    var size: Int
    var mode: UInt32
    var modified: Int64
    var owner: FileOwner

    /// What is known of an open file that somebody else keeps open.
    init(ofOpen raw: CInt) throws(SpoolError) {
        var result = stat()
        guard unsafe fstat(raw, &result) == 0 else { throw .last("stat", "") }
        self.init(result)
    }

    fileprivate init(_ status: stat) {
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        links = UInt64(status.st_nlink)
        size = Int(status.st_size)
        mode = UInt32(status.st_mode)
        modified = Int64(status.st_mtim.tv_sec)
        owner = FileOwner(uid: status.st_uid, gid: status.st_gid)
    }

    var permissions: UInt32 { mode & 0o7777 }
    var isRegular: Bool { mode & S_IFMT == S_IFREG }
    var isDirectory: Bool { mode & S_IFMT == S_IFDIR }

    func isSameFile(as other: FileStatus) -> Bool { device == other.device && inode == other.inode }
}

/// The flags of `open` that are used, so that C's names stay in this file.
struct OpenFlags: OptionSet, Sendable {
    let rawValue: CInt
    static let readWrite = OpenFlags(rawValue: O_RDWR)
    static let writeOnly = OpenFlags(rawValue: O_WRONLY)
    static let append = OpenFlags(rawValue: O_APPEND)
    static let create = OpenFlags(rawValue: O_CREAT)
    static let exclusive = OpenFlags(rawValue: O_EXCL)
    static let directory = OpenFlags(rawValue: O_DIRECTORY)
    /// A pipe that somebody put there must not make us wait.
    static let nonBlocking = OpenFlags(rawValue: O_NONBLOCK)
}

// MARK: - Names

enum System {
    /// The system's words for an error number.
    static func text(of number: Int32) -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        return unsafe buffer.withUnsafeMutableBufferPointer { text in
            guard let base = text.baseAddress, unsafe strerror_r(number, base, text.count) == 0 else {
                return "error \(number)"
            }
            return unsafe String(cString: base)
        }
    }

    /// The effective user number of this process.
    static var effectiveUser: UInt32 { geteuid() }

    private static func with<Result>(
        _ path: ByteString, _ call: (UnsafePointer<CChar>) -> Result, refused: Result
    ) -> Result {
        guard !path.contains(0) else {
            errno = EINVAL
            return refused
        }
        var octets: [CChar] = []
        octets.reserveCapacity(path.count + 1)
        for octet in path { octets.append(CChar(bitPattern: octet)) }
        octets.append(0)
        return unsafe octets.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return refused }
            return unsafe call(base)
        }
    }

    /// Makes a call on one path; throws what it left in `errno`.
    private static func call(
        _ operation: String, _ path: ByteString, _ call: (UnsafePointer<CChar>) -> CInt
    ) throws(SpoolError) {
        var result: CInt
        repeat { result = unsafe with(path, call, refused: -1) } while result != 0 && errno == EINTR
        guard result == 0 else { throw .last(operation, path) }
    }

    /// Opens a file; the descriptor does not outlive an exec.
    ///
    /// A file that is a symbolic link is not opened; a directory may be one, for people put queues
    /// elsewhere so.
    static func open(
        _ path: ByteString, _ flags: OpenFlags, mode: UInt32 = 0
    ) throws(SpoolError) -> Descriptor {
        Descriptor(raw: try openRaw(path, flags, mode: mode), path: path)
    }

    /// Opens a file for whoever sees to its closing.
    fileprivate static func openRaw(
        _ path: ByteString, _ flags: OpenFlags, mode: UInt32 = 0
    ) throws(SpoolError) -> CInt {
        let links = flags.contains(.directory) ? 0 : O_NOFOLLOW
        var raw: CInt
        repeat {
            raw = unsafe with(
                path, { unsafe Glibc.open($0, flags.rawValue | O_CLOEXEC | links, mode_t(mode)) },
                refused: -1)
        } while raw < 0 && errno == EINTR
        guard raw >= 0 else { throw .last("open", path) }
        return raw
    }

    /// Removes a name; false when there is none.
    @discardableResult
    static func unlink(_ path: ByteString) throws(SpoolError) -> Bool {
        do throws(SpoolError) {
            try unsafe call("unlink", path) { unsafe Glibc.unlink($0) }
            return true
        } catch  where error.isNotFound {
            return false
        }
    }

    /// Removes a name where a failure can be told to nobody; whether it is gone now.
    @discardableResult
    static func unlinkQuietly(_ path: ByteString) -> Bool {
        unsafe with(path, { unsafe Glibc.unlink($0) }, refused: -1) == 0 || errno == ENOENT
    }

    static func rename(_ path: ByteString, to target: ByteString) throws(SpoolError) {
        try unsafe call("rename to", target) { target in
            unsafe with(path, { unsafe Glibc.rename($0, target) }, refused: -1)
        }
    }

    /// Gives a file a second name; never replaces what is there.
    static func link(_ path: ByteString, to target: ByteString) throws(SpoolError) {
        try unsafe call("link to", target) { target in
            unsafe with(path, { unsafe Glibc.link($0, target) }, refused: -1)
        }
    }

    /// Makes a directory with exactly that mode; false when it is there.
    static func makeDirectory(_ path: ByteString, mode: UInt32) throws(SpoolError) -> Bool {
        do throws(SpoolError) {
            try unsafe call("mkdir", path) { unsafe Glibc.mkdir($0, mode_t(mode)) }
            try unsafe call("chmod", path) { unsafe Glibc.chmod($0, mode_t(mode)) }
            return true
        } catch  where error.isExisting {
            return false
        }
    }

    static func setOwner(_ owner: FileOwner, of path: ByteString) throws(SpoolError) {
        try unsafe call("chown", path) { unsafe Glibc.lchown($0, owner.uid, owner.gid) }
    }

    /// What is known of a path (the link itself, where it is one); nil when there is none.
    static func status(of path: ByteString) throws(SpoolError) -> FileStatus? {
        var result = stat()
        do throws(SpoolError) {
            try unsafe call("stat", path) { unsafe lstat($0, &result) }
        } catch  where error.isNotFound {
            return nil
        }
        return FileStatus(result)
    }

    /// Reads a whole regular file; nil when there is none.
    static func read(_ path: ByteString, limit: Int) throws(SpoolError) -> [UInt8]? {
        let descriptor: Descriptor
        do throws(SpoolError) {
            descriptor = try open(path, .nonBlocking)
        } catch  where error.isNotFound {
            return nil
        }
        return try descriptor.readAll(limit: limit)
    }
}

// MARK: - Open files

extension Descriptor {
    func status() throws(SpoolError) -> FileStatus {
        var result = stat()
        guard unsafe fstat(raw, &result) == 0 else { throw .last("stat", path) }
        return FileStatus(result)
    }

    /// Reads from the beginning to the end; refuses what is larger than `limit`.
    func readAll(limit: Int) throws(SpoolError) -> [UInt8] {
        var octets: [UInt8] = []
        var chunk = 16384
        while true {
            guard octets.count <= limit else {
                throw SpoolError("read", path, .refused("the file is larger than \(limit) octets"))
            }
            let got = try read(chunk, at: octets.count, appendingTo: &octets)
            // A regular file gives less than asked only at its end.
            guard got == chunk else { return octets }
            chunk = min(chunk * 4, 1 << 22)
        }
    }

    private func read(_ count: Int, at offset: Int, appendingTo octets: inout [UInt8]) throws(SpoolError)
        -> Int
    {
        var got = 0
        let block = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            repeat {
                got = unsafe pread(raw, buffer.baseAddress, count, offset)
            } while got < 0 && errno == EINTR
            initialized = max(got, 0)
        }
        guard got >= 0 else { throw .last("read", path) }
        if octets.isEmpty { octets = block } else { octets += block }
        return got
    }

    /// Fills the buffer from a place in the file; gives how many octets came, 0 at the end.
    func read(at offset: Int, into buffer: inout [UInt8]) throws(SpoolError) -> Int {
        var got: Int
        repeat {
            got = unsafe buffer.withUnsafeMutableBytes { unsafe pread(raw, $0.baseAddress, $0.count, offset) }
        } while got < 0 && errno == EINTR
        guard got >= 0 else { throw .last("read", path) }
        return got
    }

    /// Writes all of the octets.
    func write(_ octets: Span<UInt8>) throws(SpoolError) {
        if let failure = writeSome(octets).failure { throw failure }
    }

    /// Writes as many of the octets as it can; gives how many, and why not all.
    func writeSome(_ octets: Span<UInt8>) -> (done: Int, failure: SpoolError?) {
        System.writeSome(octets, toOpen: raw, path)
    }

    /// Takes the last octets off again; whether that could be done.
    func cutOff(_ count: Int) -> Bool {
        do throws(SpoolError) {
            try truncate(to: status().size - count)
            return true
        } catch {
            return false
        }
    }

    /// Sets room on the disk aside, beyond the file's end; file systems that cannot are forgiven.
    func reserve(_ size: Int) throws(SpoolError) {
        switch clinux_reserve(raw, size) {
        case 0, EOPNOTSUPP, ENOSYS, EINVAL: return
        case let number: throw SpoolError("reserve", path, .system(errno: number))
        }
    }

    func sync() throws(SpoolError) {
        var result: CInt
        repeat { result = fsync(raw) } while result != 0 && errno == EINTR
        guard result == 0 else { throw .last("fsync", path) }
    }

    /// Makes the whole file system outlive a crash; tells of every failed write since the file was opened.
    func syncFileSystem() throws(SpoolError) {
        let number = clinux_syncfs(raw)
        guard number == 0 else { throw SpoolError("syncfs", path, .system(errno: number)) }
    }

    func setMode(_ mode: UInt32) throws(SpoolError) {
        guard fchmod(raw, mode_t(mode)) == 0 else { throw .last("chmod", path) }
    }

    func setOwner(_ owner: FileOwner) throws(SpoolError) {
        guard fchown(raw, owner.uid, owner.gid) == 0 else { throw .last("chown", path) }
    }

    func truncate(to size: Int) throws(SpoolError) {
        guard ftruncate(raw, size) == 0 else { throw .last("truncate", path) }
    }

    /// Gives the lock up at once.
    ///
    /// Closing is not enough: until its exec, a child that was forked meanwhile holds the same open file.
    func unlockPrefix(_ length: Int) { _ = clinux_unlock_prefix(raw, length) }

    /// Locks the first octets for this open file; false when somebody else holds them.
    func lockPrefix(_ length: Int) throws(SpoolError) -> Bool {
        switch clinux_lock_prefix(raw, length) {
        case 0: return true
        case EAGAIN, EACCES: return false
        case let number: throw SpoolError("lock", path, .system(errno: number))
        }
    }
}

// MARK: - Directories

// Unchecked: a stream is used by its one owner only (~Copyable), and readdir on different streams is safe.
/// The names in a directory, one after the other.
@safe struct DirectoryStream: ~Copyable, @unchecked Sendable {
    fileprivate let stream: OpaquePointer
    let path: ByteString

    /// Opens a directory; nil when there is none.
    init?(_ path: ByteString) throws(SpoolError) {
        let raw: CInt
        do throws(SpoolError) {
            raw = try System.openRaw(path, .directory)
        } catch  where error.isNotFound {
            return nil
        }
        guard let stream = unsafe fdopendir(raw) else {
            let error = SpoolError.last("opendir", path)
            _ = Glibc.close(raw)
            throw error
        }
        unsafe self.stream = stream
        self.path = path
    }

    deinit { unsafe closedir(stream) }

    /// The next name, `.` and `..` included; nil at the end.
    mutating func next() throws(SpoolError) -> [UInt8]? {
        errno = 0
        guard let entry = unsafe readdir(stream) else {
            guard errno == 0 else { throw .last("readdir", path) }
            return nil
        }
        return unsafe withUnsafePointer(to: &entry.pointee.d_name) { name in
            unsafe name.withMemoryRebound(to: UInt8.self, capacity: 256) { octets in
                unsafe [UInt8](UnsafeBufferPointer(start: octets, count: strlen(name)))
            }
        }
    }
}

extension DirectoryStream {
    /// Calls `use` with each name that is left.
    borrowing func forEachName(_ use: (Span<UInt8>) -> Void) throws(SpoolError) {
        while true {
            errno = 0
            guard let entry = unsafe readdir(stream) else {
                guard errno == 0 else { throw .last("readdir", path) }
                return
            }
            unsafe withUnsafePointer(to: &entry.pointee.d_name) { name in
                unsafe name.withMemoryRebound(to: UInt8.self, capacity: 256) { octets in
                    unsafe use(UnsafeBufferPointer(start: octets, count: strlen(name)).span)
                }
            }
        }
    }
}

/// An open directory whose files are read by their names.
final class DirectoryHandle: Sendable {
    private let raw: CInt

    /// Opens a directory; nil when there is none.
    init?(_ path: ByteString) throws(SpoolError) {
        do throws(SpoolError) {
            raw = try System.openRaw(path, .directory)
        } catch  where error.isNotFound {
            return nil
        }
    }

    deinit { _ = Glibc.close(raw) }

    /// Reads the beginning of a regular file; nil where anything stands in the way, which another reader then tells.
    func read(_ name: [CChar], into block: inout [UInt8]) -> Int? {
        let flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK
        let file = unsafe name.withUnsafeBufferPointer { name -> CInt in
            guard let start = name.baseAddress else { return -1 }
            return unsafe openat(raw, start, flags)
        }
        guard file >= 0 else { return nil }
        defer { _ = Glibc.close(file) }
        let count = unsafe block.withUnsafeMutableBytes { unsafe Glibc.read(file, $0.baseAddress, $0.count) }
        return count < 0 ? nil : count
    }

    /// The size of a file, nil inside when it is not there; nil outside where that cannot be told.
    func size(of name: [CChar]) -> Int?? {
        var result = stat()
        let code = unsafe name.withUnsafeBufferPointer { name -> CInt in
            guard let start = name.baseAddress else { return -1 }
            return unsafe fstatat(raw, start, &result, AT_SYMLINK_NOFOLLOW)
        }
        if code == 0 { return .some(.some(Int(result.st_size))) }
        return errno == ENOENT ? .some(nil) : nil
    }
}

extension Array<UInt8> {
    /// Whether one of the first octets is NUL.
    func hasZero(upTo count: Int) -> Bool {
        unsafe withUnsafeBufferPointer { buffer in
            guard let start = buffer.baseAddress else { return false }
            return unsafe memchr(start, 0, Swift.min(count, buffer.count)) != nil
        }
    }
}

extension Array<UInt8> {
    /// Appends the octets of a span.
    mutating func append(copying octets: Span<UInt8>) {
        unsafe octets.withUnsafeBufferPointer { unsafe append(contentsOf: $0) }
    }
}

extension Span<UInt8> {
    /// How many newlines and NULs there are.
    ///
    /// Over plain memory, in blocks whose sums fit an octet, so that the compiler makes vector instructions of it:
    /// every octet of every message comes through here.
    var newlinesAndZeros: (newlines: Int, zeros: Int) {
        unsafe withUnsafeBufferPointer { buffer in
            var (newlines, zeros, place) = (0, 0, 0)
            while place < buffer.count {
                let end = Swift.min(place + 255, buffer.count)
                var (newline, zero) = (0 as UInt8, 0 as UInt8)
                while place < end {
                    let octet = unsafe buffer[place]
                    newline &+= octet == 10 ? 1 : 0
                    zero &+= octet == 0 ? 1 : 0
                    place &+= 1
                }
                newlines &+= Int(newline)
                zeros &+= Int(zero)
            }
            return (newlines, zeros)
        }
    }
}

extension System {
    /// Throws where names in a directory may not be changed (`access`).
    static func checkMayChange(_ directory: ByteString) throws(SpoolError) {
        guard unsafe access(directory.string, W_OK | X_OK) == 0 else { throw .last("access", directory) }
    }

    /// What `fsync` says where a file system cannot synchronise directories.
    static var invalidArgument: Int32 { EINVAL }
}

extension System {
    /// What is said when a name is taken.
    static var exists: Int32 { EEXIST }
}

extension System {
    /// What is said when something in the middle of a path is no directory.
    static var notDirectory: Int32 { ENOTDIR }
}

extension System {
    /// What is said when a hard link cannot be made between two places.
    static let linkRefusals: Set<Int32> = [EXDEV, EPERM, EMLINK, EOPNOTSUPP]
}

extension System {
    /// A clock that never goes back, in nanoseconds.
    static var uptime: UInt64 {
        var moment = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &moment)
        return UInt64(moment.tv_sec) * 1_000_000_000 + UInt64(moment.tv_nsec)
    }

    /// The kernel's version, as far as it decides: major and minor number.
    static var kernelVersion: (major: Int, minor: Int) {
        var names = utsname()
        guard unsafe uname(&names) == 0 else { return (0, 0) }
        let release = unsafe withUnsafeBytes(of: names.release) { unsafe Array($0.prefix { $0 != 0 }) }
        let numbers = release.split { !$0.isASCIIDigit }.map { ByteString($0).decimalInteger() ?? 0 }
        return numbers.count < 2 ? (0, 0) : (Int(numbers[0]), Int(numbers[1]))
    }
}
