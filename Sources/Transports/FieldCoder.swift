import Bytes

/// Values that go through a pipe between two of our processes: one function says them in order, for writing and for reading.
protocol FieldCoded {
    /// Passes every field through the coder, always in the same order.
    mutating func pass(through coder: inout FieldCoder)
}

extension FieldCoded {
    /// The value as octets.
    var encoded: ByteString {
        var coder = FieldCoder()
        var copy = self
        copy.pass(through: &coder)
        return coder.octets
    }

    /// Reads a value into a blank one; nil for octets that are none.
    static func decoded(_ octets: ByteString, into blank: Self) -> Self? {
        var coder = FieldCoder(reading: octets)
        var value = blank
        value.pass(through: &coder)
        return coder.isWhole ? value : nil
    }
}

/// Writes values one after the other, each with its length before it, or reads what was so written.
///
/// What is read wrong leaves values as they were, and the coder broken: who reads asks `isWhole` at the end.
struct FieldCoder {
    /// The most octets of one field.
    static let limit = 64 << 20
    /// The most items of one list.
    static let listLimit = 1 << 20

    private(set) var octets: ByteString
    private let isReading: Bool
    private var place = 0
    private var isBroken = false

    /// Writes.
    init() { (octets, isReading) = ("", false) }

    /// Reads.
    init(reading octets: ByteString) { (self.octets, isReading) = (octets, true) }

    /// Whether everything was read, and nothing was wrong.
    var isWhole: Bool { !isBroken && isAtEnd }
    /// Whether nothing is left to be read, or nothing can be.
    var isAtEnd: Bool { isBroken || place == octets.count }

    mutating func pass(_ text: inout ByteString) {
        guard isReading else {
            octets += "\(text.count):" as ByteString
            octets += text
            return
        }
        if let read = next() { text = read }
    }

    mutating func pass<Number: FixedWidthInteger>(_ number: inout Number) {
        var text: ByteString = isReading ? "" : "\(number)"
        pass(&text)
        guard isReading, !isBroken else { return }
        guard let read = text.decimalInteger().flatMap({ Number(exactly: $0) }) else { return fail() }
        number = read
    }

    mutating func pass(_ flag: inout Bool) {
        var number = flag ? 1 : 0
        pass(&number)
        flag = number != 0
    }

    mutating func pass<Value: RawRepresentable>(_ value: inout Value) where Value.RawValue == UInt8 {
        var number = value.rawValue
        pass(&number)
        guard let read = Value(rawValue: number) else { return fail() }
        value = read
    }

    mutating func pass(_ text: inout ByteString?) { pass(optional: &text, blank: "") { $0.pass(&$1) } }

    mutating func pass<Number: FixedWidthInteger>(_ number: inout Number?) {
        pass(optional: &number, blank: 0) { $0.pass(&$1) }
    }

    mutating func pass<Value: FieldCoded>(_ value: inout Value) { value.pass(through: &self) }

    mutating func pass(_ texts: inout [ByteString]) { pass(list: &texts, blank: "") { $0.pass(&$1) } }

    /// A value that may be missing.
    mutating func pass<Value>(
        optional value: inout Value?, blank: Value, _ each: (inout FieldCoder, inout Value) -> Void
    ) {
        var isThere = value != nil
        pass(&isThere)
        guard isThere else {
            value = nil
            return
        }
        var inner = value ?? blank
        each(&self, &inner)
        value = inner
    }

    /// Values of one kind.
    mutating func pass<Value>(
        list: inout [Value], blank: Value, _ each: (inout FieldCoder, inout Value) -> Void
    ) {
        var count = list.count
        pass(&count)
        guard isReading else {
            for index in list.indices { each(&self, &list[index]) }
            return
        }
        guard !isBroken, (0...Self.listLimit).contains(count) else { return fail() }
        list = []
        while list.count < count, !isBroken {
            var value = blank
            each(&self, &value)
            list.append(value)
        }
    }

    mutating func fail() { isBroken = true }

    private mutating func next() -> ByteString? {
        guard !isBroken, let colon = octets[place...].firstIndex(of: UInt8(ascii: ":")),
            let length = octets[place..<colon].decimalInteger(), length >= 0, length <= Self.limit,
            Int(length) <= octets.count - colon - 1
        else {
            fail()
            return nil
        }
        place = colon + 1 + Int(length)
        return ByteString(octets[(colon + 1)..<place])
    }
}
