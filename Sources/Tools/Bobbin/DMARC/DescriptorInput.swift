import Bytes
import DMARCReports
import Glibc

/// Reading from descriptors and whole files.
enum DescriptorInput {
    private static let chunkSize = 1 << 16

    /// The next octets; none at the end.
    static func next(_ descriptor: Int32, named name: ByteString = "standard input") throws(DMARCError)
        -> [UInt8]
    {
        while true {
            var failure: Int32 = 0
            let octets = unsafe [UInt8](unsafeUninitializedCapacity: chunkSize) { buffer, filled in
                let got = unsafe read(descriptor, buffer.baseAddress, chunkSize)
                if got < 0 { failure = errno }
                filled = max(0, got)
            }
            if failure == 0 { return octets }
            guard failure == EINTR else {
                throw DMARCError(
                    .system, at: name, "cannot read: \(unsafe String(cString: strerror(failure)))")
            }
        }
    }

    /// A whole file, up to a limit; `-` is standard input.
    static func contents(of path: ByteString, limit: Int) throws(DMARCError) -> ByteString {
        let descriptor = path == "-" ? dup(STDIN_FILENO) : unsafe open(path.string, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            let kind: DMARCError.Kind = errno == ENOENT ? .missing : .system
            throw DMARCError(kind, at: path, "cannot open: \(unsafe String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        var contents = ByteString()
        while true {
            let piece = try next(descriptor, named: path)
            if piece.isEmpty { return contents }
            contents += piece
            guard contents.count <= limit else {
                throw DMARCError(.data, at: path, "larger than \(limit) octets: refused")
            }
        }
    }

    /// Writes a file as a whole: beside it first, then renamed into place.
    static func replace(_ path: ByteString, with octets: ByteString) throws(DMARCError) {
        let temporary: ByteString = "\(path).\(getpid()).tmp"
        let descriptor = unsafe open(temporary.string, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw failure("cannot write", temporary) }
        var rest = octets.bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno != EINTR {
                let error = failure("cannot write", temporary)
                close(descriptor)
                _ = unsafe unlink(temporary.string)
                throw error
            }
        }
        close(descriptor)
        guard unsafe rename(temporary.string, path.string) == 0 else {
            throw failure("cannot rename to", path)
        }
    }

    private static func failure(_ deed: ByteString, _ path: ByteString) -> DMARCError {
        DMARCError(.system, at: path, "\(deed): \(unsafe String(cString: strerror(errno)))")
    }
}
