import Bytes
import CLinux
import Dispatch
import Glibc

/// An open file; closed with the value.
struct Descriptor: ~Copyable, Sendable {
    let raw: CInt

    init(_ raw: CInt) { self.raw = raw }

    deinit { close(raw) }
}

/// What `stat` tells of a file.
struct FileFacts: Sendable, Hashable {
    var device: UInt64
    var inode: UInt64
    var mode: UInt32
    var uid: UInt32
    var gid: UInt32
    var links: UInt64
    var size: Int64
    var accessed: Int64
    var modified: Int64

    var isRegular: Bool { mode & S_IFMT == S_IFREG }
    var isDirectory: Bool { mode & S_IFMT == S_IFDIR }
    var isFIFO: Bool { mode & S_IFMT == S_IFIFO }
    var isSymbolicLink: Bool { mode & S_IFMT == S_IFLNK }
    var permissions: UInt32 { mode & 0o7777 }

    init(_ status: stat) {
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        mode = status.st_mode
        uid = status.st_uid
        gid = status.st_gid
        links = UInt64(status.st_nlink)
        size = Int64(status.st_size)
        accessed = Int64(status.st_atim.tv_sec)
        modified = Int64(status.st_mtim.tv_sec)
    }
}

/// A system call that failed.
struct SystemFailure: Error, Sendable, Hashable {
    var number: CInt

    static var last: SystemFailure { SystemFailure(number: errno) }

    var text: ByteString { unsafe ByteString(String(cString: strerror(number))) }
}

/// The system calls of this module, each with its error as a typed failure.
enum System {
    static func pread(_ descriptor: CInt, _ buffer: inout [UInt8], _ count: Int, at offset: Int) -> Int {
        while true {
            let result = unsafe Glibc.pread(descriptor, &buffer, min(count, buffer.count), off_t(offset))
            if result >= 0 || errno != EINTR { return result }
        }
    }

    static func open(_ path: ByteString, _ flags: CInt, _ mode: UInt32 = 0) throws(SystemFailure)
        -> Descriptor
    {
        let descriptor = unsafe Glibc.open(path.string, flags | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw .last }
        return Descriptor(descriptor)
    }

    /// Opens a file for reading, so that it does not count as read where that can be had.
    static func openUnread(_ path: ByteString, _ flags: CInt) throws(SystemFailure) -> Descriptor {
        // O_NOATIME, which Glibc's overlay hides; the owner of a file may ask for it.
        let quiet: CInt = 0o1_000_000
        do { return try open(path, O_RDONLY | flags | quiet) } catch {
            guard error.number == EPERM else { throw error }
            return try open(path, O_RDONLY | flags)
        }
    }

    /// A file for a while, which has no name and so is gone with its descriptor.
    ///
    /// It lies in `/tmp`: who delivers may not write in the spool, and `TMPDIR` is not handed on to deliveries.
    static func unnamedFile() throws(SystemFailure) -> Descriptor {
        var name: [CChar] = Array("/tmp/bobbin-XXXXXX".utf8CString)
        let descriptor = unsafe mkstemp(&name)
        guard descriptor >= 0 else { throw .last }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        _ = unsafe Glibc.unlink(&name)
        return Descriptor(descriptor)
    }

