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
    /// The entries of a linear search; what is made of the octets for one search serves the next.
    let entries: LinearEntries

    init(identity: FileIdentity, bytes: ByteString) {
        self.identity = identity
        self.bytes = bytes
        entries = LinearEntries(bytes)
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
        var failure: CInt = 0
        // One octet of room more shows that the file has not grown meanwhile.
        let octets = unsafe [UInt8](unsafeUninitializedCapacity: size + 1) { buffer, filled in
            while filled < size + 1 {
                let count = unsafe read(
                    descriptor, buffer.baseAddress?.advanced(by: filled), size + 1 - filled)
                if count < 0, errno == EINTR { continue }
                if count < 0 { failure = errno }
                guard count > 0 else { return }
                filled += count
            }
        }
        guard failure == 0 else { throw LookupTrouble("failed to read \(path): \(reason(failure))") }
        return ByteString(octets)
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
