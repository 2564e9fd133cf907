package import Bytes

/// A macro: a name, and the text that replaces it wherever it stands.
package struct Macro: Sendable, Hashable {
    /// An upper-case letter, then letters, digits and underscores.
    package var name: ByteString
    /// What it is replaced by.
    package var text: ByteString
    /// Whether `-D` on the command line defined it, which no line of the file may change.
    package var isFixed: Bool

    /// Makes a macro.
    package init(name: ByteString, text: ByteString, isFixed: Bool = false) {
        self.name = name
        self.text = text
        self.isFixed = isFixed
    }
}

/// The macros defined so far (manual, "Macros in the configuration file").
struct MacroTable {
    private(set) var macros: [Macro] = []
    /// Which macros begin with an octet and the next one, by their places; names of one octet have 0 as the next.
    private var beginning: [UInt16: [Int]] = [:]

    /// Replacements in one line before a loop of macros is assumed.
    static let maximumReplacements = 10_000

    init(_ fixed: [Macro]) {
        for macro in fixed { append(macro) }
    }

    private mutating func append(_ macro: Macro) {
        beginning[Self.start(of: macro.name[...]), default: []].append(macros.count)
        macros.append(macro)
    }

    private static func start(of text: ArraySlice<UInt8>) -> UInt16 {
        UInt16(text.first ?? 0) << 8 | UInt16(text.dropFirst().first ?? 0)
    }

    /// The places of the macros, from one on, that a text may hold: their names begin as some word of it does.
    private func candidates(in text: ArraySlice<UInt8>, from first: Int) -> [Int] {
        var found: Set<Int> = []
        for index in text.indices
        where text[index].isASCIILetter && text[index].uppercasedASCII == text[index] {
            for start in [Self.start(of: text[index...]), UInt16(text[index]) << 8] {
                for place in beginning[start] ?? [] where place >= first { found.insert(place) }
            }
        }
        return found.sorted()
    }

    /// Replaces macro names in a line, in the order of their definition; says whether any stood there.
    ///
    /// Each macro is looked for in the text as the earlier ones left it, and a replacement is not searched
    /// again for the same macro. The name being defined at the line's start is not replaced: pass `from`.
    func replace(in line: ByteString, from start: Int = 0) throws(Runaway) -> (
        text: ByteString, replaced: Bool
    ) {
        guard line[start...].contains(where: { $0.isASCIILetter && $0.uppercasedASCII == $0 || $0 == 0x5F })
        else { return (line, false) }
        var text = line
        var count = 0
        var waiting = candidates(in: text.bytes[start...], from: 0)[...]
        while let index = waiting.popFirst() {
            let macro = macros[index]
            let before = count
            var place = start
            while let found = text.firstRange(of: macro.name, from: place) {
                text.replaceSubrange(found, with: macro.text)
                place = found.lowerBound + macro.text.count
                count += 1
                guard count < Self.maximumReplacements, text.count < SourceReader.maximumLineLength
                else { throw Runaway() }
            }
            if count > before { waiting = candidates(in: text.bytes[start...], from: index + 1)[...] }
        }
        let predefined = PredefinedMacros.replace(in: text, from: start)
        return (predefined.text, count > 0 || predefined.replaced)
    }

    /// Macros that grow a line beyond all bounds.
    struct Runaway: Error {}

    /// Defines or redefines a macro; nil when it went well, else what was wrong.
    mutating func define(_ name: ByteString, as text: ByteString, redefining: Bool) -> ByteString? {
        if let known = macros.firstIndex(where: { $0.name == name }) {
            if macros[known].isFixed { return nil }
            guard redefining else {
                return "macro \"\(name)\" is already defined (use \"==\" if you want to redefine it)"
            }
            macros[known].text = text
            return nil
        }
        if redefining { return "can't redefine an undefined macro \"\(name)\"" }
        if let part = macros.first(where: { name.contains($0.name) }) {
            return
                "\"\(name)\" cannot be defined as a macro because previously defined macro \"\(part.name)\" is a substring"
        }
        append(Macro(name: name, text: text))
        return nil
    }
}

extension ByteString {
    /// Whether the octets are a macro's name.
    var isMacroName: Bool {
        guard let first, first.isASCIILetter, first.uppercasedASCII == first else { return false }
        return allSatisfy { $0.isASCIIAlphanumeric || $0 == UInt8(ascii: "_") }
    }
}
