public import Bytes

/// One line of `-H` that begins with `-`: a variable of the message, kept as it is spelled.
///
/// A value from outside is written with `--`, and with `--(type)` when it has been quoted for a lookup
/// type. An ACL variable's value may itself hold newlines.
public struct VariableLine: Sendable, Equatable {
    /// The line without its last newline.
    public let octets: ByteString

    /// Takes a line of the file as it is.
    init(spelled octets: ArraySlice<UInt8>) { self.octets = ByteString(octets) }

    /// Makes a flag: a dash and the name.
    public init(flag name: VariableName) { octets = ByteString([UInt8(ascii: "-")] + name.octets) }

    /// Makes a line of name and value.
    ///
    /// Newlines and NULs cannot stand in a line; blanks are written instead.
    public init(_ name: VariableName, _ value: TaintedBytes) {
        var line = Self.opening(for: value.taint)
        line += name.octets
        line.append(.blank)
        line += value.bytes.map { $0 == .newline || $0 == 0 ? .blank : $0 }
        octets = line
    }

    /// Makes an ACL variable of its full name, `c` or `m` and the rest (`c0`, `m_foo`); nil for any other
    /// name.
    ///
    /// NULs in the value become question marks, as they do in header lines.
    public init?(aclVariable name: ByteString, _ value: TaintedBytes) {
        guard Self.isACLName(name) else { return nil }
        var line = Self.opening(for: value.taint)
        line += "acl\(name[0..<1]) \(name[1...]) \(value.bytes.count)\n" as ByteString
        line += value.bytes.map { $0 == 0 ? UInt8(ascii: "?") : $0 }
        octets = line
    }

    /// Whether a name can be an ACL variable's: `c` or `m`, then a digit or an underscore, then word
    /// characters.
    static func isACLName(_ name: ByteString) -> Bool {
        guard name.count >= 2, name[0] == UInt8(ascii: "c") || name[0] == UInt8(ascii: "m") else {
            return false
        }
        return (name[1].isASCIIDigit || name[1] == UInt8(ascii: "_"))
            && name[2...].allSatisfy { $0.isASCIIAlphanumeric || $0 == UInt8(ascii: "_") }
    }

    private static func opening(for taint: Taint) -> ByteString {
        switch taint {
        case .clean: "-"
        case .tainted: "--"
        case .quoted(let lookup): "--(\(lookup))"
        }
    }
}

// MARK: - Taking apart

extension VariableLine {
    /// Where the name begins, behind dashes and quoter.
    private var nameStart: Int {
        let octets = octets.bytes
        var place = 1
        if place < octets.count, octets[place] == UInt8(ascii: "-") { place += 1 }
        if place < octets.count, octets[place] == UInt8(ascii: "("),
            let bracket = octets[place...].firstIndex(of: UInt8(ascii: ")"))
        {
            place = bracket + 1
        }
        return place
    }

    /// Where the name ends: at a blank, a newline, or the end.
    private func nameEnd(from start: Int) -> Int {
        octets.bytes[start...].firstIndex { $0 == .blank || $0 == .newline } ?? octets.count
    }

    /// The name without dashes and quoter; `aclc` or `aclm` for ACL variables.
    public var name: ArraySlice<UInt8> {
        let start = nameStart
        return octets.bytes[start..<nameEnd(from: start)]
    }

    /// Whether the line is of that name.
    public func isNamed(_ name: VariableName) -> Bool {
        let wanted = name.octets
        let start = nameStart
        let end = start + wanted.count
        guard octets.count >= end, end == octets.count || octets.bytes[end] == .blank else { return false }
        return octets.bytes[start..<end].elementsEqual(wanted)
    }

    /// Where the value came from.
    public var taint: Taint {
        let octets = octets.bytes
        let start = nameStart
        if let bracket = octets[..<start].firstIndex(of: UInt8(ascii: "(")) {
            return .quoted(for: ByteString(octets[(bracket + 1)..<(start - 1)]))
        }
        return start > 1 ? .tainted : .clean
    }

    /// What stands behind the name and one blank; for an ACL variable, the value.
    public var value: TaintedBytes {
        if let acl = aclVariable { return acl.value }
        let end = nameEnd(from: nameStart)
        return TaintedBytes(ByteString(octets.bytes[min(end + 1, octets.count)...]), taint)
    }

    /// The full name (`c0`, `m_foo`) and the value of an ACL variable; nil for any other line.
    public var aclVariable: (name: ByteString, value: TaintedBytes)? {
        guard let newline = octets.bytes.firstIndex(of: .newline) else { return nil }
        let words = octets.bytes[nameStart..<newline].split(separator: .blank)
        guard words.count >= 2, let letter = words[0].last else { return nil }
        let value = TaintedBytes(ByteString(octets.bytes[(newline + 1)...]), taint)
        if letter == UInt8(ascii: "c") || letter == UInt8(ascii: "m") && words[0].count == 4 {
            return (ByteString([letter]) + words[1], value)
        }
        // Before 4.61: 0 to 9 for c0 to c9, 10 to 19 for m0 to m9.
        guard let number = words[1].decimalInteger() else { return nil }
        return (number < 10 ? "c\(number)" : "m\(number - 10)", value)
    }
}
