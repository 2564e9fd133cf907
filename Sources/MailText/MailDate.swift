package import Bytes

/// A moment in civil time with its zone, as RFC 5322 dates and log stamps need it; pure arithmetic.
package struct CivilTime: Sendable, Hashable {
    /// The year, such as 2026.
    package var year: Int
    /// 1 to 12.
    package var month: Int
    /// 1 to 31.
    package var day: Int
    /// 0 to 23.
    package var hour: Int
    /// 0 to 59.
    package var minute: Int
    /// 0 to 60.
    package var second: Int
    /// 0 is Sunday.
    package var weekday: Int
    /// Seconds east of Greenwich.
    package var offset: Int

    /// The civil time of a moment, given in seconds since 1970, at a place `offset` seconds east of
    /// Greenwich.
    package init(seconds: Int, offset: Int) {
        let local = seconds &+ offset
        let days = (local >= 0 ? local : local &- 86_399) / 86_400
        let rest = local &- days &* 86_400
        (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60)
        weekday = ((days % 7) + 11) % 7
        (year, month, day) = Self.date(ofDay: days)
        self.offset = offset
    }

    /// The zone as `+hhmm` or `-hhmm`.
    package var zone: ByteString {
        let minutes = abs(offset) / 60
        return "\(offset < 0 ? "-" : "+")\(minutes / 60, zeroPadded: 2)\(minutes % 60, zeroPadded: 2)"
    }

    /// The time of day as `hh:mm:ss`.
    package var clock: ByteString {
        "\(hour, zeroPadded: 2):\(minute, zeroPadded: 2):\(second, zeroPadded: 2)"
    }

    /// The month in three letters, in English.
    package var monthName: ByteString { Self.months[month - 1] }

    /// The date as Exim writes it in header lines: `Sat, 21 Nov 2026 07:13:24 +0000`.
    package var headerDate: ByteString {
        "\(Self.weekdays[weekday]), \(day, zeroPadded: 2) \(monthName) \(year, zeroPadded: 4) \(clock) \(zone)"
    }

    private static let weekdays: [ByteString] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months: [ByteString] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    // Days since 1970 to a date of the proleptic Gregorian calendar, in 400-year eras that begin on 1 March.
    private static func date(ofDay day: Int) -> (Int, Int, Int) {
        let shifted = day &+ 719_468
        let era = (shifted >= 0 ? shifted : shifted &- 146_096) / 146_097
        let dayOfEra = shifted &- era &* 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        let year = yearOfEra &+ era &* 400 &+ (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
    }
}
