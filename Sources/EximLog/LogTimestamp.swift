package import Bytes
import Glibc

/// How the time stands before a log line (options `timezone`, `log_timezone`, selectors `millisec` and `pid`).
package struct LogTimestamp: Sendable, Hashable {
    /// `timezone = UTC`.
    package var usesUTC: Bool
    /// `log_timezone`: ` +0100` after the time.
    package var showsZone: Bool
    /// Selector `millisec`.
    package var showsMilliseconds: Bool

    /// Makes a form; Exim's defaults unless said otherwise.
    package init(usesUTC: Bool = false, showsZone: Bool = false, showsMilliseconds: Bool = false) {
        self.usesUTC = usesUTC
        self.showsZone = showsZone
        self.showsMilliseconds = showsMilliseconds
    }

    /// The stamp of a moment, such as `2026-11-21 08:51:09.123 +0000`.
    package func text(of moment: LogMoment) -> ByteString {
        let parts = BrokenDownTime(moment.seconds, usesUTC: usesUTC)
        var text = parts.dateAndTime
        if showsMilliseconds { text += ".\(moment.microseconds / 1000, zeroPadded: 3)" as ByteString }
        if showsZone { text += " \(parts.zone)" as ByteString }
        return text
    }

    /// The date part of a datestamped file name: `yyyymmdd`.
    package func datestamp(of moment: LogMoment) -> ByteString {
        BrokenDownTime(moment.seconds, usesUTC: usesUTC).datestamp
    }
}

/// A moment on the wall clock.
package struct LogMoment: Sendable, Hashable {
    /// Seconds since 1970.
    package var seconds: Int
    /// 0 to 999,999.
    package var microseconds: Int

    /// Makes a moment.
    package init(seconds: Int, microseconds: Int = 0) {
        self.seconds = seconds
        self.microseconds = microseconds
    }

    /// The wall clock now.
    package static func now() -> LogMoment {
        var clock = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &clock)
        return LogMoment(seconds: clock.tv_sec, microseconds: clock.tv_nsec / 1000)
    }
}

// A civil time as the C library tells it.
struct BrokenDownTime {
    private var parts = tm()

    init(_ seconds: Int, usesUTC: Bool) {
        var moment = time_t(seconds)
        if usesUTC {
            unsafe gmtime_r(&moment, &parts)
        } else {
            unsafe localtime_r(&moment, &parts)
        }
    }

    var dateAndTime: ByteString {
        let clock: ByteString =
            "\(parts.tm_hour, zeroPadded: 2):\(parts.tm_min, zeroPadded: 2):\(parts.tm_sec, zeroPadded: 2)"
        return "\(date(separator: "-")) \(clock)"
    }

    var datestamp: ByteString { date(separator: "") }

    var zone: ByteString {
        let minutes = abs(parts.tm_gmtoff) / 60
        let sign: ByteString = parts.tm_gmtoff < 0 ? "-" : "+"
        return "\(sign)\(minutes / 60, zeroPadded: 2)\(minutes % 60, zeroPadded: 2)"
    }

    private func date(separator: ByteString) -> ByteString {
        let year = Int(parts.tm_year) + 1900
        return
            "\(year, zeroPadded: 4)\(separator)\(parts.tm_mon + 1, zeroPadded: 2)\(separator)\(parts.tm_mday, zeroPadded: 2)"
    }
}
