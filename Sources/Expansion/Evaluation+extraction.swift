import Bytes
import Lookups

extension Evaluation {
    /// What the groups from `start` on are for an item whose arguments end there.
    func branches(of call: ItemCall, from start: Int) throws(ExpansionError) -> Branches {
        let rest = call.groups.dropFirst(start)
        if rest.count > 2 {
            throw Compiler.unclosed(ByteString(call.source[call.groups[start + 2].start...]))
        }
        guard let yes = rest.first else {
            guard let place = call.failPlace else { return Branches() }
            throw .failed(
                """
                curly-bracket problem in conditional yes/no parsing: 'yes' part did not start with '{'
                 remaining string is '\(call.source[place...])'
                """)
        }
        var branches = Branches(yes: yes.nodes)
        if rest.count == 2, let no = rest.last { branches.no = .text(no.nodes) }
        if let place = call.failPlace {
            if rest.count == 2 { throw Compiler.unclosed(ByteString(call.source[place...])) }
            branches.no = .fail
        }
        return branches
    }

    mutating func extract(_ call: ItemCall) async throws(ExpansionError) -> TaintedBytes {
        let name = try await text(call.groups[0].nodes)
        let key = ByteString(name.bytes.trimmed())
        guard !key.isEmpty else { throw .failed("first argument of \"extract\" must not be empty") }
        if !call.word.isEmpty { return try await extractJSON(call, key) }
        guard let field = fieldNumber(key) else {
            let data = try await text(call.groups[1].nodes)
            let found = FieldSearch.value(of: key, in: data.bytes)
            let branches = try branches(of: call, from: 2)
            return try await branch(found.map { TaintedBytes($0, data.taint) }, branches, of: "extract")
        }
        guard call.groups.count > 2 else { throw .failed("missing '{' for arg 3 of extract") }
        let separators = try await text(call.groups[1].nodes).bytes
        let data = try await text(call.groups[2].nodes)
        let found = FieldSearch.field(field, of: data.bytes, separators: separators)
        let branches = try branches(of: call, from: 3)
        return try await branch(found.map { TaintedBytes($0, data.taint) }, branches, of: "extract")
    }

    private func fieldNumber(_ key: ByteString) -> Int? {
        let digits = key.first == UInt8(ascii: "-") ? key.dropFirst() : key[...]
        guard !digits.isEmpty, digits.allSatisfy(\.isASCIIDigit), let value = key.decimalInteger() else {
            return nil
        }
        return Int(value)
    }

    private mutating func extractJSON(
        _ call: ItemCall, _ key: ByteString
    ) async throws(ExpansionError) -> TaintedBytes {
        let data = try await text(call.groups[1].nodes)
        var found: ByteString?
        if let field = fieldNumber(key) {
            guard field > 0 else { throw .failed("first argument of \"extract\" must be greater than zero") }
            let elements = try JSONText.elements(of: data.bytes)
            found = elements.indices.contains(field - 1) ? elements[field - 1] : nil
        } else {
            found = try JSONText.member(key, of: data.bytes)
        }
        if call.word == "jsons", let element = found { found = try JSONText.string(element) }
        let branches = try branches(of: call, from: 2)
        return try await branch(found.map { TaintedBytes($0, data.taint) }, branches, of: "extract")
    }

    mutating func listExtract(_ call: ItemCall) async throws(ExpansionError) -> TaintedBytes {
        let name = ByteString(try await text(call.groups[0].nodes).bytes.trimmed())
        guard !name.isEmpty else { throw .failed("first argument of \"listextract\" must not be empty") }
        guard let field = fieldNumber(name) else {
            throw .failed("first argument of \"listextract\" must be numeric")
        }
        let list = try await text(call.groups[1].nodes)
        let items = ListItems(list.bytes).all
        let index = field > 0 ? field - 1 : items.count.addingReportingOverflow(field).partialValue
        let found = field != 0 && items.indices.contains(index) ? TaintedBytes(items[index], list.taint) : nil
        return try await branch(found, try branches(of: call, from: 2), of: "listextract")
    }

    mutating func processVariable(_ call: ItemCall) async throws(ExpansionError) -> TaintedBytes {
        let name = try await text(call.groups[0].nodes).bytes
        let found = environment.processEnvironment(name)
        return try await branch(found.map { TaintedBytes($0) }, try branches(of: call, from: 1), of: "env")
    }
}

/// What `extract` finds in a string.
enum FieldSearch {
    /// The value of a key in `key=value key="quoted value"`; nil when the key is not there.
    static func value(of key: ByteString, in text: ByteString) -> ByteString? {
        var place = 0
        while true {
            skipBlanks(text, &place)
            guard place < text.count else { return nil }
            let start = place
            while place < text.count, text[place] != UInt8(ascii: "="), !text[place].isASCIISpace {
                place += 1
            }
            let name = text[start..<place]
            skipBlanks(text, &place)
            if place < text.count, text[place] == UInt8(ascii: "=") { place += 1 }
            skipBlanks(text, &place)
            let value = QuotedWord.read(text, &place)
            if name.equalsIgnoringCase(key) { return value }
        }
    }

    private static func skipBlanks(_ text: ByteString, _ place: inout Int) {
        while place < text.count, text[place].isASCIISpace { place += 1 }
    }

    /// A numbered field: 0 is the whole, negative numbers count from the end; nil when there is no such field.
    static func field(_ number: Int, of text: ByteString, separators: ByteString) -> ByteString? {
        if number == 0 { return text }
        let fields = text.split(omittingEmptySubsequences: false) { separators.contains($0) }
        let index = number > 0 ? number - 1 : fields.count.addingReportingOverflow(number).partialValue
        return fields.indices.contains(index) ? ByteString(fields[index]) : nil
    }
}
