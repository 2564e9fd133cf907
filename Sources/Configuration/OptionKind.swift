package import Bytes
package import Expansion

/// The type of an option's value (manual, "Common option syntax" and what follows).
package enum OptionKind: Sendable, Hashable {
    /// A switch: `name`, `no_name`, `name = yes`.
    case boolean
    /// A switch whose value may be a string to expand.
    case expandedBoolean
    /// A number with `K`, `M` or `G`; octal after `0`, hexadecimal after `0x`.
    case integer
    /// A number, or a string that expands to one.
    case expandedInteger
    /// A number in octal, whatever it begins with.
    case octal
    /// A number with up to three decimals, kept in thousandths.
    case fixed
    /// An interval such as `1w2d3h4m5s`, in seconds.
    case time
    /// An interval, or a string that expands to one.
    case expandedTime
    /// Intervals with colons between them.
    case timeList
    /// A word out of a few, checked where it is used.
    case keyword
    /// A string that is not expanded.
    case string
    /// A string that is expanded when it is used.
    case expanded
    /// Items that are not expanded.
    case list
    /// Items of a string that is expanded first.
    case expandedList
    /// A domain list.
    case domainList
    /// A host list.
    case hostList
    /// An address list.
    case addressList
    /// A local part list.
    case localPartList
}

/// A value as the file gives it, checked for its kind.
package enum OptionValue: Sendable, Hashable {
    /// A switch.
    case flag(Bool)
    /// A number: of octets, a mode, thousandths, or plain.
    case number(Int64)
    /// An interval in seconds.
    case seconds(Int64)
    /// Several intervals in seconds.
    case intervals([Int64])
    /// Text that is never expanded.
    case text(ByteString)
    /// Text that is expanded when used, lists included.
    case template(Template)
}

/// How far this program honours an option.
package enum OptionSupport: Sendable {
    /// It does what the manual says.
    case honoured
    /// It is known, and can have no effect here; the text says why.
    case needless(String)
    /// It is known and does nothing yet; `bobbin config check` says so.
    case notYet
    /// It is known, does nothing yet, and could change where mail goes or who gets in: nothing may start.
    case notYetDecisive
}

extension OptionKind {
    /// Whether the name alone sets it, and `no_` unsets it.
    var isSwitch: Bool { self == .boolean || self == .expandedBoolean }

    /// Reads the text of an option's value; the error is a sentence without its place.
    func value(of text: ByteString, for name: ByteString) -> Result<OptionValue, OptionProblem> {
        let isExpanded = text.first == UInt8(ascii: "$")
        switch self {
        case .boolean: return flag(text, name)
        case .expandedBoolean: return isExpanded ? .success(.template(Template(text))) : flag(text, name)
        case .integer: return number(text, name)
        case .expandedInteger:
            return text.contains(UInt8(ascii: "$")) ? .success(.template(Template(text))) : number(text, name)
        case .octal: return octal(text, name)
        case .fixed: return thousandths(text, name)
        case .time: return interval(text, name)
        case .expandedTime:
            return text.contains(UInt8(ascii: "$"))
                ? .success(.template(Template(text))) : interval(text, name)
        case .timeList: return intervals(text, name)
        case .keyword, .string, .list: return .success(.text(text))
        case .expanded, .expandedList, .domainList, .hostList, .addressList, .localPartList:
            return .success(.template(Template(text)))
        }
    }

    private func problem(_ sentence: ByteString) -> Result<OptionValue, OptionProblem> {
        .failure(OptionProblem(sentence))
    }

    private func flag(_ text: ByteString, _ name: ByteString) -> Result<OptionValue, OptionProblem> {
        let word = ByteString(text.prefix { $0.isASCIILetter })
        let value: Bool
        switch word.lowercasedASCII() {
        case "true", "yes": value = true
        case "false", "no": value = false
        default: return problem("\"\(word)\" is not a valid value for the \"\(name)\" option")
        }
        guard word.count == text.count else {
            return problem("extra characters follow \"\(word)\" for boolean option \(name)")
        }
        return .success(.flag(value))
    }

    private func number(_ text: ByteString, _ name: ByteString) -> Result<OptionValue, OptionProblem> {
        if let value = EximNumber.parse(text) { return .success(.number(value)) }
        let digits = text.first.map { "+-".utf8.contains($0) } ?? false ? text.dropFirst() : text[...]
        guard let first = digits.first, first.isASCIIDigit else {
            return problem("integer expected for \(name)")
        }
        let last = text.last.map { "KMGkmg".utf8.contains($0) } ?? false ? digits.dropLast() : digits
        if last.allSatisfy(\.isASCIIDigit), first != UInt8(ascii: "0") { return tooLarge(text) }
        return problem("extra characters follow integer value for \(name)")
    }

    private func tooLarge(_ text: ByteString) -> Result<OptionValue, OptionProblem> {
        problem("absolute value of integer \"\(text)\" is too large (overflow)")
    }

