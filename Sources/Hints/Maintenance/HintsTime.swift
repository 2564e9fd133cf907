package import Bytes
import Glibc

/// Times as Exim's tools for hints print and read them: `21-Nov-2026 07:15:29`.
package enum HintsTime {
    /// Whose clock is meant.
    package enum Zone: Sendable, Hashable {
        /// The machine's time zone.
        case local
        /// UTC.
        case utc
    }

    /// The time in words; a stamp outside `HintsLimits.times` is printed as the nearest one inside.
    package static func text(_ stamp: Int64, _ zone: Zone) -> ByteString {
        var text = ByteString()
        append(stamp, zone, to: &text)
        return text
    }

    /// Appends what `text` gives; a dump has three of them in each record.
    static func append(_ stamp: Int64, _ zone: Zone, to text: inout ByteString) {
        let parts = broken(stamp, zone)
        let start = text.count
        text.append(contentsOf: template)
        func put(_ value: Int32, _ last: Int, _ width: Int) {
            var rest = value
            for place in stride(from: start + last, to: start + last - width, by: -1) {
                text[place] += UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            }
        }
        put(parts.day, 1, 2)
        let month = months[min(max(Int(parts.month), 0), 11)]
        for place in 0..<3 { text[start + 3 + place] = month[place] }
        put(parts.year, 10, 4)
        put(parts.hour, 13, 2)
        put(parts.minute, 16, 2)
        put(parts.second, 19, 2)
    }

    private static let template: ByteString = "00-XXX-0000 00:00:00"

    /// Reads what `text` prints; nil for anything else.
    package static func parse(_ text: some Collection<UInt8>, _ zone: Zone) -> Int64? {
        let octets = ByteString(text)
        guard octets.count == textLength else { return nil }
        let punctuation = [2: "-", 6: "-", 11: " ", 14: ":", 17: ":"]
        for (place, mark) in punctuation where octets[place] != ByteString(mark)[0] { return nil }
        let name = ByteString(octets[3..<6])
        guard let month = months.firstIndex(of: name), let day = number(octets[0..<2], 1...31),
            let year = number(octets[7..<11], 1970...9999), let hour = number(octets[12..<14], 0...23),
            let minute = number(octets[15..<17], 0...59), let second = number(octets[18..<20], 0...60)
        else { return nil }
        return stamp(
            Broken(year: year, month: Int32(month), day: day, hour: hour, minute: minute, second: second),
            zone)
    }

    /// How many octets a printed time has.
    package static let textLength = 20

    /// Reads a time as exim_fixdb takes it: pairs of digits from the right are minute, hour, day, month and year;
    /// what is missing is today's; colons between pairs are passed over.
    ///
    /// - Parameter now: the present, in seconds since 1970, in the machine's time zone.
    package static func parse(entered text: ByteString, now: Int64) -> Int64? {
        guard let pairs = pairs(of: text), pairs.count <= 5 else { return nil }
        var parts = broken(now, .local)
        parts.second = 0
        for (place, value) in pairs.enumerated() {
            switch place {
            case 0: parts.minute = value
            case 1: parts.hour = value
            case 2: parts.day = value
            case 3: parts.month = value - 1
            default: parts.year = value + (value < 90 ? 2000 : 1900)
            }
        }
        return stamp(parts, .local)
    }

    /// A span as Exim writes it: `1w2d3h4m5s`; nil for anything else.
    ///
    /// - Parameter needsUnit: whether a number without unit, which else means seconds, is refused as exim_tidydb does.
    package static func seconds(span text: ByteString, needsUnit: Bool = false) -> Int64? {
        if needsUnit, text.last?.isASCIIDigit == true { return nil }
        return RetryStep.seconds(text[...])
    }

    /// A number with a fixed count of decimals, as C's `%<width>.<decimals>f` prints it.
    package static func decimal(_ value: Double, decimals: Int = 3, width: Int = 0) -> ByteString {
        var buffer = [CChar](repeating: 0, count: 400)
        let size = buffer.count
        let count = unsafe withVaList([CInt(clamping: width), CInt(clamping: decimals), value]) {
            unsafe vsnprintf(&buffer, size, "%*.*f", $0)
        }
        return ByteString(buffer.prefix(Int(max(count, 0))).map { UInt8(bitPattern: $0) })
    }

    private static func pairs(of text: ByteString) -> [Int32]? {
        var result: [Int32] = []
        var rest = text[...]
        while let last = rest.popLast() {
            guard last.isASCIIDigit else { return nil }
            var value = Int32(last - 0x30)
            if let tens = rest.popLast() {
                guard tens.isASCIIDigit else { return nil }
                value += Int32(tens - 0x30) * 10
            }
            result.append(value)
            if rest.last == UInt8(ascii: ":") { rest = rest.dropLast() }
        }
        return result.isEmpty ? nil : result
    }

    private static let months: [ByteString] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    private static func number(_ digits: ArraySlice<UInt8>, _ range: ClosedRange<Int64>) -> Int32? {
        guard digits.allSatisfy(\.isASCIIDigit), let value = digits.decimalInteger(), range.contains(value)
        else { return nil }
        return Int32(value)
    }

    private struct Broken {
        var year, month, day, hour, minute, second: Int32
    }

    private static func broken(_ stamp: Int64, _ zone: Zone) -> Broken {
        var time = time_t(min(max(stamp, 0), HintsLimits.times.upperBound))
        var parts = unsafe tm()
        switch zone {
        case .local: unsafe localtime_r(&time, &parts)
        case .utc: unsafe gmtime_r(&time, &parts)
        }
        return unsafe Broken(
            year: parts.tm_year + 1900, month: parts.tm_mon, day: parts.tm_mday, hour: parts.tm_hour,
            minute: parts.tm_min, second: parts.tm_sec)
    }

    private static func stamp(_ broken: Broken, _ zone: Zone) -> Int64? {
        var parts = unsafe tm()
        unsafe parts.tm_year = broken.year - 1900
        unsafe parts.tm_mon = broken.month
        unsafe parts.tm_mday = broken.day
        unsafe parts.tm_hour = broken.hour
        unsafe parts.tm_min = broken.minute
        unsafe parts.tm_sec = broken.second
        unsafe parts.tm_isdst = -1
        let time =
            switch zone {
            case .local: unsafe mktime(&parts)
            case .utc: unsafe timegm(&parts)
            }
        return HintsLimits.times.contains(Int64(time)) ? Int64(time) : nil
    }
}
