internal import Glibc

/// A moment, in seconds and microseconds since 1970.
public struct SpoolTime: Hashable, Comparable, Sendable {
    /// Whole seconds since 1970.
    public var seconds: Int64
    /// Microseconds within the second, 0 to 999,999.
    public var microseconds: Int32

    /// Makes a moment; microseconds outside 0 to 999,999 are cut to that range.
    public init(seconds: Int64, microseconds: Int32 = 0) {
        self.seconds = seconds
        self.microseconds = min(max(microseconds, 0), 999_999)
    }

    /// Whether one moment is before the other.
    public static func < (one: SpoolTime, other: SpoolTime) -> Bool {
        (one.seconds, one.microseconds) < (other.seconds, other.microseconds)
    }

    /// The wall clock's moment.
    public static func now() -> SpoolTime {
        var moment = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &moment)
        return SpoolTime(seconds: Int64(moment.tv_sec), microseconds: Int32(moment.tv_nsec / 1000))
    }
}
