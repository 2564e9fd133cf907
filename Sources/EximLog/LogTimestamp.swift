package import Bytes
import Glibc

/// How the time stands before a log line (options `timezone`, `log_timezone`, selectors `millisec` and
/// `pid`).
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

// A civil time as the C library tells it, copied out of C's structure at once.
struct BrokenDownTime {
    private let date: (year: Int, month: Int, day: Int)
    private let clock: (hour: Int, minute: Int, second: Int)
    private let offset: Int

    init(_ seconds: Int, usesUTC: Bool) {
        var moment = time_t(seconds)
        var parts = unsafe tm()
        if usesUTC {
            unsafe gmtime_r(&moment, &parts)
        } else {
            unsafe localtime_r(&moment, &parts)
        }
        date = unsafe (Int(parts.tm_year) + 1900, Int(parts.tm_mon) + 1, Int(parts.tm_mday))
        clock = unsafe (Int(parts.tm_hour), Int(parts.tm_min), Int(parts.tm_sec))
        offset = unsafe parts.tm_gmtoff
    }

    var dateAndTime: ByteString {
        let time: ByteString =
            "\(clock.hour, zeroPadded: 2):\(clock.minute, zeroPadded: 2):\(clock.second, zeroPadded: 2)"
        return "\(date(separator: "-")) \(time)"
    }

    // As syslog(3) has it: `Nov 21 08:51:09`, the day with a blank before a single digit.
    var syslogTime: ByteString {
        let months: [ByteString] = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ]
        let month = months[(date.month - 1 + 12) % 12]
        let day: ByteString = date.day < 10 ? " \(date.day)" : "\(date.day)"
        return
            "\(month) \(day) \(clock.hour, zeroPadded: 2):\(clock.minute, zeroPadded: 2):\(clock.second, zeroPadded: 2)"
    }

    var datestamp: ByteString { date(separator: "") }

    var zone: ByteString {
        let minutes = abs(offset) / 60
        let sign: ByteString = offset < 0 ? "-" : "+"
        return "\(sign)\(minutes / 60, zeroPadded: 2)\(minutes % 60, zeroPadded: 2)"
    }

    private func date(separator: ByteString) -> ByteString {
        let year: ByteString = "\(date.year, zeroPadded: 4)\(separator)"
        return "\(year)\(date.month, zeroPadded: 2)\(separator)\(date.day, zeroPadded: 2)"
    }
}
