import Bytes

/// Reads the list of seals behind `arc_policy <n>`: OpenDMARC's `json:[{ "i": 1, "d":"x" }]`, and what Exim writes
/// instead, `json[ ("i":1, "d":"x") ]`; total.
struct ARCSealParser {
    private let octets: [UInt8]
    private var index = 0

    /// The seals; nil when the text is neither form, or has more of them than the limit.
    static func parse(_ text: ArraySlice<UInt8>, limit: Int) -> [ARCSeal]? {
        var parser = ARCSealParser(octets: Array(text))
        return parser.list(limit: limit)
    }

    private init(octets: [UInt8]) { self.octets = octets }

    private mutating func list(limit: Int) -> [ARCSeal]? {
        skipBlanks()
        if index == octets.count { return [] }
        for letter in "json".utf8 { guard take(letter) else { return nil } }
        _ = take(UInt8(ascii: ":"))
        guard takeAfterBlanks(UInt8(ascii: "[")) else { return nil }
        var seals: [ARCSeal] = []
        if takeAfterBlanks(UInt8(ascii: "]")) { return atEnd ? seals : nil }
        while seals.count < limit {
            guard let seal = seal() else { return nil }
            seals.append(seal)
            if takeAfterBlanks(UInt8(ascii: "]")) { return atEnd ? seals : nil }
            guard takeAfterBlanks(UInt8(ascii: ",")) else { return nil }
        }
        return nil
    }

    private mutating func seal() -> ARCSeal? {
        let closing: UInt8
        if takeAfterBlanks(UInt8(ascii: "{")) {
            closing = UInt8(ascii: "}")
        } else if takeAfterBlanks(UInt8(ascii: "(")) {
            closing = UInt8(ascii: ")")
        } else {
            return nil
        }
        var values: [ByteString: ByteString] = [:]
        // Four keys are known; some more are let pass.
        for _ in 0..<16 {
            guard let key = quoted(), takeAfterBlanks(UInt8(ascii: ":")), let value = quoted() ?? number()
            else {
                return nil
            }
            values[key] = value
            if takeAfterBlanks(closing) { return Self.seal(of: values) }
            guard takeAfterBlanks(UInt8(ascii: ",")) else { return nil }
        }
        return nil
    }

    private static func seal(of values: [ByteString: ByteString]) -> ARCSeal? {
        guard let instance = values["i"]?.decimalInteger(), (1...50).contains(instance),
            let domain = values["d"],
            !domain.isEmpty
        else { return nil }
        let texts = [domain, values["s"] ?? "-", values["ip"] ?? "-"]
        guard texts.allSatisfy({ $0.count <= HistoryParser.longestName && HistoryParser.isClean($0) }) else {
            return nil
        }
        return ARCSeal(
            instance: Int(instance), domain: domain.lowercasedASCII(),
            selector: (values["s"] ?? "").lowercasedASCII(), address: values["ip"] ?? "")
    }

    private mutating func quoted() -> ByteString? {
        guard takeAfterBlanks(UInt8(ascii: "\"")) else { return nil }
        var text = ByteString()
        while index < octets.count, octets[index] != UInt8(ascii: "\"") {
            if octets[index] == UInt8(ascii: "\\") { index += 1 }
            guard index < octets.count else { return nil }
            text.append(octets[index])
            index += 1
        }
        return take(UInt8(ascii: "\"")) ? text : nil
    }

    private mutating func number() -> ByteString? {
        skipBlanks()
        let digits = octets[index...].prefix { $0.isASCIIDigit }
        index += digits.count
        return digits.isEmpty ? nil : ByteString(digits)
    }

    private var atEnd: Bool { octets[index...].allSatisfy { $0 == .blank } }

    private mutating func skipBlanks() {
        while index < octets.count, octets[index] == .blank { index += 1 }
    }

    private mutating func takeAfterBlanks(_ octet: UInt8) -> Bool {
        skipBlanks()
        return take(octet)
    }

    private mutating func take(_ octet: UInt8) -> Bool {
        guard index < octets.count, octets[index] == octet else { return false }
        index += 1
        return true
    }
}