    /// What a file holds from where it is read on; fails with EFBIG beyond the limit.
    static func contents(of descriptor: CInt, atMost limit: Int) throws(SystemFailure) -> ByteString {
        var octets = ByteString()
        var block = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = unsafe read(descriptor, &block, block.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .last }
            if count == 0 { return octets }
            octets += block[..<count]
            if octets.count > limit { throw SystemFailure(number: EFBIG) }
        }
    }

    /// Makes octets all that a file holds.
    static func overwrite(_ descriptor: CInt, _ octets: ByteString) throws(SystemFailure) {
        guard lseek(descriptor, 0, SEEK_SET) == 0 else { throw .last }
        try write(descriptor, octets.bytes[...])
        guard ftruncate(descriptor, off_t(octets.count)) == 0 else { throw .last }
        try sync(descriptor)
    }

    static func write(_ descriptor: CInt, _ octets: ArraySlice<UInt8>) throws(SystemFailure) {
        var rest = octets
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes {
                unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
            }
            if count < 0 {
                if errno == EINTR { continue }
                throw .last
            }
            rest = rest.dropFirst(count)
        }
    }

    static func status(_ path: ByteString, following: Bool = true) throws(SystemFailure) -> FileFacts? {
        var status = stat()
        let result = following ? unsafe stat(path.string, &status) : unsafe lstat(path.string, &status)
        if result == 0 { return FileFacts(status) }
        if errno == ENOENT { return nil }
        throw .last
    }

    static func status(_ descriptor: CInt) throws(SystemFailure) -> FileFacts {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw .last }
        return FileFacts(status)
    }

    /// Whether we may work in a directory; else `errno` tells why.
    static func mayEnter(_ path: ByteString) -> Bool {
        unsafe access((path + ByteString("/.")).string, X_OK) == 0
    }

    static func makeDirectory(_ path: ByteString, _ mode: UInt32) throws(SystemFailure) {
        guard unsafe mkdir(path.string, mode) == 0 || errno == EEXIST else { throw .last }
        // What is beyond the umask and the nine bits is set apart.
        if mode & 0o7000 != 0 { _ = unsafe chmod(path.string, mode) }
    }

    static func link(_ old: ByteString, _ new: ByteString) -> Bool {
        unsafe Glibc.link(old.string, new.string) == 0
    }

    static func unlink(_ path: ByteString) { _ = unsafe Glibc.unlink(path.string) }

    static func rename(_ old: ByteString, _ new: ByteString) throws(SystemFailure) {
        guard unsafe Glibc.rename(old.string, new.string) == 0 else { throw .last }
    }

    static func changeMode(_ descriptor: CInt, _ mode: UInt32) throws(SystemFailure) {
        guard fchmod(descriptor, mode) == 0 else { throw .last }
    }

    static func truncate(_ descriptor: CInt, to size: Int64) { _ = ftruncate(descriptor, off_t(size)) }

    static func sync(_ descriptor: CInt) throws(SystemFailure) {
        guard fsync(descriptor) == 0 else { throw .last }
    }

    static func syncDirectory(_ path: ByteString) throws(SystemFailure) {
        let directory = try open(path, O_RDONLY | O_DIRECTORY)
        guard fsync(directory.raw) == 0 || errno == EINVAL else { throw .last }
    }

    /// The names in a directory, without `.` and `..`.
    static func names(in path: ByteString) throws(SystemFailure) -> [ByteString] {
        guard let stream = unsafe opendir(path.string) else { throw .last }
        defer { unsafe closedir(stream) }
        var names: [ByteString] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(ByteString(name)) }
        }
        return names
    }

    /// Locks a whole file as other mail programs see it; false when another has it.
    ///
    /// The lock belongs to the open file, so that two deliveries of this process exclude each other too.
    static func lockRecord(_ descriptor: CInt) -> Bool { clinux_lock_prefix(descriptor, 0) == 0 }

    static func lockFlock(_ descriptor: CInt) -> Bool { flock(descriptor, LOCK_EX | LOCK_NB) == 0 }

    static func lockFlockWaiting(_ descriptor: CInt) { _ = flock(descriptor, LOCK_EX) }

    static func pause(seconds: Double) {
        var wait = timespec(tv_sec: Int(seconds), tv_nsec: Int((seconds - seconds.rounded(.down)) * 1e9))
        var rest = timespec()
        while unsafe nanosleep(&wait, &rest) != 0, errno == EINTR { wait = rest }
    }

    static var processID: CInt { getpid() }
    static var effectiveUser: UInt32 { geteuid() }
    static var effectiveGroup: UInt32 { getegid() }

    static func moment() -> (seconds: Int64, microseconds: Int) {
        var clock = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &clock)
        return (Int64(clock.tv_sec), clock.tv_nsec / 1000)
    }
}
