internal import Bytes
internal import CLinux
internal import Glibc

// The system calls of the commit log, and those on a descriptor that somebody else keeps open.

extension System {
    /// Writes all of the octets where the file's position is.
    static func write(_ octets: Span<UInt8>, toOpen raw: CInt, _ path: ByteString) throws(SpoolError) {
        if let failure = writeSome(octets, toOpen: raw, path).failure { throw failure }
    }

    /// Writes as many of the octets as it can where the file's position is; gives how many, and why not all.
    static func writeSome(
        _ octets: Span<UInt8>, toOpen raw: CInt, _ path: ByteString
    ) -> (done: Int, failure: SpoolError?) {
        unsafe writeSome(octets, path) { base, count, _ in unsafe Glibc.write(raw, base, count) }
    }

    /// Writes all of the octets at an offset.
    static func write(
        _ octets: Span<UInt8>, at offset: Int, toOpen raw: CInt, _ path: ByteString
    ) throws(SpoolError) {
        let outcome = unsafe writeSome(octets, path) { base, count, done in
            unsafe pwrite(raw, base, count, offset + done)
        }
        if let failure = outcome.failure { throw failure }
    }

    private static func writeSome(
        _ octets: Span<UInt8>, _ path: ByteString, _ call: (UnsafePointer<UInt8>, Int, _ done: Int) -> Int
    ) -> (done: Int, failure: SpoolError?) {
        var failure: Int32 = 0
        var done = 0
        unsafe octets.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            while done < buffer.count {
                let wrote = unsafe call(base + done, buffer.count - done, done)
                if wrote < 0 && errno == EINTR { continue }
                guard wrote > 0 else {
                    failure = wrote == 0 ? EIO : errno
                    return
                }
                done += wrote
            }
        }
        return (done, failure == 0 ? nil : SpoolError("write", path, .system(errno: failure)))
    }

    /// Makes the content outlive a crash of an open file that somebody else keeps open.
    static func sync(open raw: CInt, _ path: ByteString) throws(SpoolError) {
        var result: CInt
        repeat { result = fsync(raw) } while result != 0 && errno == EINTR
        guard result == 0 else { throw .last("fsync", path) }
    }

    /// Makes the whole file system of an open file outlive a crash.
    static func syncFileSystem(ofOpen raw: CInt, _ path: ByteString) throws(SpoolError) {
        let number = clinux_syncfs(raw)
        guard number == 0 else { throw SpoolError("syncfs", path, .system(errno: number)) }
    }

    /// How many files this process may have open.
    static var openFilesLimit: Int {
        var limit = rlimit()
        let code = unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return code == 0 ? Int(clamping: limit.rlim_cur) : 256
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

    /// How many octets a file system has left for us.
    static func freeSpace(at path: ByteString) throws(SpoolError) -> Int {
        let directory = try open(path, .directory)
        var result = statvfs()
        guard unsafe fstatvfs(directory.raw, &result) == 0 else { throw .last("statvfs", path) }
        return Int(clamping: UInt64(result.f_bavail) * UInt64(result.f_frsize))
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
