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
    /// Reads a value's text; the error is a sentence without its place.
    func value(of text: ByteString) -> Result<OptionValue, OptionProblem> {
        switch self {
        case .boolean: flag(text)
        case .expandedBoolean: flagOrTemplate(text)
        case .integer: number(text)
        case .expandedInteger:
            text.contains(UInt8(ascii: "$")) ? .success(.template(Template(text))) : number(text)
        case .octal: octal(text)
        case .fixed: thousandths(text)
        case .time: interval(text)
        case .expandedTime:
            text.contains(UInt8(ascii: "$")) ? .success(.template(Template(text))) : interval(text)
        case .timeList: intervals(text)
        case .keyword, .string, .list: .success(.text(text))
        case .expanded, .expandedList, .domainList, .hostList, .addressList, .localPartList:
            .success(.template(Template(text)))
        }
    }

    private func flag(_ text: ByteString) -> Result<OptionValue, OptionProblem> {
        switch text.lowercasedASCII() {
        case "true", "yes": .success(.flag(true))
        case "false", "no": .success(.flag(false))
        default:
            .failure(
                OptionProblem(
                    "\"\(text)\" is not a valid value for the boolean option: expected true, yes, false or no"
                ))
        }
    }

    private func flagOrTemplate(_ text: ByteString) -> Result<OptionValue, OptionProblem> {
        if case .success(let value) = flag(text) { return .success(value) }
        return .success(.template(Template(text)))
    }

    private func number(_ text: ByteString) -> Result<OptionValue, OptionProblem> {
        guard let value = EximNumber.parse(text) else {
            return .failure(
                OptionProblem("integer expected, found \"\(text)\": digits with K, M or G behind them"))
        }
        return .success(.number(value))
    }

    private func octal(_ text: ByteString) -> Result<OptionValue, OptionProblem> {
        guard let value = Int64(text.string, radix: 8), value >= 0, value <= 0o7777 else {
            return .failure(OptionProblem("octal number expected, found \"\(text)\": such as 0660"))
        }
        return .success(.number(value))
    }

    private func thousandths(_ text: ByteString) -> Result<OptionValue, OptionProblem> {
        let problem = OptionProblem(
            "fixed-point number expected, found \"\(text)\": digits and up to three decimals")
        let parts = text.cut(at: UInt8(ascii: ".")) ?? (text[...], [])
        guard let whole = parts.before.decimalInteger(), whole >= 0, whole < 1_000_000, parts.after.count <= 3
        else { return .failure(problem) }
        let padded = ByteString(parts.after) + repeatElement(UInt8(ascii: "0"), count: 3 - parts.after.count)
        guard let decimals = padded.decimalInteger(), decimals >= 0 else { return .failure(problem) }
        return .success(.number(whole * 1000 + decimals))
    }

    private func interval(_ text: ByteString) -> Result<OptionValue, OptionProblem> {
        guard let value = EximInterval.parse(text) else {
            return .failure(
                OptionProblem(
                    "invalid time value \"\(text)\": expected numbers with w, d, h, m or s behind each"))
        }
        return .success(.seconds(value))
    }

    private func intervals(_ text: ByteString) -> Result<OptionValue, OptionProblem> {
        var values: [Int64] = []
        for item in text.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: true) {
            guard let value = EximInterval.parse(ByteString(item.trimmed())) else {
                return .failure(OptionProblem("invalid time value \"\(ByteString(item))\" in the list"))
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
