import Bytes
import Glibc

/// `dsearch`: whether a directory has an entry of that name (manual, section 9.3).
struct DirectorySearch: LookupDriver {
    var style: LookupStyle { .singleKey }

    func find(_ request: LookupRequest) async -> LookupOutcome {
        if let trouble = Self.trouble(withDirectory: request.file) { return .unusable(trouble) }
        if request.key.contains(UInt8(ascii: "/")) {
            return .deferred("key for dsearch lookup contains a slash: \(request.key)")
        }
        // A zero would end the name early for the system, and let the rest of the key through as checked.
        if request.key.contains(0) { return .notFound }
        let path: ByteString = "\(request.file)/\(request.key)"
        var status = stat()
        guard unsafe path.withCPath({ unsafe lstat($0, &status) }) == 0 else {
            let number = errno
            if number == ENOENT { return .notFound }
            return .deferred("\(path): lstat failed: \(FileCache.reason(number))")
        }
        guard Self.passes(request.option("filter"), request.key, status.st_mode & S_IFMT) else {
            return .notFound
        }
        return .found(request.option("ret") == "full" ? path : request.key)
    }

    private static func passes(_ filter: ByteString?, _ key: ByteString, _ kind: mode_t) -> Bool {
        switch filter {
        case "file": kind == S_IFREG
        case "dir": kind == S_IFDIR
        case "subdir": kind == S_IFDIR && key != "." && key != ".."
        default: true
        }
    }

    private static func trouble(withDirectory path: ByteString) -> ByteString? {
        let descriptor = unsafe path.withCPath { unsafe open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        guard descriptor >= 0 else {
            return "failed to open \(path) for directory search: \(FileCache.reason(errno))"
        }
        close(descriptor)
        return nil
    }
}
