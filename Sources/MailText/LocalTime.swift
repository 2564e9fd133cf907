import Glibc

/// The zone that times are written in; the option `timezone`.
package enum TimeZoneRule: Sendable, Hashable {
    /// `timezone = UTC`.
    case utc
    /// The machine's zone.
    case local

    /// Seconds east of Greenwich at that moment, given in seconds since 1970.
    package func offset(at seconds: Int) -> Int {
        switch self {
        case .utc: return 0
        case .local:
            var moment = time_t(seconds)
            var parts = unsafe tm()
            guard unsafe localtime_r(&moment, &parts) != nil else { return 0 }
            return unsafe parts.tm_gmtoff
        }
    }

    /// The civil time of a moment, given in seconds since 1970.
    package func civilTime(at seconds: Int) -> CivilTime {
        CivilTime(seconds: seconds, offset: offset(at: seconds))
    }
}
