import Bytes
import Lookups

/// Reads a string once, and makes nodes of it.
struct Compiler {
    /// How deep items may stand inside each other.
    static let deepestNesting = 400

    let source: ByteString
    var place = 0
    var depth = 0
    /// A header name ran over a brace, as it does when its colon was forgotten.
    var ateBrace = false
    /// The first name that is no variable of ours; a caller may still bring it.
    var unknownNames: [UnknownName] = []

    init(_ source: ByteString) { self.source = source }

    /// The octet at the present place; nil at the end.
    var current: UInt8? { place < source.count ? source[place] : nil }

    /// The rest of the source.
    var rest: ByteString { ByteString(source[min(place, source.count)...]) }

    mutating func skipBlanks() {
        while let octet = current, octet.isASCIISpace { place += 1 }
    }

    /// Takes the octet when it is the next one.
    mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard current == UInt8(ascii: scalar) else { return false }
        place += 1
        return true
    }

    /// Letters, digits and those of `more`.
    mutating func word(_ more: ByteString = "_") -> ByteString {
        let start = place
        while let octet = current, octet.isASCIIAlphanumeric || more.contains(octet) { place += 1 }
        return ByteString(source[start..<place])
    }

    /// An error; the forgotten colon of a header name explains it best when there is one.
    func failure(_ text: ByteString) -> ExpansionError {
        guard ateBrace else { return .failed(text) }
        return .failed("missing or misplaced { or } - could be header name not terminated by colon")
    }

    /// Reads text up to its end, or up to the closing brace, which is not taken.
    mutating func text(inBraces: Bool) throws(ExpansionError) -> [Node] {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.deepestNesting else {
            throw .failed("items are nested deeper than \(Self.deepestNesting) in the string")
        }
        var nodes = NodeCollector()
        while let octet = current {
            if inBraces, octet == UInt8(ascii: "}") { return nodes.finish() }
            switch octet {
            case UInt8(ascii: "\\"): try escape(&nodes)
            case UInt8(ascii: "$"): nodes.add(try dollar())
            default:
                nodes.add(octet)
                place += 1
            }
        }
        if inBraces { throw failure("missing } at end of string") }
        return nodes.finish()
    }

    /// Reads text in which only backslashes are special, up to the closing brace, which is not taken.
    mutating func plainText() throws(ExpansionError) -> ByteString {
        var nodes = NodeCollector()
        while let octet = current, octet != UInt8(ascii: "}") {
            if octet == UInt8(ascii: "\\") {
                try escape(&nodes)
            } else {
                nodes.add(octet)
                place += 1
            }
        }
        if current == nil { throw failure("missing } at end of string") }
        return nodes.literal
    }

    private mutating func escape(_ nodes: inout NodeCollector) throws(ExpansionError) {
        guard place + 1 < source.count else { throw failure("\\ at end of string") }
        guard source[place + 1] == UInt8(ascii: "N") else {
            nodes.add(EscapeSequence.read(source, &place, source.count))
            return
        }
        place += 2
        let end = source.firstRange(of: ByteString("\\N"), from: place)
        nodes.add(contentsOf: source[place..<(end?.lowerBound ?? source.count)])
        place = end?.upperBound ?? source.count
    }

    /// Reads what begins with a dollar.
    private mutating func dollar() throws(ExpansionError) -> Node {
        place += 1
        guard let octet = current else { throw failure("$ not followed by letter, digit, or {") }
        if octet.isASCIIDigit { return .capture(number()) }
        if octet == UInt8(ascii: "{") { return try braced() }
        guard octet.isASCIILetter else { throw failure("$ not followed by letter, digit, or {") }
        let start = place
        let name = word()
        if let header = header(startingAt: start, word: name) { return .header(header) }
        note(name, isBraced: false)
        return .variable(name, isBraced: false)
    }

    mutating func number() -> Int {
        var value = 0
        while let octet = current, octet.isASCIIDigit {
            value = min(value * 10 + Int(octet) - 0x30, 1 << 30)
            place += 1
        }
        return value
    }

    mutating func note(_ name: ByteString, isBraced: Bool, isTested: Bool = false) {
        guard Variables.isKnown(name) == false else { return }
        unknownNames.append(UnknownName(name: name, isBraced: isBraced, isTested: isTested))
    }

    private static let headerForms: [(ByteString, HeaderReference.Form)] = [
        ("h_", .decoded), ("header_", .decoded), ("bh_", .basic), ("bheader_", .basic),
        ("rh_", .raw), ("rheader_", .raw), ("lh_", .list), ("lheader_", .list),
    ]

    /// A header reference when the word begins like one; its name ends at a colon, which is taken, or at
    /// white space.
    mutating func header(startingAt start: Int, word: ByteString) -> HeaderReference? {
        guard let form = Self.headerForms.first(where: { word.starts(with: $0.0) }) else { return nil }
        place = start + form.0.count
        let from = place
        while let octet = current, octet != UInt8(ascii: ":"), !octet.isASCIISpace { place += 1 }
        let name = ByteString(source[from..<place])
        if name.contains(UInt8(ascii: "{")) || name.contains(UInt8(ascii: "}")) { ateBrace = true }
        _ = take(":")
        return HeaderReference(form: form.1, name: name)
    }

    /// Reads what begins with `${`.
    private mutating func braced() throws(ExpansionError) -> Node {
        place += 1
        guard let octet = current, octet.isASCIIAlphanumeric else {
            throw failure("letter or digit expected after ${")
        }
        if octet.isASCIIDigit {
            let capture = number()
            guard take("}") else { throw failure("} expected after number") }
            return .capture(capture)
        }
        let name = word("_-")
        if let item = try item(name) { return item }
        if current == UInt8(ascii: ":") { return try operation(name) }
        guard take("}") else {
            throw failure("\"${\(name)\" is not a known operator (or a } is missing in a variable reference)")
        }
        note(name, isBraced: true)
        return .variable(name, isBraced: true)
    }
}

/// A name that is no variable of ours.
struct UnknownName: Sendable, Hashable {
    var name: ByteString
    var isBraced: Bool
    /// It stood after `def:`.
    var isTested: Bool

    /// Exim's text.
    var text: ByteString {
        let said: ByteString =
            if isTested {
                "unknown variable \"\(name)\" after \"def:\""
            } else if isBraced {
                "unknown variable in \"${\(name)}\""
            } else {
                "unknown variable name \"\(name)\""
            }
        return said + Self.hint(name)
    }

    private static func hint(_ name: ByteString) -> ByteString {
        if let told = HistoricNames.variable(name) { return HistoricNames.remark(told) }
        guard name.starts(with: ByteString("acl_")) else { return "" }
        if name.count > 4, name[4] == UInt8(ascii: "c") || name[4] == UInt8(ascii: "m") {
            return " (6th character of a user-defined ACL variable must be a digit or underscore)"
        }
        return " (user-defined ACL variables must start acl_c or acl_m)"
    }
}

/// Gathers nodes, with neighbouring literal octets as one.
struct NodeCollector {
    private var nodes: [Node] = []
    private(set) var literal = ByteString()

    mutating func add(_ octet: UInt8) { literal.append(octet) }

    mutating func add(contentsOf octets: ArraySlice<UInt8>) { literal.append(contentsOf: octets) }

    mutating func add(_ node: Node) {
        flush()
        nodes.append(node)
    }

    mutating func finish() -> [Node] {
        flush()
        return nodes
    }

    private mutating func flush() {
        if !literal.isEmpty { nodes.append(.literal(literal)) }
        literal = ByteString()
    }
}
