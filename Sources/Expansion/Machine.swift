import Bytes
import Glibc

/// What variables show of the machine.
enum Machine {
    /// The load average times 1000.
    static func loadAverage() -> Int {
        var load = 0.0
        guard unsafe getloadavg(&load, 1) == 1, load.isFinite else { return -1 }
        return Int(load * 1000)
    }

    /// Free kilobytes and inodes of the file system under a path; -1 when they cannot be told.
    static func space(_ path: ByteString) -> (kilobytes: Int, inodes: Int) {
        var status = statvfs()
        guard unsafe statvfs(path.cString, &status) == 0 else { return (-1, -1) }
        return (Int(status.f_bavail) / 1024 * Int(status.f_frsize), Int(status.f_favail))
    }
}
