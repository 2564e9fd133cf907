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
    /// The macros' places by their names, and the lengths that names have.
    private var places: [ArraySlice<UInt8>: Int] = [:]
    private var lengths: Set<Int> = []

    /// Replacements in one line before a loop of macros is assumed.
    static let maximumReplacements = 10_000

    init(_ fixed: [Macro]) {
        for macro in fixed { append(macro) }
    }

    private mutating func append(_ macro: Macro) {
        // Of two with one name the first is replaced first, and leaves nothing for the other.
        if places[macro.name.bytes[...]] == nil { places[macro.name.bytes[...]] = macros.count }
        lengths.insert(macro.name.count)
        macros.append(macro)
    }

    /// The places of the macros, from one on, whose names stand in a text, in the order of their definition.
    private func candidates(in text: ArraySlice<UInt8>, from first: Int) -> [Int] {
        var found: Set<Int> = []
        for index in text.indices
        where text[index].isASCIILetter && text[index].uppercasedASCII == text[index] {
            for length in lengths where text.endIndex - index >= length {
                if let place = places[text[index..<(index + length)]], place >= first { found.insert(place) }
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
