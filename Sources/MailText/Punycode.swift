import Bytes

/// Unicode text in letters, digits and hyphens (RFC 3492).
enum Punycode {
    private static let base: UInt32 = 36
    private static let least: UInt32 = 1
    private static let most: UInt32 = 26
    private static let skew: UInt32 = 38
    private static let damp: UInt32 = 700
    private static let firstBias: UInt32 = 72
    private static let firstBeyond: UInt32 = 128
    /// The longest text that is decoded, in scalars: decoding takes time that grows with its square.
    private static let longest = 1000

    static func encode(_ scalars: some Collection<Unicode.Scalar>) -> ByteString {
        var result = ByteString(scalars.filter(\.isASCII).map { UInt8($0.value) })
        let basic = UInt32(result.count)
        if basic > 0 { result.append(UInt8(ascii: "-")) }
        var (handled, next, delta, bias) = (basic, firstBeyond, UInt64(0), firstBias)
        while let wanted = scalars.lazy.map(\.value).filter({ $0 >= next }).min() {
            delta += UInt64(wanted - next) * UInt64(handled + 1)
            next = wanted
            for scalar in scalars {
                if scalar.value < next { delta += 1 }
                guard scalar.value == next else { continue }
                append(delta, bias, to: &result)
                bias = adapted(delta, handled + 1, isFirst: handled == basic)
                delta = 0
                handled += 1
            }
            delta += 1
            next += 1
        }
        return result
    }

    private static func append(_ delta: UInt64, _ bias: UInt32, to result: inout ByteString) {
        var rest = delta
        var place = base
        while true {
            let threshold = UInt64(threshold(place, bias))
            if rest < threshold { break }
            result.append(digit(UInt32(threshold + (rest - threshold) % (UInt64(base) - threshold))))
            rest = (rest - threshold) / (UInt64(base) - threshold)
            place += base
        }
        result.append(digit(UInt32(rest)))
    }

    private static func threshold(_ place: UInt32, _ bias: UInt32) -> UInt32 {
        place <= bias ? least : min(place - bias, most)
    }

    private static func digit(_ value: UInt32) -> UInt8 {
        UInt8(value < 26 ? value + 0x61 : value - 26 + 0x30)
    }

    private static func adapted(_ delta: UInt64, _ count: UInt32, isFirst: Bool) -> UInt32 {
        var delta = isFirst ? delta / UInt64(damp) : delta / 2
        delta += delta / UInt64(count)
        var place: UInt32 = 0
        while delta > UInt64((base - least) * most / 2) {
            delta /= UInt64(base - least)
            place += base
        }
        return place + UInt32(UInt64(base - least + 1) * delta / (delta + UInt64(skew)))
    }

    /// The text; nil for what no text is encoded to.
    static func decode(_ text: some Collection<UInt8>) -> String? {
        let text = Array(text)
        guard text.count <= longest, text.allSatisfy({ $0 < 128 }) else { return nil }
        let mark = text.lastIndex(of: UInt8(ascii: "-"))
        var scalars = text[..<(mark ?? 0)].map { Unicode.Scalar($0) }
        var rest = text[(mark.map { $0 + 1 } ?? 0)...]
        var (next, index, bias) = (firstBeyond, UInt32(0), firstBias)
        while !rest.isEmpty {
            let before = index
            guard let delta = takeNumber(&rest, bias) else { return nil }
            let (sum, over) = index.addingReportingOverflow(delta)
            let count = UInt32(scalars.count) + 1
            guard !over else { return nil }
            bias = adapted(UInt64(sum - before), count, isFirst: before == 0)
            let (value, tooGreat) = next.addingReportingOverflow(sum / count)
            guard !tooGreat, let scalar = Unicode.Scalar(value) else { return nil }
            next = value
            index = sum % count
            scalars.insert(scalar, at: Int(index))
            index += 1
        }
        var result = String.UnicodeScalarView()
        result.append(contentsOf: scalars)
        return String(result)
    }

    private static func takeNumber(_ text: inout ArraySlice<UInt8>, _ bias: UInt32) -> UInt32? {
        var (value, weight, place) = (UInt32(0), UInt32(1), base)
        while let octet = text.popFirst() {
            let digit: UInt32
            switch octet {
            case UInt8(ascii: "a")...UInt8(ascii: "z"): digit = UInt32(octet) - 0x61
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): digit = UInt32(octet) - 0x41
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = UInt32(octet) - 0x30 + 26
            default: return nil
            }
            let (part, over) = digit.multipliedReportingOverflow(by: weight)
            let (sum, overAgain) = value.addingReportingOverflow(part)
            if over || overAgain { return nil }
            value = sum
            let threshold = threshold(place, bias)
            if digit < threshold { return value }
            let (product, tooGreat) = weight.multipliedReportingOverflow(by: base - threshold)
            if tooGreat { return nil }
            weight = product
            place += base
        }
        return nil
    }
}
