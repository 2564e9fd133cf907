import Bytes
import Glibc

extension ByteString {
    /// The octets with a zero after them, as the C library wants strings.
    package var cString: [CChar] { bytes.map { CChar(bitPattern: $0) } + [0] }
}

/// What expansions ask of the file system.
enum FileAccess {
    /// Whether there is a file of any kind under the path.
    static func exists(_ path: ByteString) -> Bool {
        var status = stat()
        return unsafe stat(path.cString, &status) == 0
    }

    /// The C library's words for the last failure.
    static func reason(_ number: CInt) -> ByteString {
        guard let text = unsafe strerror(number) else { return "error \(number)" }
        return ByteString(unsafe String(cString: text))
    }

    /// What the `stat` operator gives.
    static func status(_ path: ByteString) throws(ExpansionError) -> ByteString {
        var status = stat()
        guard unsafe stat(path.cString, &status) == 0 else {
            throw .failed("stat(\(path)) failed: \(reason(errno))")
        }
        let mode = status.st_mode & 0o7777
        let octal = String(mode, radix: 8)
        let padded = String(repeating: "0", count: max(4 - octal.count, 0)) + octal
        let identity: ByteString = "inode=\(status.st_ino) device=\(status.st_dev) links=\(status.st_nlink)"
        let owner: ByteString = "uid=\(status.st_uid) gid=\(status.st_gid) size=\(status.st_size)"
        let times: ByteString =
            "atime=\(status.st_atim.tv_sec) mtime=\(status.st_mtim.tv_sec) ctime=\(status.st_ctim.tv_sec)"
        return "mode=\(padded) smode=\(symbols(status.st_mode)) \(identity) \(owner) \(times)"
    }

    private static func symbols(_ mode: mode_t) -> ByteString {
        let kind: ByteString =
            switch mode & S_IFMT {
            case S_IFDIR: "d"
            case S_IFLNK: "l"
            case S_IFBLK: "b"
            case S_IFCHR: "c"
            case S_IFIFO: "p"
            case S_IFSOCK: "s"
            default: "-"
            }
        let user = triple(mode >> 6, mode & S_ISUID != 0, "s")
        let group = triple(mode >> 3, mode & S_ISGID != 0, "s")
        return kind + user + group + triple(mode, mode & S_ISVTX != 0, "t")
    }

    private static func triple(_ bits: mode_t, _ isSpecial: Bool, _ letter: ByteString) -> ByteString {
        let last: ByteString =
            isSpecial ? (bits & 1 != 0 ? letter : letter.uppercasedASCII()) : (bits & 1 != 0 ? "x" : "-")
        return ByteString(bits & 4 != 0 ? "r" : "-") + ByteString(bits & 2 != 0 ? "w" : "-") + last
    }

    /// The largest file that `${readfile` reads, in octets.
    static let largestFile = 64 << 20

    /// The contents of a file.
    static func read(_ path: ByteString) throws(ExpansionError) -> ByteString {
        let descriptor = unsafe open(path.cString, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .failed("failed to open \(path): \(reason(errno))") }
        defer { close(descriptor) }
        var result = ByteString()
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while result.count <= largestFile {
            let count = unsafe buffer.withUnsafeMutableBytes {
                unsafe Glibc.read(descriptor, $0.baseAddress, $0.count)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return result }
            result += buffer.prefix(count)
        }
        throw .failed("\(path) is larger than \(largestFile) octets; readfile is meant for small files")
    }
}
