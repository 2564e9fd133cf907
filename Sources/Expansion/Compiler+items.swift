import Bytes

extension Compiler {
    /// Reads the item of that name; nil when there is no such item.
    mutating func item(_ name: ByteString) throws(ExpansionError) -> Node? {
        switch name {
        case "if": return try ifItem()
        case "lookup": return try lookupItem()
        case "filter", "map", "reduce": return .each(try listItem(name))
        case "sort": return .each(try sortItem())
        case "run": return try runItem()
        default:
            guard let item = ItemName(rawValue: name.string) else { return nil }
            return .item(try call(item))
        }
    }

    /// The text of one brace pair, both braces taken.
    mutating func group() throws(ExpansionError) -> Group {
        let start = place
        place += 1
        let nodes = try text(inBraces: true)
        place += 1
        return Group(nodes: nodes, start: start)
    }

    /// The next brace pair, after white space; nil when something else follows.
    mutating func nextGroup() throws(ExpansionError) -> Group? {
        skipBlanks()
        return current == UInt8(ascii: "{") ? try group() : nil
    }

    private mutating func call(_ name: ItemName) throws(ExpansionError) -> ItemCall {
        var call = ItemCall(name: name, groups: [], source: source)
        guard let wanted = name.arguments else {
            try flexibleCall(&call)
            return call
        }
        while call.groups.count < wanted.upperBound, let group = try nextGroup() { call.groups.append(group) }
        guard call.groups.count >= wanted.lowerBound else {
            throw failure("Not enough arguments for '\(name.rawValue)' (min is \(wanted.lowerBound))")
        }
        skipBlanks()
        guard take("}") else {
            throw failure(
                current == UInt8(ascii: "{")
                    ? "Too many arguments for '\(name.rawValue)' (max is \(wanted.upperBound))"
                    : "missing '}' after '\(name.rawValue)'")
        }
        return call
    }

    /// `extract`, `listextract`, `env` and `certextract`: what the groups are is told when they are evaluated.
    private mutating func flexibleCall(_ call: inout ItemCall) throws(ExpansionError) {
        skipBlanks()
        if call.name == .extract, current != UInt8(ascii: "{") {
            call.word = word()
            guard call.word == "json" || call.word == "jsons" else {
                throw failure("missing '{' for arg 1 of extract")
            }
        }
        while let group = try nextGroup() { call.groups.append(group) }
        let fixed = call.name == .env ? 1 : 2
        guard call.groups.count >= fixed else {
            let wanted: ByteString =
                call.name == .certextract && call.groups.count == 1
                ? "cert variable arg" : "arg \(call.groups.count + 1)"
            throw failure("missing '{' for \(wanted) of \(call.name.rawValue)")
        }
        if take("}") { return }
        call.failPlace = place
        try closeAfterFail(call.groups.count - fixed, call.name.rawValue)
    }

    /// Reads `fail}`, when so many branch groups stood before it.
    private mutating func closeAfterFail(
        _ branches: Int, _ name: String
    ) throws(ExpansionError) {
        if branches <= 0 {
            throw failure(
                """
                curly-bracket problem in conditional yes/no parsing: 'yes' part did not start with '{'
                 remaining string is '\(rest)'
                """)
        }
        let start = place
        guard word() == "fail" else {
            place = start
            throw branches == 1
                ? failure("syntax error in \"\(name)\" item - \"fail\" expected") : Self.unclosed(rest)
        }
        skipBlanks()
        guard take("}") else { throw Self.unclosed(rest, after: " after forcedfail") }
    }

    static func unclosed(_ rest: ByteString, after what: ByteString = "") -> ExpansionError {
        .failed(
            """
            curly-bracket problem in conditional yes/no parsing: did not close with '}'\(what)
             remaining string is '\(rest)'
            """)
    }

    /// Reads the branches up to and with the item's closing brace.
    mutating func branches(of name: String) throws(ExpansionError) -> Branches {
        guard let yes = try nextGroup() else {
            if take("}") { return Branches() }
            try closeAfterFail(0, name)
            return Branches()
        }
        var branches = Branches(yes: yes.nodes)
        if let no = try nextGroup() {
            branches.no = .text(no.nodes)
            skipBlanks()
            guard take("}") else { throw Self.unclosed(rest) }
        } else if !take("}") {
            try closeAfterFail(1, name)
            branches.no = .fail
        }
        return branches
    }

    private mutating func ifItem() throws(ExpansionError) -> Node {
        let condition = try condition()
        do {
            return .condition(condition, try branches(of: "if"))
        } catch {
            throw failure(error.text)
        }
    }

