import Bytes

/// What an XML document says, piece by piece.
enum XMLEvent: Sendable, Hashable {
    /// An element begins; the name is without prefix.
    case begin(ByteString)
    /// An element ends: its name, and the text directly inside it, without white space around.
    case end(ByteString, text: ByteString)
}

/// Reads the part of XML that reports need, from pieces of any size, in memory bounded by its limits; total.
///
/// Elements, text, CDATA, comments, processing instructions, the five named entities and numeric ones. Attributes are
/// passed over. A document type declaration is refused, so no entity is ever expanded. UTF-8 only.
struct XMLReader {
    /// The deepest nesting.
    static let deepest = 32
    /// The most octets of one element's text, and of one piece of markup.
    static let longest = 1 << 16

    private enum State { case text, markup, comment, instruction, section, entity }

    private var state: State = .text
    private var markup: [UInt8] = []
    private var quote: UInt8?
    private var open: [(name: ByteString, text: [UInt8])] = []
    private var offset = 0
    private var hasRoot = false

    /// Takes octets, and gives events.
    mutating func take(
        _ octets: ArraySlice<UInt8>, _ use: (XMLEvent) throws(DMARCError) -> Void
    ) throws(DMARCError) {
        for octet in octets {
            try take(octet, use)
            offset += 1
        }
    }

    /// Takes the end of input; fails when elements are open.
    func finish() throws(DMARCError) {
        guard hasRoot, open.isEmpty, state == .text else { throw bad("the document is cut") }
    }

    private mutating func take(_ octet: UInt8, _ use: (XMLEvent) throws(DMARCError) -> Void)
        throws(DMARCError)
    {
        switch state {
        case .text: try takeText(octet)
        case .entity: try takeEntity(octet)
        case .comment: takeUntil("-->", octet)
        case .instruction: takeUntil("?>", octet)
        case .section: try takeSection(octet)
        case .markup: try takeMarkup(octet, use)
        }
    }

    private mutating func takeText(_ octet: UInt8) throws(DMARCError) {
        switch octet {
        case UInt8(ascii: "<"): (state, markup, quote) = (.markup, [], nil)
        case UInt8(ascii: "&"): (state, markup) = (.entity, [])
        default: try append(octet)
        }
    }

    private mutating func append(_ octet: UInt8) throws(DMARCError) {
        guard let last = open.indices.last else {
            // Outside of the root: white space, and a byte order mark.
            guard octet.isASCIISpace || (!hasRoot && [0xEF, 0xBB, 0xBF].contains(octet)) else {
                throw bad("text outside of the document: no XML, or not in UTF-8")
            }
            return
        }
        guard open[last].text.count < Self.longest else {
            throw bad("more than \(Self.longest) octets of text")
        }
        open[last].text.append(octet)
    }

    private mutating func takeEntity(_ octet: UInt8) throws(DMARCError) {
        guard octet == UInt8(ascii: ";") else {
            markup.append(octet)
            guard markup.count <= 10 else { throw bad("an entity without end") }
            return
        }
        guard let text = Self.entity(markup) else {
            throw bad("the entity &\(ByteString(markup)); is not known")
        }
        state = .text
        for octet in text.utf8 { try append(octet) }
    }

    private static func entity(_ name: [UInt8]) -> String? {
        switch ByteString(name) {
        case "amp": return "&"
        case "lt": return "<"
        case "gt": return ">"
        case "quot": return "\""
        case "apos": return "'"
        default:
            guard name.first == UInt8(ascii: "#") else { return nil }
            let digits = String(decoding: name.dropFirst(), as: UTF8.self)
            let isHex = digits.hasPrefix("x")
            guard let number = UInt32(isHex ? String(digits.dropFirst()) : digits, radix: isHex ? 16 : 10),
                let scalar = Unicode.Scalar(number), number >= 0x20 || [9, 10, 13].contains(number)
            else { return nil }
            return String(scalar)
        }
    }

    /// Only the last octets of a comment matter.
    private mutating func takeUntil(_ end: ByteString, _ octet: UInt8) {
        markup.append(octet)
        if markup.count > end.count { markup.removeFirst() }
        if markup == end.bytes { (state, markup) = (.text, []) }
    }

    private mutating func takeSection(_ octet: UInt8) throws(DMARCError) {
        markup.append(octet)
        if markup.suffix(3).elementsEqual("]]>".utf8) {
            let text = markup.dropLast(3)
            state = .text
            for octet in text { try append(octet) }
            markup = []
        } else if markup.count > Self.longest {
            throw bad("more than \(Self.longest) octets of text")
        }
    }

    private mutating func takeMarkup(
        _ octet: UInt8, _ use: (XMLEvent) throws(DMARCError) -> Void
    ) throws(DMARCError) {
        if octet == UInt8(ascii: ">"), quote == nil { return try endMarkup(use) }
        if let mark = quote {
            if octet == mark { quote = nil }
        } else if (octet == UInt8(ascii: "\"") || octet == UInt8(ascii: "'")), !markup.isEmpty {
            quote = octet
        }
        markup.append(octet)
        guard markup.count <= Self.longest else { throw bad("more than \(Self.longest) octets of markup") }
        if markup.count == 1, octet == UInt8(ascii: "?") {
            (state, markup) = (.instruction, [])
        } else if markup.elementsEqual("!--".utf8) {
            (state, markup) = (.comment, [])
        } else if markup.elementsEqual("![CDATA[".utf8) {
            (state, markup) = (.section, [])
        } else if markup.elementsEqual("!DOCTYPE".utf8) {
            throw bad("a document type declaration is refused: reports need none")
        }
    }

    private mutating func endMarkup(_ use: (XMLEvent) throws(DMARCError) -> Void) throws(DMARCError) {
        defer { (state, markup) = (.text, []) }
        if markup.first == UInt8(ascii: "/") { return try close(Self.name(markup.dropFirst()), use) }
        let isEmpty = markup.last == UInt8(ascii: "/")
        let name = Self.name(isEmpty ? markup.dropLast() : markup[...])
        guard !name.isEmpty,
            name.allSatisfy({ $0.isASCIIAlphanumeric || $0 >= 0x80 || "_-.".utf8.contains($0) })
        else { throw bad("\"<\(ByteString(markup.prefix(40)))>\" is no element") }
        guard !open.isEmpty || !hasRoot else { throw bad("a second document follows") }
        guard open.count < Self.deepest else { throw bad("elements are nested deeper than \(Self.deepest)") }
        hasRoot = true
        open.append((name, []))
        try use(.begin(name))
        if isEmpty { try close(name, use) }
    }

    private mutating func close(
        _ name: ByteString, _ use: (XMLEvent) throws(DMARCError) -> Void
    ) throws(DMARCError) {
        guard let last = open.popLast(), last.name == name else {
            throw bad("</\(name)> closes nothing that is open")
        }
        try use(.end(name, text: ByteString(ByteString(last.text).trimmed())))
    }

    /// The name at the begin of markup, without prefix.
    private static func name(_ markup: ArraySlice<UInt8>) -> ByteString {
        let whole = markup.prefix { !$0.isASCIISpace }
        guard let colon = whole.lastIndex(of: UInt8(ascii: ":")) else { return ByteString(whole) }
        return ByteString(whole[(colon + 1)...])
    }

    private func bad(_ reason: ByteString) -> DMARCError {
        DMARCError(.data, at: "XML, octet \(offset)", reason)
    }
}
