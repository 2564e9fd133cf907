import Bytes

/// `eval` and `eval10`: 64-bit numbers with C's operators.
struct Arithmetic {
    /// How deep parentheses and signs may stand inside each other.
    static let deepestNesting = 100

    private let text: ByteString
    private let decimalOnly: Bool
    private var place = 0
    private var depth = 0

    private init(_ text: ByteString, decimalOnly: Bool) {
        self.text = text
        self.decimalOnly = decimalOnly
    }

    /// The value in decimal.
    static func evaluate(_ text: ByteString, decimalOnly: Bool) throws(ExpansionError) -> ByteString {
        var parser = Arithmetic(text, decimalOnly: decimalOnly)
        let value = try parser.either()
        parser.skipBlanks()
        guard parser.place == text.count else { throw parser.failure("expecting operator") }
        return "\(value)"
    }

    private func failure(_ reason: ByteString) -> ExpansionError {
        .failed("error in expression evaluation: \(reason) (after processing \"\(text[0..<place])\")")
    }

    private mutating func skipBlanks() {
        while place < text.count, text[place].isASCIISpace { place += 1 }
    }

    private mutating func take(_ operation: ByteString) -> Bool {
        skipBlanks()
        guard text[place...].starts(with: operation) else { return false }
        place += operation.count
        return true
    }

    private mutating func either() throws(ExpansionError) -> Int64 {
        var value = try exclusive()
        while take("|") { value |= try exclusive() }
        return value
    }

    private mutating func exclusive() throws(ExpansionError) -> Int64 {
        var value = try both()
        while take("^") { value ^= try both() }
        return value
    }

    private mutating func both() throws(ExpansionError) -> Int64 {
        var value = try shift()
        while take("&") { value &= try shift() }
        return value
    }

    private mutating func shift() throws(ExpansionError) -> Int64 {
        var value = try sum()
        while true {
            // A shift beyond the width counts modulo 64, as the machine's instruction has it.
            if take("<<") {
                value = value &<< (try sum())
            } else if take(">>") {
                value = value &>> (try sum())
            } else {
                return value
            }
        }
    }

    private mutating func sum() throws(ExpansionError) -> Int64 {
        var value = try product()
        while true {
            let adds = take("+")
            guard adds || take("-") else { return value }
            let other = try product()
            let (next, over) =
                adds ? value.addingReportingOverflow(other) : value.subtractingReportingOverflow(other)
            if over { throw failure(adds ? "overflow in sum" : "overflow in difference") }
            value = next
        }
    }

    private mutating func product() throws(ExpansionError) -> Int64 {
        var value = try unary()
        while true {
            if take("*") {
                let (next, over) = value.multipliedReportingOverflow(by: try unary())
                if over { throw failure("overflow in product") }
                value = next
            } else if take("/") {
                let other = try unary()
                value = try divide(value, by: other, modulo: false)
            } else if take("%") {
                let other = try unary()
                value = try divide(value, by: other, modulo: true)
            } else {
                return value
            }
        }
    }

    private func divide(_ value: Int64, by other: Int64, modulo: Bool) throws(ExpansionError) -> Int64 {
        guard other != 0 else { throw failure(modulo ? "modulo by zero" : "divide by zero") }
        // The one quotient that 64 bits do not hold is the largest number, as in Exim.
        if value == .min, other == -1 { return modulo ? 0 : .max }
        return modulo ? value % other : value / other
    }

    private mutating func unary() throws(ExpansionError) -> Int64 {
        skipBlanks()
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.deepestNesting else {
            throw failure("nested deeper than \(Self.deepestNesting)")
        }
        if take("-") {
            let value = try unary()
            return value == .min ? .max : -value
        }
        if take("+") { return try unary() }
        if take("~") { return ~(try unary()) }
        if take("(") {
            let value = try either()
            guard take(")") else { throw failure("expecting closing parenthesis") }
            return value
        }
        return try number()
    }

    private mutating func number() throws(ExpansionError) -> Int64 {
        guard place < text.count, text[place].isASCIIDigit else {
            throw failure("expecting number or opening parenthesis")
        }
        var base: Int64 = 10
        if !decimalOnly, text[place] == UInt8(ascii: "0") {
            let isHex =
                place + 2 < text.count && text[place + 1].lowercasedASCII == UInt8(ascii: "x")
                && text[place + 2].isHexDigit
            base = isHex ? 16 : 8
            if isHex { place += 2 }
        }
        var value: Int64 = 0
        while place < text.count, let digit = text[place].hexDigitValue, digit < base {
            let (product, over) = value.multipliedReportingOverflow(by: base)
            let (sum, overAgain) = product.addingReportingOverflow(Int64(digit))
            value = over || overAgain ? .max : sum
            place += 1
        }
        return try scaled(value)
    }

    private mutating func scaled(_ value: Int64) throws(ExpansionError) -> Int64 {
        guard place < text.count else { return value }
        let factor: Int64
        switch text[place].lowercasedASCII {
        case UInt8(ascii: "k"): factor = 1 << 10
        case UInt8(ascii: "m"): factor = 1 << 20
        case UInt8(ascii: "g"): factor = 1 << 30
        default: return value
        }
        place += 1
        let (product, over) = value.multipliedReportingOverflow(by: factor)
        if over { throw failure("overflow in number") }
        return product
    }
}
