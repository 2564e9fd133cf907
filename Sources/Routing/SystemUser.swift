package import Bytes
import Dispatch
package import Expansion
import Glibc

/// An account of the system.
package struct SystemUser: Sendable, Hashable {
    /// The login name.
    package var name: ByteString
    /// The user's number.
    package var uid: UInt32
    /// The primary group's number.
    package var gid: UInt32
    /// The home directory.
    package var home: ByteString
}

/// A system error as the C library names it.
struct SystemErrno: Error, Hashable {
    var number: Int32

    var text: ByteString { unsafe ByteString(String(cString: strerror(number))) }
}

/// Accounts and groups by the C library, as Exim reads them (`getpwnam`, `getgrnam`).
package struct SystemUsers: Sendable {
    /// The largest entry that is read.
    private static let bufferSize = 1 << 16

    /// `max_username_length`: longer names are nobody's; 0 sets no limit.
    private let longestName: Int

    /// Makes a reader; it keeps nothing.
    package init(longestName: Int = 0) { self.longestName = longestName }

    /// The account of a login name; nil also where the name service has trouble.
    package func user(named name: ByteString) -> SystemUser? {
        guard case .success(let user) = account(named: name) else { return nil }
        return user
    }

    /// The account of a login name, nil where there is none, or the trouble that the name service has.
    func account(named name: ByteString) -> Result<SystemUser?, SystemErrno> {
        guard !name.isEmpty, !name.contains(0), longestName <= 0 || name.count <= longestName else {
            return .success(nil)
        }
        var entry = unsafe passwd()
        var found: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: Self.bufferSize)
        let text = name.string
        let code = unsafe getpwnam_r(text, &entry, &buffer, buffer.count, &found)
        if Self.troubles.contains(code) { return .failure(SystemErrno(number: code)) }
        guard code == 0, unsafe found != nil else { return .success(nil) }
        return .success(unsafe Self.user(entry))
    }

    /// What getpwnam_r(3) answers when it cannot tell; all else means that there is no such user.
    private static let troubles: Set<Int32> = [
        EINTR, EIO, EMFILE, ENFILE, ENOMEM, EAGAIN, ETIMEDOUT, ECONNREFUSED,
    ]

    /// The account of a number.
    package func user(uid: Int64) -> SystemUser? {
        guard let id = UInt32(exactly: uid) else { return nil }
        var entry = unsafe passwd()
        var found: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: Self.bufferSize)
        guard unsafe getpwuid_r(id, &entry, &buffer, buffer.count, &found) == 0, unsafe found != nil
        else { return nil }
        return unsafe Self.user(entry)
    }

    /// The number of a group, by its name or in digits.
    package func group(named name: ByteString) -> UInt32? {
        if let number = name.decimalInteger() { return UInt32(exactly: number) }
        guard !name.isEmpty, !name.contains(0) else { return nil }
        var entry = unsafe Glibc.group()
        var found: UnsafeMutablePointer<Glibc.group>?
        var buffer = [CChar](repeating: 0, count: Self.bufferSize)
        guard unsafe getgrnam_r(name.string, &entry, &buffer, buffer.count, &found) == 0, unsafe found != nil
        else { return nil }
        return unsafe entry.gr_gid
    }

    private static func user(_ entry: passwd) -> SystemUser {
        unsafe SystemUser(
            name: ByteString(String(cString: entry.pw_name)), uid: entry.pw_uid, gid: entry.pw_gid,
            home: ByteString(String(cString: entry.pw_dir)))
    }
}

/// The rough access test of `require_files`: mode bits along the path for one user and group.
struct FileAccess {
    let uid: UInt32
    let gid: UInt32

    func mayRead(_ path: ByteString) -> Bool {
        var place = path.startIndex
        while let slash = path[(place + 1)...].firstIndex(of: UInt8(ascii: "/")) {
            guard allows(ByteString(path[..<slash]), execute: true) else { return false }
            place = slash
        }
        return allows(path, execute: false)
    }

    private func allows(_ path: ByteString, execute: Bool) -> Bool {
        guard case .success(let status) = FileStatus.of(path) else { return false }
        let bit: UInt32 = execute ? 1 : 4
        if status.uid == uid { return status.mode & (bit << 6) != 0 }
        if status.gid == gid { return status.mode & (bit << 3) != 0 }
        return status.mode & bit != 0
    }
}

/// What `stat` tells of a file.
struct FileStatus {
    var mode: UInt32
    var uid: UInt32
    var gid: UInt32
    var size: Int64

    var isRegular: Bool { mode & S_IFMT == S_IFREG }

    static func of(_ path: ByteString) -> Result<FileStatus, SystemErrno> {
        var status = stat()
        guard unsafe stat(path.string, &status) == 0 else { return .failure(SystemErrno(number: errno)) }
        return .success(FileStatus(status))
    }

    init(_ status: stat) {
        mode = status.st_mode
        uid = status.st_uid
        gid = status.st_gid
        size = Int64(status.st_size)
    }
}

/// Reads a small file that the configuration names.
package enum SmallFile {
    /// The most octets of a redirection file.
    static let limit = 1 << 20

    /// A file's text, or the errno.
    package static func text(of path: ByteString) -> (text: ByteString?, errno: Int32) {
        switch read(path) {
        case .success(let file): (file.text, 0)
        case .failure(let failure): (nil, failure.number)
        }
    }

    static func read(_ path: ByteString) -> Result<(text: ByteString, status: FileStatus), SystemErrno> {
        let descriptor = unsafe open(path.string, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return .failure(SystemErrno(number: errno)) }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { return .failure(SystemErrno(number: errno)) }
        var text = ByteString()
        var block = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = unsafe Glibc.read(descriptor, &block, block.count)
            guard count >= 0 else { return .failure(SystemErrno(number: errno)) }
            if count == 0 { return .success((text, FileStatus(status))) }
            text += block[..<count]
            if text.count > limit { return .failure(SystemErrno(number: EFBIG)) }
        }
    }
}

/// Hosts as the system's own name service knows them (`/etc/hosts` first, as nsswitch says).
package enum SystemHosts {
    /// The addresses of a name; waits on a thread of its own, since the C library blocks.
    package static func addresses(_ name: ByteString) async -> AddressLookup {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(returning: lookUp(name)) }
        }
    }

    private static func lookUp(_ name: ByteString) -> AddressLookup {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = unsafe getaddrinfo(name.string, nil, &hints, &list)
        defer { if let list = unsafe list { unsafe freeaddrinfo(list) } }
        switch code {
        case 0: break
        case EAI_AGAIN: return .deferred("host lookup for \(name) did not complete (DNS timeout?)")
        default: return .notFound
        }
        var found: [IPAddress] = []
        var next = unsafe list
        while let entry = unsafe next {
            if let address = unsafe address(entry.pointee), !found.contains(address) { found.append(address) }
            unsafe next = entry.pointee.ai_next
        }
        return found.isEmpty ? .notFound : .found(found)
    }

    private static func address(_ entry: addrinfo) -> IPAddress? {
        guard let pointer = unsafe entry.ai_addr else { return nil }
        switch unsafe entry.ai_family {
        case AF_INET:
            return unsafe pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                unsafe .v4(UInt32(bigEndian: $0.pointee.sin_addr.s_addr))
            }
        case AF_INET6:
            return unsafe pointer.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { socket in
                var address = unsafe socket.pointee.sin6_addr
                return unsafe withUnsafeBytes(of: &address) { unsafe IPAddress(octets: Array($0)) }
            }
        default: return nil
        }
    }
}
