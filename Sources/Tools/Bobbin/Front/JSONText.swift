import Bytes

/// One JSON object, written key by key in the order given (RFC 8259).
///
/// Octets that are no UTF-8 are written as `\udc80` to `\udcff`, one escape an octet, so that nothing is lost:
/// Python reads them with the error handler `surrogateescape`.
struct JSONObject: Sendable {
    private var octets: ByteString = "{"

    /// The object's text.
    var text: ByteString { octets + ByteString("}") }

    /// Adds text.
    mutating func add(_ key: String, _ value: ByteString) { add(key, raw: JSONText.string(value)) }

    /// Adds text, or null.
    mutating func add(_ key: String, _ value: ByteString?) {
        add(key, raw: value.map(JSONText.string) ?? "null")
    }

    /// Adds a number.
    mutating func add(_ key: String, _ value: some BinaryInteger) { add(key, raw: "\(value)") }

    /// Adds a number, or null.
    mutating func add(_ key: String, _ value: Int64?) { add(key, raw: value.map { "\($0)" } ?? "null") }

    /// Adds a number that is written out already, such as `1.5`.
    mutating func add(_ key: String, number: ByteString) { add(key, raw: number) }

    /// Adds true or false.
    mutating func add(_ key: String, _ value: Bool) { add(key, raw: value ? "true" : "false") }

    /// Adds a list of texts.
    mutating func add(_ key: String, _ values: [ByteString]) {
        add(key, raw: "[\(values.map(JSONText.string).joined(separator: ","))]")
    }

    /// Adds a list of objects.
    mutating func add(_ key: String, _ values: [JSONObject]) {
        add(key, raw: "[\(values.map(\.text).joined(separator: ","))]")
    }

    /// Adds an object.
    mutating func add(_ key: String, _ value: JSONObject) { add(key, raw: value.text) }

    private mutating func add(_ key: String, raw value: ByteString) {
        if octets.count > 1 { octets.append(UInt8(ascii: ",")) }
        octets += JSONText.string(ByteString(key))
        octets.append(UInt8(ascii: ":"))
        octets += value
    }
}

/// Strings of JSON.
enum JSONText {
    /// The octets as a JSON string with its quotes.
    static func string(_ value: ByteString) -> ByteString {
        var result: ByteString = "\""
        result.reserveCapacity(value.count + 2)
        var index = 0
        while index < value.count {
            let length = UTF8Sequence.length(in: value, at: index)
            switch (length, value[index]) {
            case (0, let octet): result += "\\udc\(hex(octet))" as ByteString
            case (1, let octet): append(ascii: octet, to: &result)
            case (let length, _): result += value[index..<(index + length)]
            }
            index += max(1, length)
        }
        result.append(UInt8(ascii: "\""))
        return result
    }

    private static func append(ascii octet: UInt8, to result: inout ByteString) {
        switch octet {
        case UInt8(ascii: "\""): result += "\\\"" as ByteString
        case UInt8(ascii: "\\"): result += "\\\\" as ByteString
        case 0x0A: result += "\\n" as ByteString
        case 0x09: result += "\\t" as ByteString
        case 0x0D: result += "\\r" as ByteString
        case 0..<0x20, 0x7F: result += "\\u00\(hex(octet))" as ByteString
        default: result.append(octet)
        }
    }

    private static func hex(_ octet: UInt8) -> ByteString {
        let digits = ByteString("0123456789abcdef")
        return ByteString([digits[Int(octet >> 4)], digits[Int(octet & 15)]])
    }
}

/// Well-formed sequences of UTF-8 (Unicode, table 3-7).
enum UTF8Sequence {
    /// The length of the well-formed sequence at a place, 1 to 4; 0 when there is none.
    static func length(in octets: ByteString, at index: Int) -> Int {
        let first = octets[index]
        switch first {
        case 0x00...0x7F: return 1
        case 0xC2...0xDF: return follows(octets, index, 1, 0x80...0xBF)
        case 0xE0: return follows(octets, index, 2, 0xA0...0xBF)
        case 0xED: return follows(octets, index, 2, 0x80...0x9F)
        case 0xE1...0xEF: return follows(octets, index, 2, 0x80...0xBF)
        case 0xF0: return follows(octets, index, 3, 0x90...0xBF)
        case 0xF1...0xF3: return follows(octets, index, 3, 0x80...0xBF)
        case 0xF4: return follows(octets, index, 3, 0x80...0x8F)
        default: return 0
        }
    }

    private static func follows(
        _ octets: ByteString, _ index: Int, _ count: Int, _ second: ClosedRange<UInt8>
    ) -> Int {
        guard index + count < octets.count, second.contains(octets[index + 1]) else { return 0 }
        let rest = octets[(index + 2)..<(index + count + 1)]
        return rest.allSatisfy { (0x80...0xBF).contains($0) } ? count + 1 : 0
    }
}
