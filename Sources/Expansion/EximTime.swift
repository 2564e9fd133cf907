package import Bytes
import Glibc

/// The clock, and Exim's time intervals such as `1w2d3h4m5s` (manual, section 6.16).
package enum EximTime {
    /// The time since the epoch.
    package static let now: @Sendable () -> (seconds: Int64, microseconds: Int) = {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return (Int64(time.tv_sec), time.tv_nsec / 1000)
    }

    /// Seconds that the machine's local time is ahead of UTC.
    package static let localOffset: @Sendable (Int64) -> Int = { seconds in
        var moment = time_t(seconds)
        var parts = unsafe tm()
        guard unsafe localtime_r(&moment, &parts) != nil else { return 0 }
        return unsafe parts.tm_gmtoff
    }

    /// What the machine's local time is called at a time, such as `CET`.
    package static let localName: @Sendable (Int64) -> ByteString = { seconds in
        var moment = time_t(seconds)
        var parts = unsafe tm()
        guard unsafe localtime_r(&moment, &parts) != nil, let name = unsafe parts.tm_zone else { return "" }
        return unsafe ByteString(String(cString: name))
    }

    package static var processID: Int { Int(getpid()) }

    private static let units: [(letter: UInt8, seconds: Int)] = [
        (UInt8(ascii: "w"), 604_800), (UInt8(ascii: "d"), 86_400), (UInt8(ascii: "h"), 3600),
        (UInt8(ascii: "m"), 60), (UInt8(ascii: "s"), 1),
    ]

    /// The seconds of an interval: numbers, each with one of the letters w, d, h, m, s; nil for anything else.
    package static func seconds(_ text: some Collection<UInt8>) -> Int? {
        var total = 0
        var value: Int?
        for octet in text {
            if octet.isASCIIDigit {
                let (product, over) = (value ?? 0).multipliedReportingOverflow(by: 10)
                let (sum, overAgain) = product.addingReportingOverflow(Int(octet) - 0x30)
                if over || overAgain { return nil }
                value = sum
                continue
            }
            guard let number = value, let unit = units.first(where: { $0.letter == octet }) else {
                return nil
            }
            let (product, over) = number.multipliedReportingOverflow(by: unit.seconds)
            let (sum, overAgain) = total.addingReportingOverflow(product)
            if over || overAgain { return nil }
            (total, value) = (sum, nil)
        }
        return value == nil && !text.isEmpty ? total : nil
    }

    /// An interval in Exim's notation, the largest units first; `0s` for none.
    package static func text(seconds: Int) -> ByteString {
        var result = ByteString()
        var rest = max(seconds, 0)
        for unit in units where rest >= unit.seconds {
            result += ByteString("\(rest / unit.seconds)") + [unit.letter]
            rest %= unit.seconds
        }
        return result.isEmpty ? "0s" : result
    }
}

/// The zone that times are shown in.
struct LocalZone {
    /// Seconds ahead of UTC at a time.
    let offset: @Sendable (Int64) -> Int
    /// What it is called then.
    let name: @Sendable (Int64) -> ByteString
}
