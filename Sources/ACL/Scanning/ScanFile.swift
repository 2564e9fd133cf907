package import Bytes
import Dispatch
import Expansion
import Glibc

/// Why a message cannot be looked through now; the text is for the log.
package struct ScanTrouble: Error, Sendable, Hashable {
    /// What went wrong.
    package var text: ByteString

    /// Makes a value.
    package init(_ text: ByteString) { self.text = text }

    init(_ action: ByteString, _ path: ByteString) {
        let reason = unsafe strerror(errno).map { unsafe ByteString(String(cString: $0)) } ?? "error"
        text = "cannot \(action) \(path): \(reason)"
    }
}

/// Work that waits for files, programs and servers: on a thread of its own, so that no session waits for another's.
enum ScanThread {
    static func run<Value: Sendable>(_ work: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            DispatchQueue(label: "scan").async { continuation.resume(returning: work()) }
        }
    }
}

/// A line of a file with its newline, or a piece of a long line.
struct ScanLine {
    let octets: ArraySlice<UInt8>
    /// Whether it is not the rest of a line.
    let beginsLine: Bool
    /// The place behind it in the file.
    let end: Int
}

/// Reads a file line by line.
struct ScanReader: ~Copyable {
    /// The longest piece of a line that is given at once; regular expressions see no more (manual, section 45.5).
    static let longestPiece = 32_768

    private let descriptor: CInt
    private let path: ByteString
    private var block: [UInt8] = []
    private var place = 0
    private var offset: Int
    private var hasEnded = false
    private var beginsLine = true

    init(_ path: ByteString, from offset: Int = 0) throws(ScanTrouble) {
        descriptor = unsafe open(path.cString, O_RDONLY | O_CLOEXEC)
        self.path = path
        self.offset = offset
        guard descriptor >= 0 else { throw ScanTrouble("open", path) }
        lseek(descriptor, off_t(offset), SEEK_SET)
    }

    deinit { close(descriptor) }

    /// How many octets the file has.
    var size: Int {
        var status = stat()
        return unsafe fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
    }

    /// The next line; nil at the end.
    mutating func next() throws(ScanTrouble) -> ScanLine? {
        while true {
            let end = block[place...].prefix(Self.longestPiece).firstIndex(of: .newline).map { $0 + 1 }
            if let end { return give(upTo: end, endsLine: true) }
            if block.count - place >= Self.longestPiece {
                return give(upTo: place + Self.longestPiece, endsLine: false)
            }
            if hasEnded { return place < block.count ? give(upTo: block.count, endsLine: false) : nil }
            try fill()
        }
    }

    /// The next octets, however the lines are; empty at the end.
    mutating func nextBlock() throws(ScanTrouble) -> ArraySlice<UInt8> {
        if place == block.count, !hasEnded { try fill() }
        defer { place = block.count }
        return block[place...]
    }

    private mutating func give(upTo end: Int, endsLine: Bool) -> ScanLine {
        offset += end - place
        let line = ScanLine(octets: block[place..<end], beginsLine: beginsLine, end: offset)
        beginsLine = endsLine
        place = end
        return line
    }

    private mutating func fill() throws(ScanTrouble) {
        block.removeFirst(place)
        place = 0
        let old = block.count
        block.append(contentsOf: repeatElement(0, count: Self.longestPiece * 2))
        var count: Int
        repeat {
            count = unsafe block.withUnsafeMutableBytes {
                unsafe read(descriptor, $0.baseAddress?.advanced(by: old), $0.count - old)
            }
        } while count < 0 && errno == EINTR
        block.removeLast(block.count - old - max(count, 0))
        guard count >= 0 else { throw ScanTrouble("read", path) }
        if count == 0 { hasEnded = true }
    }
}

/// Who shall own what is written, where we may give it away.
package struct ScanOwner: Sendable, Hashable {
    /// The user.
    package var uid: UInt32
    /// The group.
    package var gid: UInt32

    /// Makes a value.
    package init(uid: UInt32, gid: UInt32) {
        self.uid = uid
        self.gid = gid
    }
}

/// Writes a file of mode 0640.
struct ScanWriter: ~Copyable {
    private static let bufferSize = 65_536

    private let descriptor: CInt
    private let path: ByteString
    private var buffer: [UInt8] = []
    /// How many octets have been given.
    private(set) var size = 0

    init(_ path: ByteString, owner: ScanOwner?) throws(ScanTrouble) {
        descriptor = unsafe open(
            path.cString, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0o640)
        self.path = path
        guard descriptor >= 0 else { throw ScanTrouble("create", path) }
        if let owner, geteuid() == 0 { _ = fchown(descriptor, owner.uid, owner.gid) }
    }

    deinit { close(descriptor) }

    mutating func write(_ octets: some Collection<UInt8>) throws(ScanTrouble) {
        size += octets.count
        buffer += octets
        if buffer.count >= Self.bufferSize { try flush() }
    }

    /// Brings all into the file; without that what is written may be lost.
    mutating func flush() throws(ScanTrouble) {
        var rest = buffer[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes {
                unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw ScanTrouble("write", path) }
            rest = rest.dropFirst(count)
        }
        buffer.removeAll(keepingCapacity: true)
    }
}

/// Directories of copies.
enum ScanFolder {
    static func make(_ path: ByteString, owner: ScanOwner?) throws(ScanTrouble) {
        guard unsafe mkdir(path.cString, 0o750) == 0 else {
            if errno == EEXIST { return }
            throw ScanTrouble("make", path)
        }
        if let owner, geteuid() == 0 { _ = unsafe chown(path.cString, owner.uid, owner.gid) }
    }

    static func isFolder(_ path: ByteString) -> Bool {
        var status = stat()
        return unsafe stat(path.cString, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    static func removeFile(_ path: ByteString) { _ = unsafe unlink(path.cString) }

    /// Removes a folder with all that is in it; what cannot be removed stays, and hurts nobody.
    static func remove(_ path: ByteString, depth: Int = 0) {
        guard depth < 10, let handle = unsafe opendir(path.cString) else { return }
        while let entry = unsafe readdir(handle) {
            let name = unsafe withUnsafeBytes(of: entry.pointee.d_name) {
                unsafe ByteString($0.prefix { $0 != 0 })
            }
            if name == "." || name == ".." { continue }
            let file: ByteString = "\(path)/\(name)"
            if unsafe unlink(file.cString) != 0 { remove(file, depth: depth + 1) }
        }
        _ = unsafe closedir(handle)
        _ = unsafe rmdir(path.cString)
    }
}
