import Bytes

/// Whole numbers as conditions and options have them: sign, digits, and K, M or G.
enum EximNumber {
    /// The number; the empty string is 0.
    static func read(_ text: ByteString) throws(ExpansionError) -> Int64 {
        let trimmed = text.trimmed()
        guard let last = trimmed.last else { return 0 }
        var digits = trimmed
        var factor: Int64 = 1
        switch last.lowercasedASCII {
        case UInt8(ascii: "k"): factor = 1 << 10
        case UInt8(ascii: "m"): factor = 1 << 20
        case UInt8(ascii: "g"): factor = 1 << 30
        default: break
        }
        if factor > 1 { digits = digits.dropLast() }
        let unsigned =
            digits.first == UInt8(ascii: "-") || digits.first == UInt8(ascii: "+")
            ? digits.dropFirst() : digits
        guard unsigned.first?.isASCIIDigit == true else {
            throw .failed("integer expected but \"\(text)\" found")
        }
        guard unsigned.allSatisfy(\.isASCIIDigit) else { throw .failed("invalid integer \"\(text)\"") }
        guard let value = digits.decimalInteger() else { throw tooLarge(text) }
        let (product, over) = value.multipliedReportingOverflow(by: factor)
        guard !over else { throw tooLarge(text) }
        return product
    }

    private static func tooLarge(_ text: ByteString) -> ExpansionError {
        .failed("absolute value of integer \"\(text)\" is too large (overflow)")
    }
}
