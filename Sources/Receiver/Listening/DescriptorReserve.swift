import Glibc
import Synchronization

/// How many connections there may be, so that each of them can still write its message.
///
/// A session holds one descriptor, and another one for `-D` while its message comes in. When the process has none left,
/// it is too late to tell anybody: so newcomers are told before, and those who have been greeted are served.
final class DescriptorReserve: Sendable {
    /// What is kept for all that is open for a moment: `-H` files, logs, lookups, answers of the DNS, hints.
    static let spare = 64
    /// How many sessions at most have a descriptor for `-D` kept for them; not all of many thousands write at one moment.
    static let mostWriting = 4096

    /// How many connections there may be.
    let most: Int
    private let open = Mutex(0)

    /// Makes a reserve for a process that may have `limit` descriptors and has `used` already.
    init(limit: Int, used: Int) {
        let free = max(0, limit - used - Self.spare)
        most = max(1, free > 2 * Self.mostWriting ? free - Self.mostWriting : free / 2)
    }

    /// The reserve of this process as it is now.
    static func ofProcess() -> DescriptorReserve {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            return DescriptorReserve(limit: 1024, used: spare)
        }
        // Event loops open theirs when they are first needed.
        let loops = 4 * max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        return DescriptorReserve(limit: Int(clamping: limit.rlim_cur), used: used() + loops)
    }

    /// How many descriptors are in use.
    private static func used() -> Int {
        guard let directory = unsafe opendir("/proc/self/fd") else { return spare }
        defer { unsafe closedir(directory) }
        var count = 0
        while unsafe readdir(directory) != nil { count += 1 }
        return count
    }

    /// Counts a connection in; false when it is one too many, but it counts until `leave` all the same.
    func enter() -> Bool {
        open.withLock { open in
            open += 1
            return open <= most
        }
    }

    /// Counts a connection out, when its descriptor has been closed.
    func leave() { open.withLock { $0 -= 1 } }
}
