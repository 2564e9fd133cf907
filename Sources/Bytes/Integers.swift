extension Collection<UInt8> {
    /// The whole of the octets as a decimal number: an optional sign and at least one digit, nothing else.
    ///
    /// Nil for anything else, and for numbers that do not fit 64 bits.
    @inlinable public func decimalInteger() -> Int64? {
        var rest = self[...]
        let negative = rest.first == UInt8(ascii: "-")
        if negative || rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
        guard !rest.isEmpty else { return nil }
        var value: Int64 = 0
        for octet in rest {
            guard octet.isASCIIDigit else { return nil }
            let (product, over) = value.multipliedReportingOverflow(by: 10)
            let digit = Int64(octet - 0x30)
            let (next, overAgain) =
                negative
                ? product.subtractingReportingOverflow(digit) : product.addingReportingOverflow(digit)
            if over || overAgain { return nil }
            value = next
        }
        return value
    }
}