    private mutating func lookupItem() throws(ExpansionError) -> Node {
        let key = try nextGroup()
        skipBlanks()
        let start = place
        while let octet = current, octet != UInt8(ascii: "{"), !octet.isASCIISpace { place += 1 }
        var type = ByteString(source[start..<place])
        if type.isEmpty || type == "}" { throw failure("missing lookup type") }
        guard let target = try nextGroup() else {
            throw failure("unknown lookup type \"\(type)\"")
        }
        type = ByteString(type.trimmed())
        let branches = try branches(of: "lookup")
        return .lookup(LookupItem(type: type, key: key?.nodes, target: target.nodes, branches: branches))
    }

    private mutating func listItem(_ name: ByteString) throws(ExpansionError) -> ListItem {
        guard let list = try nextGroup() else { throw failure("missing '{' for first arg of \(name)") }
        var start: Group?
        if name == "reduce" {
            start = try nextGroup()
            if start == nil { throw failure("missing '{' for second arg of reduce") }
        }
        skipBlanks()
        guard current == UInt8(ascii: "{") else { throw failure("missing '{' for last arg of \(name)") }
        if name == "filter" { return try filter(list.nodes) }
        let body = try group()
        try close(name)
        guard let start else { return .map(list.nodes, body.nodes) }
        return .reduce(list.nodes, start: start.nodes, body.nodes)
    }

    private mutating func filter(_ list: [Node]) throws(ExpansionError) -> ListItem {
        place += 1
        let condition: Condition
        do {
            condition = try self.condition()
        } catch {
            throw .failed("\(error.text) inside \"filter\" item")
        }
        skipBlanks()
        guard take("}") else {
            throw failure("missing } at end of condition inside \"filter\"; did you mean \"map\"?")
        }
        try close("filter")
        return .filter(list, condition)
    }

    private mutating func close(_ name: ByteString) throws(ExpansionError) {
        skipBlanks()
        guard take("}") else { throw failure("missing } at end of \"\(name)\"") }
    }

    private mutating func sortItem() throws(ExpansionError) -> ListItem {
        guard let list = try nextGroup() else { throw failure("missing '{' for list arg of sort") }
        guard let comparator = try nextGroup() else {
            throw failure("missing '{' for comparator arg of sort")
        }
        guard let extractor = try nextGroup() else { throw failure("missing '{' for extractor arg of sort") }
        skipBlanks()
        guard take("}") else { throw failure("missing } at end of \"sort\"") }
        return .sort(list.nodes, comparator: comparator.nodes, extractor: extractor.nodes)
    }

    private mutating func runItem() throws(ExpansionError) -> Node {
        var preexpands = false
        while take(",") {
            let option = word()
            guard option == "preexpand" else { throw failure("bad option '\(option)' for run") }
            preexpands = true
        }
        skipBlanks()
        guard current == UInt8(ascii: "{") else { throw failure("missing '{' for command arg of run") }
        let start = place + 1
        let whole = try group()
        let command = ByteString(source[start..<(place - 1)])
        let arguments = preexpands ? nil : CommandLine.split(command).map { Template($0) }
        let branches = try branches(of: "run")
        return .run(RunItem(arguments: arguments, command: command, whole: whole.nodes, branches: branches))
    }
}

/// Splits a command into its arguments at white space; quotes hold an argument together.
enum CommandLine {
    static func split(_ command: ByteString) -> [ByteString] {
        var arguments: [ByteString] = []
        var place = 0
        while let start = command[place...].firstIndex(where: { !$0.isASCIISpace }) {
            place = start
            arguments.append(argument(command, &place))
        }
        return arguments
    }

    private static func argument(_ command: ByteString, _ place: inout Int) -> ByteString {
        switch command[place] {
        case UInt8(ascii: "'"):
            let end = command[(place + 1)...].firstIndex(of: UInt8(ascii: "'")) ?? command.count
            defer { place = min(end + 1, command.count) }
            return ByteString(command[(place + 1)..<end])
        case UInt8(ascii: "\""): return quoted(command, &place)
        default:
            let end = command[place...].firstIndex(where: \.isASCIISpace) ?? command.count
            defer { place = end }
            return ByteString(command[place..<end])
        }
    }

    private static func quoted(_ command: ByteString, _ place: inout Int) -> ByteString {
        var argument = ByteString()
        place += 1
        while place < command.count, command[place] != UInt8(ascii: "\"") {
            if command[place] == UInt8(ascii: "\\"), place + 1 < command.count { place += 1 }
            argument.append(command[place])
            place += 1
        }
        place = min(place + 1, command.count)
        return argument
    }
}
