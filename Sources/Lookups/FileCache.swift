import Bytes
import Glibc
import Synchronization

/// What tells one state of a file from another.
struct FileIdentity: Sendable, Hashable {
    var device: UInt
    var inode: UInt
    var size: Int
    var seconds: Int
    var nanoseconds: Int
}

/// A lookup file as it was when it was read.
final class FileContents: Sendable {
    let identity: FileIdentity
    let bytes: ByteString
    /// The places of the entries of a linear search, made once when first asked for.
    let entries: Mutex<LinearEntries?> = Mutex(nil)

    init(identity: FileIdentity, bytes: ByteString) {
        self.identity = identity
        self.bytes = bytes
    }
}

/// The lookup files used lately, read again when the file on disk is another one.
final class FileCache: Sendable {
    /// How many files are kept.
    static let capacity = 64
    /// The largest file that is read, in octets.
    static let largestFile = 256 << 20

    private struct State {
        var files: [ByteString: FileContents] = [:]
        var order: [ByteString] = []
    }

    private let state = Mutex(State())

    /// The contents of a regular file; `purpose` is Exim's word for the kind of search.
    func contents(
        of path: ByteString, purpose: ByteString, lookup: ByteString
    ) throws(LookupTrouble) -> FileContents {
        let descriptor = unsafe path.withCPath { unsafe open($0, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
        guard descriptor >= 0 else {
            throw LookupTrouble("failed to open \(path) for \(purpose): \(Self.reason(errno))")
        }
        defer { close(descriptor) }
        guard let identity = Self.identity(of: descriptor) else {
            throw LookupTrouble("\(path) is not a regular file (\(lookup) lookup)")
        }
        if let known = state.withLock({ $0.files[path] }), known.identity == identity { return known }
        guard identity.size <= Self.largestFile else {
            throw LookupTrouble(
                "\(path) is larger than \(Self.largestFile) octets; use a cdb or database lookup")
        }
        let fresh = FileContents(identity: identity, bytes: try Self.readAll(descriptor, path, identity.size))
        keep(fresh, path)
        return fresh
    }

    private func keep(_ contents: FileContents, _ path: ByteString) {
        state.withLock { state in
            state.files[path] = contents
            state.order.removeAll { $0 == path }
            state.order.append(path)
            if state.order.count > Self.capacity { state.files[state.order.removeFirst()] = nil }
        }
    }

    private static func identity(of descriptor: CInt) -> FileIdentity? {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        return FileIdentity(
            device: UInt(status.st_dev), inode: UInt(status.st_ino), size: Int(status.st_size),
            seconds: status.st_mtim.tv_sec, nanoseconds: status.st_mtim.tv_nsec)
    }

    private static func readAll(
        _ descriptor: CInt, _ path: ByteString, _ size: Int
    ) throws(LookupTrouble) -> ByteString {
        var octets = [UInt8](repeating: 0, count: size + 1)
        var filled = 0
        while filled < octets.count {
            let room = octets.count - filled
            let count = unsafe octets.withUnsafeMutableBytes { buffer in
                unsafe read(descriptor, buffer.baseAddress?.advanced(by: filled), room)
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw LookupTrouble("failed to read \(path): \(reason(errno))") }
            if count == 0 { break }
            filled += count
        }
        return ByteString(octets.prefix(filled))
    }

    /// The C library's word for an error number.
    static func reason(_ number: CInt) -> ByteString {
        guard let text = unsafe strerror(number) else { return "error \(number)" }
        return ByteString(unsafe String(cString: text))
    }
}

extension ByteString {
    /// Lends the octets with a zero after them, as a path for the C library.
    func withCPath<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
        var octets = bytes.map { CChar(bitPattern: $0) }
        octets.append(0)
        return unsafe octets.withUnsafeBufferPointer { buffer in
            guard let start = buffer.baseAddress else { return unsafe body("") }
            return unsafe body(start)
        }
    }
}
