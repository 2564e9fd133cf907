import Bytes
import Glibc
import Synchronization

/// The contexts that are in use, each made once, and again when one of its files has changed.
package final class TLSContexts: Sendable {
    private struct Entry {
        var context: TLSContext
        var versions: [FileVersion]
        var made = ContinuousClock.now
    }

    /// How many different settings are kept; a name that each client chooses itself must not fill the memory.
    package static let mostKept = 256

    /// How long a context is used whose files cannot all be watched, or whose certificate was made for it.
    package static let shortLife = Duration.seconds(300)

    private let entries = Mutex<[TLSSettings: Entry]>([:])

    /// Keeps none yet.
    package init() {}

    /// The context for some settings.
    ///
    /// Reads files when they are new or have changed: a renewed certificate is served without a restart.
    /// - Throws: what libssl says of the file or the text that it refuses.
    package func context(for settings: TLSSettings) throws(OpenSSLError) -> TLSContext {
        var versions = settings.files.map { FileVersion(of: $0) }
        // Files in a directory change without it. Those of revocations are few, and one that is added is urgent.
        if let list = settings.revocationList {
            versions += namesInDirectory(list).map { FileVersion(of: list + "/" + $0) }
        }
        let isLasting =
            settings.trust != .system && settings.selfSignedName == nil && !settings.trustsDirectory
        if let entry = entries.withLock({ $0[settings] }), entry.versions == versions,
            isLasting || .now - entry.made < Self.shortLife
        {
            return entry.context
        }
        let context = try TLSContext(settings)
        entries.withLock { entries in
            if entries.count >= Self.mostKept { entries.removeAll() }
            entries[settings] = Entry(context: context, versions: versions)
        }
        return context
    }
}

/// What changes when a file is written or replaced.
private struct FileVersion: Equatable {
    var device: UInt = 0
    var number: UInt = 0
    var size = 0
    var seconds = 0
    var nanoseconds = 0

    init(of path: ByteString) {
        guard let status = status(of: path) else { return }
        device = UInt(status.st_dev)
        number = UInt(status.st_ino)
        size = Int(status.st_size)
        seconds = status.st_mtim.tv_sec
        nanoseconds = status.st_mtim.tv_nsec
    }
}

/// The names of the files in a directory, sorted; none for what is no directory.
private func namesInDirectory(_ path: ByteString) -> [ByteString] {
    guard let stream = unsafe opendir(path.string) else { return [] }
    defer { unsafe _ = closedir(stream) }
    var names: [ByteString] = []
    while let entry = unsafe readdir(stream) {
        let name = unsafe withUnsafeBytes(of: entry.pointee.d_name) {
            unsafe ByteString($0.prefix { $0 != 0 })
        }
        if name.first != UInt8(ascii: ".") { names.append(name) }
    }
    return names.sorted()
}

/// Whether a path names a directory.
func isDirectory(_ path: ByteString) -> Bool {
    (status(of: path).map { $0.st_mode & S_IFMT }) == S_IFDIR
}

private func status(of path: ByteString) -> stat? {
    var status = stat()
    return unsafe stat(path.string, &status) == 0 ? status : nil
}
