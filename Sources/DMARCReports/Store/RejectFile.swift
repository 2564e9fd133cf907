import Bytes
import Glibc

/// The file that bad records are appended to: a comment line with place and reason, then the record's text.
enum RejectFile {
    static func append(_ rejected: [RejectedRecord], to path: ByteString) throws(DMARCError) {
        var text = ByteString()
        for record in rejected {
            text += "# \(record.path):\(record.line): \(record.reason)\n" as ByteString
            text += record.text
            if record.text.last != .newline { text.append(.newline) }
        }
        try WholeFile.write(text, to: path, flags: O_APPEND, mode: 0o640)
    }
}

/// Writing whole files.
enum WholeFile {
    /// Writes octets to a file, made when missing, and brings them to disk.
    static func write(_ octets: ByteString, to path: ByteString, flags: Int32, mode: UInt32)
        throws(DMARCError)
    {
        let descriptor = unsafe open(path.string, O_WRONLY | O_CREAT | O_CLOEXEC | flags, mode)
        guard descriptor >= 0 else { throw .system(path, "open for writing") }
        defer { close(descriptor) }
        var rest = octets.bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes {
                unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
            }
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno != EINTR {
                throw .system(path, "write")
            }
        }
        guard fsync(descriptor) == 0 || errno == EINVAL else { throw .system(path, "write") }
    }
}

/// The names in a directory.
enum DirectoryNames {
    /// All names but `.` and `..`, in no order; none for a directory that does not exist.
    static func of(_ path: ByteString) throws(DMARCError) -> [ByteString] {
        guard let directory = unsafe opendir(path.string) else {
            if errno == ENOENT { return [] }
            throw .system(path, "list")
        }
        defer { unsafe _ = closedir(directory) }
        var names: [ByteString] = []
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) {
                unsafe ByteString($0.prefix { $0 != 0 })
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }
}
