internal import Bytes
internal import CLinux
internal import Glibc

// The system calls of the commit log, and those on a descriptor that somebody else keeps open.

extension System {
    /// Writes all of the octets where the file's position is.
    static func write(_ octets: Span<UInt8>, toOpen raw: CInt, _ path: ByteString) throws(SpoolError) {
        try unsafe write(octets, path) { unsafe Glibc.write(raw, $0, $1) }
    }

    /// Writes all of the octets at an offset.
    static func write(
        _ octets: Span<UInt8>, at offset: Int, toOpen raw: CInt, _ path: ByteString
    ) throws(SpoolError) {
        var place = offset
        try unsafe write(octets, path) { base, count in
            let wrote = unsafe pwrite(raw, base, count, place)
            place += max(wrote, 0)
            return wrote
        }
    }

    private static func write(
        _ octets: Span<UInt8>, _ path: ByteString, _ call: (UnsafePointer<UInt8>, Int) -> Int
    ) throws(SpoolError) {
        var failure: Int32 = 0
        unsafe octets.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            var done = 0
            while done < buffer.count {
                let wrote = unsafe call(base + done, buffer.count - done)
                if wrote < 0 && errno == EINTR { continue }
                guard wrote > 0 else {
                    failure = wrote == 0 ? EIO : errno
                    return
                }
                done += wrote
            }
        }
        guard failure == 0 else { throw SpoolError("write", path, .system(errno: failure)) }
    }

    /// Makes the content outlive a crash of an open file that somebody else keeps open.
    static func sync(open raw: CInt, _ path: ByteString) throws(SpoolError) {
        var result: CInt
        repeat { result = fsync(raw) } while result != 0 && errno == EINTR
        guard result == 0 else { throw .last("fsync", path) }
    }

    /// What is known of an open file that somebody else keeps open.
    static func status(ofOpen raw: CInt) throws(SpoolError) -> FileStatus {
        try FileStatus(ofOpen: raw)
    }

    /// Stands still.
    static func pause(milliseconds: Int) { _ = poll(nil, 0, CInt(milliseconds)) }

    /// Whether a directory is on a file system that a crash of the machine empties anyway.
    static func isInMemory(_ path: ByteString) throws(SpoolError) -> Bool {
        let directory = try open(path, .directory)
        return clinux_is_in_memory(directory.raw) == 1
    }
}

extension Descriptor {
    /// Makes the content outlive a crash, and of the file's state only what is needed to read it.
    func syncContent() throws(SpoolError) {
        var result: CInt
        repeat { result = fdatasync(raw) } while result != 0 && errno == EINTR
        guard result == 0 else { throw .last("fdatasync", path) }
    }
}
