package import Bytes
import Glibc

/// What a file in a hints directory is, by its first octets.
package enum HintsFileForm: Sendable, Equatable {
    /// There is none, or it cannot be read; the words say why.
    case unreadable(ByteString)
    /// A file without content, which SQLite takes for an empty database.
    case empty
    /// An SQLite database.
    case sqlite
    /// Another kind of database, by name: its Exim was built without SQLite.
    case foreign(ByteString)

    private static let sampled = 32

    /// Looks at a file.
    package init(_ path: ByteString) {
        let descriptor = unsafe open(path.string, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            self = .unreadable(unsafe ByteString(String(cString: strerror(errno))))
            return
        }
        defer { close(descriptor) }
        var octets = [UInt8](repeating: 0, count: Self.sampled)
        let count = unsafe octets.withUnsafeMutableBytes {
            unsafe read(descriptor, $0.baseAddress, $0.count)
        }
        guard count >= 0 else {
            self = .unreadable(unsafe ByteString(String(cString: strerror(errno))))
            return
        }
        self.init(beginning: ByteString(octets.prefix(count)))
    }

    /// Judges the first octets of a file.
    init(beginning octets: ByteString) {
        if octets.isEmpty {
            self = .empty
        } else if octets.starts(with: ByteString("SQLite format 3\0")) {
            self = .sqlite
        } else if octets.starts(with: ByteString("TDB file\n")) {
            self = .foreign("TDB")
        } else if let magic = RecordFields(octets).unsigned32(at: 12),
            [0x06_1561, 0x05_3162].contains(magic)
        {
            self = .foreign("Berkeley DB")
        } else if let magic = RecordFields(octets).unsigned32(at: 0), magic & 0xFFFF_FFF0 == 0x1357_9AC0 {
            self = .foreign("GDBM")
        } else {
            self = .foreign("another format")
        }
    }
}

/// The hints databases of a directory.
package enum HintsDirectory {
    /// The names of the databases, sorted; lock files, journals, and files set aside are none.
    ///
    /// - Throws: why the directory cannot be read.
    package static func names(_ directory: ByteString) throws(HintsTrouble) -> [ByteString] {
        guard let stream = unsafe opendir(directory.string) else {
            throw HintsTrouble(
                .refused, path: directory, reason: unsafe ByteString(String(cString: strerror(errno))))
        }
        defer { unsafe closedir(stream) }
        var names: [ByteString] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafeBytes(of: entry.pointee.d_name) {
                unsafe ByteString(unsafe $0.prefix { $0 != 0 })
            }
            if isDatabase(name) { names.append(name) }
        }
        return names.sorted()
    }

    /// Where our databases may lie in a spool: `db` itself, or `db/sqlite` where an Exim without SQLite keeps its own.
    ///
    /// Files of that Exim are recognised by their form and by the lock files that only its kind makes. It would be
    /// without hints if we took its names, and so they are left alone.
    package static func usable(_ directory: ByteString) -> ByteString {
        guard let stream = unsafe opendir(directory.string) else { return directory }
        defer { unsafe closedir(stream) }
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafeBytes(of: entry.pointee.d_name) {
                unsafe ByteString(unsafe $0.prefix { $0 != 0 })
            }
            if name.ends(with: ByteString(".lockfile")) { return "\(directory)/sqlite" }
            if isDatabase(name), isForeign("\(directory)/\(name)") { return "\(directory)/sqlite" }
        }
        return directory
    }

    private static func isForeign(_ path: ByteString) -> Bool {
        switch HintsFileForm(path) {
        case .foreign("Berkeley DB"), .foreign("TDB"), .foreign("GDBM"): true
        default: false
        }
    }

    private static func isDatabase(_ name: ByteString) -> Bool {
        guard HintsKind(databaseName: name) != nil else { return false }
        let others: [ByteString] = [".lockfile", "-journal", "-wal", "-shm"]
        return !others.contains { name.ends(with: $0) } && !name.contains(ByteString(".damaged-"))
    }

    /// All octets of a file.
    ///
    /// - Throws: why it cannot be read.
    package static func contents(of path: ByteString) throws(HintsTrouble) -> ByteString {
        func refusal() -> HintsTrouble {
            HintsTrouble(.refused, path: path, reason: unsafe ByteString(String(cString: strerror(errno))))
        }
        let descriptor = unsafe open(path.string, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw refusal() }
        defer { close(descriptor) }
        var contents = ByteString()
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = unsafe piece.withUnsafeMutableBytes {
                unsafe read(descriptor, $0.baseAddress, $0.count)
            }
            guard count >= 0 else { throw refusal() }
            if count == 0 { return contents }
            contents.append(contentsOf: piece.prefix(count))
        }
    }

    /// The size of a file in octets; nil when there is none.
    package static func size(_ path: ByteString) -> Int64? {
        var status = stat()
        guard unsafe stat(path.string, &status) == 0 else { return nil }
        return Int64(status.st_size)
    }
}
