import Bytes
import Glibc
import MailSystem

/// The Unix socket at which ordinary users hand in their mail; nothing needs to be setuid for that.
enum LocalSocket {
    /// O_PATH, which glibc shows to GNU programs only.
    private static let pathOnly: CInt = 0o10_000_000
    private static let stream = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue)

    /// Connects; nil when nobody listens there, or the caller may not reach it.
    static func connect(to path: ByteString) -> CInt? {
        withAddress(of: path) { address in
            let descriptor = socket(AF_UNIX, stream, 0)
            guard descriptor >= 0 else { return nil }
            guard unsafe call(Glibc.connect, descriptor, address) == 0 else {
                close(descriptor)
                return nil
            }
            return descriptor
        }
    }

    /// Listens; a socket that nobody listens at any more is replaced.
    ///
    /// Throws what went wrong.
    static func listen(at path: ByteString) throws(StartError) -> CInt {
        if let other = connect(to: path) {
            close(other)
            throw StartError("another receiver listens at \(path) already")
        }
        unlinkSocket(path)
        let bound: CInt? = withAddress(of: path) { address in
            let descriptor = socket(AF_UNIX, stream, 0)
            guard descriptor >= 0 else { return nil }
            guard unsafe call(Glibc.bind, descriptor, address) == 0, unsafe chmod(path.string, 0o666) == 0,
                Glibc.listen(descriptor, 64) == 0
            else {
                close(descriptor)
                return nil
            }
            return descriptor
        }
        guard let bound else {
            throw StartError("cannot listen at \(path): \(unsafe String(cString: strerror(errno)))")
        }
        return bound
    }

    /// Whether users who are not the owner's may reach it: its directory must let them through.
    static func isReachable(_ path: ByteString) -> Bool {
        guard let directory = path.cutAtLast(UInt8(ascii: "/")).map({ ByteString($0.before) }) else {
            return true
        }
        var status = stat()
        guard unsafe stat(directory.string, &status) == 0 else { return false }
        return status.st_mode & 0o001 != 0
    }

    /// Takes a socket's name away; another file under it stays.
    static func unlinkSocket(_ path: ByteString) {
        var status = stat()
        guard unsafe lstat(path.string, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return }
        unsafe unlink(path.string)
    }

    private static func call(
        _ function: (CInt, UnsafePointer<sockaddr>?, socklen_t) -> CInt, _ descriptor: CInt,
        _ address: sockaddr_un
    ) -> CInt {
        unsafe withUnsafePointer(to: address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe function(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }

    /// Gives the address of a path, by way of its directory, so that a long path fits.
    private static func withAddress(of path: ByteString, _ use: (sockaddr_un) -> CInt?) -> CInt? {
        guard let parts = path.cutAtLast(UInt8(ascii: "/")) else { return nil }
        let directory = unsafe open(
            ByteString(parts.before).string, pathOnly | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { return nil }
        defer { close(directory) }
        let short: ByteString = "/proc/self/fd/\(directory)/\(ByteString(parts.after))"
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let room = unsafe withUnsafeMutableBytes(of: &address.sun_path) { buffer in
            guard short.count < buffer.count else { return false }
            unsafe buffer.copyBytes(from: short.bytes)
            return true
        }
        return room ? use(address) : nil
    }
}

/// Whether this process can write to a spool itself.
enum SpoolAccess {
    /// Whether it cannot: then a receiver must do it.
    static func isLacking(_ directory: ByteString) -> Bool {
        if geteuid() == 0 { return false }
        let input: ByteString = "\(directory)/input"
        if unsafe access(input.string, W_OK | X_OK) == 0 { return false }
        guard errno == ENOENT else { return true }
        return unsafe access(directory.string, W_OK | X_OK) != 0
    }
}