    private func octal(_ text: ByteString, _ name: ByteString) -> Result<OptionValue, OptionProblem> {
        if let value = Int64(text.string, radix: 8), value >= 0, value <= 0o7777 {
            return .success(.number(value))
        }
        guard let first = text.first, (0x30...0x37).contains(first) else {
            return problem("octal integer expected for \(name)")
        }
        return problem("extra characters follow octal integer value for \(name)")
    }

    private func thousandths(_ text: ByteString, _ name: ByteString) -> Result<OptionValue, OptionProblem> {
        let whole = text.prefix { $0.isASCIIDigit }
        guard let number = whole.decimalInteger(), number < 1_000_000 else {
            return problem("fixed-point number expected for \(name)")
        }
        var rest = text[whole.count...]
        var decimals = ByteString()
        if rest.first == UInt8(ascii: ".") {
            decimals = ByteString(rest.dropFirst().prefix { $0.isASCIIDigit })
            rest = rest.dropFirst(1 + decimals.count)
        }
        guard rest.isEmpty else {
            return problem("extra characters follow fixed-point value for \(name)")
        }
        // What is finer than a thousandth is left out.
        let three =
            ByteString(decimals.prefix(3))
            + repeatElement(UInt8(ascii: "0"), count: max(0, 3 - decimals.count))
        return .success(.number(number * 1000 + (three.decimalInteger() ?? 0)))
    }

    private func interval(_ text: ByteString, _ name: ByteString) -> Result<OptionValue, OptionProblem> {
        EximInterval.parse(text).map { .success(.seconds($0)) } ?? problem("invalid time value for \(name)")
    }

    private func intervals(_ text: ByteString, _ name: ByteString) -> Result<OptionValue, OptionProblem> {
        var values: [Int64] = []
        for item in text.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: true) {
            guard let value = EximInterval.parse(ByteString(item.trimmed())) else {
                return problem("invalid time value for \(name)")
            }
            values.append(value)
        }
        return .success(.intervals(values))
    }
}

/// Why a value is not of its option's kind.
struct OptionProblem: Error, Hashable {
    var sentence: ByteString
    init(_ sentence: ByteString) { self.sentence = sentence }
}

/// Numbers as option values write them.
package enum EximNumber {
    /// Reads a number with an optional sign and `K`, `M` or `G` behind it; nil for anything else.
    package static func parse(_ text: ByteString) -> Int64? {
        guard let last = text.last else { return nil }
        let shift: Int64 =
            switch last.uppercasedASCII {
            case UInt8(ascii: "K"): 10
            case UInt8(ascii: "M"): 20
            case UInt8(ascii: "G"): 30
            default: 0
            }
        let digits = shift == 0 ? text[...] : text.dropLast()
        guard let value = based(ByteString(digits)) else { return nil }
        let (product, over) = value.multipliedReportingOverflow(by: 1 << shift)
        return over ? nil : product
    }

    private static func based(_ digits: ByteString) -> Int64? {
        if digits.startsIgnoringCase(with: ByteString("0x")) {
            return Int64(digits.string.dropFirst(2), radix: 16)
        }
        if digits.count > 1, digits.first == UInt8(ascii: "0") { return Int64(digits.string, radix: 8) }
        return digits.decimalInteger()
    }
}

/// Intervals as option values write them (manual, "Time intervals").
package enum EximInterval {
    /// Reads `1w2d3h4m5s` as seconds: at least one number, a unit behind each; nil for anything else.
    package static func parse(_ text: ByteString) -> Int64? {
        var total: Int64 = 0
        var number: Int64?
        for octet in text {
            if octet.isASCIIDigit {
                number = (number ?? 0) * 10 + Int64(octet - 0x30)
                guard let number, number < 1 << 40 else { return nil }
                continue
            }
            guard let count = number, let unit = unit(octet) else { return nil }
            total += count * unit
            guard total < 1 << 50 else { return nil }
            number = nil
        }
        return number == nil && !text.isEmpty ? total : nil
    }

    private static func unit(_ letter: UInt8) -> Int64? {
        switch letter {
        case UInt8(ascii: "w"): 604_800
        case UInt8(ascii: "d"): 86_400
        case UInt8(ascii: "h"): 3_600
        case UInt8(ascii: "m"): 60
        case UInt8(ascii: "s"): 1
        default: nil
        }
    }

    /// Writes seconds as Exim does: units that are zero left out, `0s` for none.
    package static func format(_ seconds: Int64) -> ByteString {
        guard seconds > 0 else { return "0s" }
        var rest = seconds
        var text = ByteString()
        for (letter, size) in [("w", 604_800), ("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)]
            as [(String, Int64)]
        {
            if rest / size > 0 { text += "\(rest / size)\(letter)" as ByteString }
            rest %= size
        }
        return text
    }
}
