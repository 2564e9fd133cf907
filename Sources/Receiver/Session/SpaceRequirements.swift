import Bytes
import Configuration
import Glibc

/// `check_spool_space` and its relatives: how much must be free before a message is taken.
struct SpaceRequirements: Sendable {
    /// A directory, and what must be free there.
    struct Place: Sendable {
        /// `spool` or `log`, as the log line calls it.
        var name: ByteString
        var path: ByteString
        /// In KiB.
        var space: Int64
        var inodes: Int64
    }

    /// What a file system has left.
    struct Free: Sendable, Equatable {
        /// In KiB.
        var space: Int64
        /// Nil where the file system counts none.
        var inodes: Int64?
    }

    /// What Exim adds to an announced size, in octets.
    static let sizeAllowance = 5000

    /// The spool and the log directory.
    var places: [Place]
    /// `smtp_check_spool_space`: whether the announced size counts too.
    var countsAnnouncedSize: Bool

    init(_ main: OptionBlock, spool: ByteString, log: ByteString?) {
        let standard: Int64 = 10 << 10
        var places = [
            Place(
                name: "spool", path: spool,
                space: Self.kibibytes(main, "check_spool_space") ?? standard,
                inodes: main.number("check_spool_inodes") ?? 100)
        ]
        if let log {
            places.append(
                Place(
                    name: "log", path: log, space: Self.kibibytes(main, "check_log_space") ?? standard,
                    inodes: main.number("check_log_inodes") ?? 100))
        }
        self.places = places
        countsAnnouncedSize = main.flag("smtp_check_spool_space") ?? true
    }

    /// A plain number counts in KiB, one with a letter in octets.
    private static func kibibytes(_ main: OptionBlock, _ option: ByteString) -> Int64? {
        guard let number = main.number(option) else { return nil }
        let hasLetter = main.values[option]?.source.trimmed().last.map(\.isASCIILetter) ?? false
        return hasLetter ? number >> 10 : number
    }

    /// What is lacking for a message of that size in octets: the log line; nil when there is room.
    func shortage(for size: Int?, free: (ByteString) -> Free? = SpaceRequirements.free) -> ByteString? {
        let announced = countsAnnouncedSize ? size.map { Int64(clamping: $0) } : nil
        for place in places {
            let extra =
                place.name == "spool" ? announced.map { ($0 &+ Int64(Self.sizeAllowance)) >> 10 } ?? 0 : 0
            guard let free = free(place.path) else { continue }
            let (needed, overflow) = place.space.addingReportingOverflow(extra)
            let lacksInodes = free.inodes.map { $0 < place.inodes } ?? false
            guard overflow || free.space < needed || lacksInodes else { continue }
            return
                "\(place.name) directory space check failed: space=\(free.space) inodes=\(free.inodes ?? -1)"
        }
        return nil
    }

    /// What the file system of a directory has left for ordinary users; nil when it cannot be told.
    static func free(_ path: ByteString) -> Free? {
        var status = statvfs()
        guard unsafe statvfs(path.string, &status) == 0 else { return nil }
        let blocks = UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize))
        let space = Int64(clamping: blocks.overflow ? UInt64.max : blocks.partialValue) >> 10
        return Free(space: space, inodes: status.f_files > 0 ? Int64(clamping: status.f_favail) : nil)
    }
}
