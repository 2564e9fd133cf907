import Bytes

/// Ages and sizes as the first line of a listed message has them (manual, option -bp).
enum ListingNumbers {
    /// How long a message has been on the queue: minutes up to 90, hours up to 72, then days.
    static func age(seconds: Int64) -> ByteString {
        let minutes = seconds / 60
        guard minutes > 90 else { return "\(minutes, width: 2)m " }
        let hours = (minutes + 30) / 60
        guard hours > 72 else { return "\(hours, width: 2)h " }
        return "\((hours + 12) / 24, width: 2)d "
    }

    /// Appends an age.
    static func appendAge(seconds: Int64, to text: inout ByteString) {
        let minutes = seconds / 60
        let hours = (minutes + 30) / 60
        let (number, unit) =
            minutes <= 90
            ? (minutes, UInt8(ascii: "m"))
            : hours <= 72 ? (hours, UInt8(ascii: "h")) : ((hours + 12) / 24, UInt8(ascii: "d"))
        append(Int(number), width: 2, to: &text)
        text.append(unit)
        text.append(.blank)
    }

    /// Appends a size.
    static func appendSize(_ size: Int, to text: inout ByteString) {
        switch size {
        case 1..<1024: append(size, width: 5, to: &text)
        case (10 << 10)..<(1 << 20):
            append((size + 512) >> 10, width: 4, to: &text)
            text.append(UInt8(ascii: "K"))
        default: text += self.size(size)
        }
    }

    /// Appends a number, blanks before it.
    private static func append(_ number: Int, width: Int, to text: inout ByteString) {
        guard number >= 0 else {
            text += "\(number, width: width)" as ByteString
            return
        }
        var (limit, length) = (10, 1)
        while number >= limit, length < 18 {
            limit *= 10
            length += 1
        }
        var column = width
        while column > length {
            text.append(.blank)
            column -= 1
        }
        var unit = limit / 10
        while unit > 0 {
            text.append(UInt8(ascii: "0") + UInt8(number / unit % 10))
            unit /= 10
        }
    }

    /// A size in five columns; blank for zero.
    static func size(_ size: Int) -> ByteString {
        switch size {
        case 0: "     "
        case ..<1024: "\(size, width: 5)"
        case ..<(10 << 10): "\(tenths(size, of: 10))K"
        case ..<(1 << 20): "\((size + 512) >> 10, width: 4)K"
        case ..<(10 << 20): "\(tenths(size, of: 20))M"
        default: "\((size + (512 << 10)) >> 20, width: 4)M"
        }
    }

    /// The size in units of `1 << shift` with one decimal, rounded as C's printf does: to the nearest, ties to even.
    private static func tenths(_ size: Int, of shift: Int) -> ByteString {
        let unit = 1 << shift
        let (whole, rest) = (size * 10).quotientAndRemainder(dividingBy: unit)
        let half = unit / 2
        let rounded = rest > half || (rest == half && whole % 2 == 1) ? whole + 1 : whole
        return "\(rounded / 10, width: 2).\(rounded % 10)"
    }
}
