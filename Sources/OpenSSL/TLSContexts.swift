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
        let versions = settings.files.map { FileVersion(of: $0) }
        // Files in a directory change without it, and the system's are nowhere named.
        let isLasting =
            settings.trust != .system && settings.selfSignedName == nil
            && !settings.files.contains(where: isDirectory)
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

/// Whether a path names a directory.
func isDirectory(_ path: ByteString) -> Bool {
    (status(of: path).map { $0.st_mode & S_IFMT }) == S_IFDIR
}

private func status(of path: ByteString) -> stat? {
    var status = stat()
    return unsafe stat(path.string, &status) == 0 ? status : nil
}
