import Bytes

extension Compiler {
    /// Reads one condition, without branches.
    mutating func condition() throws(ExpansionError) -> Condition {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.deepestNesting else {
            throw .failed("conditions are nested deeper than \(Self.deepestNesting) in the string")
        }
        skipBlanks()
        if take("!") { return .not(try condition()) }
        if let octet = current, "<=>".utf8.contains(octet) { return try numbers() }
        let start = place
        let name = word()
        guard !name.isEmpty else {
            throw failure("condition name expected, but found \"\(ByteString(rest.prefix(16)))\"")
        }
        if let condition = try simple(name) { return condition }
        place = start
        throw failure("unknown condition \"\(name)\"")
    }

    private mutating func simple(_ name: ByteString) throws(ExpansionError) -> Condition? {
        if let test = Condition.Test(rawValue: name.string) {
            return .test(test, try argument(of: name).nodes)
        }
        if let (relation, caseless) = Self.stringRelations[name] {
            let (one, other) = try pair(of: name)
            return .strings(relation, ignoringCase: caseless, one, other)
        }
        if let list = Self.lists[name] { return try listCondition(list, name) }
        switch name {
        case "and": return .all(try combined(name))
        case "or": return .any(try combined(name))
        case "def": return try defined()
        case "first_delivery": return .firstDelivery
        case "queue_running": return .queueRunning
        case "acl": return .acl(try wrapped(name, 1...10))
        case "saslauthd": return .saslauthd(try wrapped(name, 2...4))
        default: return try pairCondition(name)
        }
    }

    private mutating func pairCondition(_ name: ByteString) throws(ExpansionError) -> Condition? {
        switch name {
        case "match":
            let (one, other) = try pair(of: name)
            return .pattern(one, other)
        case "inlist", "inlisti":
            let (one, other) = try pair(of: name)
            return .member(ignoringCase: name == "inlisti", one, other)
        case "crypteq":
            let (one, other) = try pair(of: name)
            return .crypt(one, other)
        case "inbound_srs":
            let (one, other) = try pair(of: name)
            return .inboundSRS(one, other)
        default:
            guard name.starts(with: ByteString("forall")) || name.starts(with: ByteString("forany")),
                let element = Condition.EachElement(rawValue: String(name.string.dropFirst(6)))
            else { return nil }
            return try each(name, element)
        }
    }

    private static let stringRelations: [ByteString: (Condition.Relation, Bool)] = [
        "eq": (.equal, false), "eqi": (.equal, true), "lt": (.less, false), "lti": (.less, true),
        "le": (.lessOrEqual, false), "lei": (.lessOrEqual, true), "gt": (.greater, false),
        "gti": (.greater, true), "ge": (.greaterOrEqual, false), "gei": (.greaterOrEqual, true),
    ]

    static let numberRelations: [ByteString: Condition.Relation] = [
        "=": .equal, "==": .equal, "<": .less, "<=": .lessOrEqual, ">": .greater, ">=": .greaterOrEqual,
    ]

    private static let lists: [ByteString: Condition.List] = [
        "match_domain": .domain, "match_address": .address, "match_local_part": .localPart, "match_ip": .ip,
    ]

    private mutating func numbers() throws(ExpansionError) -> Condition {
        var name = ByteString(source[place..<(place + 1)])
        place += 1
        if take("=") { name += ByteString("=") }
        let (one, other) = try pair(of: name)
        return .numbers(Self.numberRelations[name] ?? .equal, one, other)
    }

    private mutating func argument(of name: ByteString) throws(ExpansionError) -> Group {
        guard let group = try nextGroup() else { throw failure("missing { after \"\(name)\"") }
        return group
    }

    private mutating func pair(of name: ByteString) throws(ExpansionError) -> ([Node], [Node]) {
        let one = try argument(of: name)
        guard let other = try nextGroup() else {
            throw failure("missing 2nd string in {} after \"\(name)\"")
        }
        return (one.nodes, other.nodes)
    }

    private mutating func listCondition(
        _ list: Condition.List, _ name: ByteString
    ) throws(ExpansionError) -> Condition {
        let subject = try argument(of: name)
        skipBlanks()
        guard take("{") else { throw failure("missing 2nd string in {} after \"\(name)\"") }
        let text = try plainText()
        place += 1
        return .list(list, subject.nodes, ListText(literal: text))
    }

    private mutating func combined(_ name: ByteString) throws(ExpansionError) -> [Condition] {
        skipBlanks()
        guard take("{") else { throw failure("missing { after \"\(name)\"") }
        var parts: [Condition] = []
        while true {
            skipBlanks()
            if take("}") { return parts }
            guard take("{") else {
                throw failure("each subcondition inside an \"\(name){...}\" condition must be in its own {}")
            }
            do {
                parts.append(try condition())
            } catch {
                throw .failed("\(error.text) inside \"\(name){...}\" condition")
            }
            skipBlanks()
            guard take("}") else {
                throw failure("missing } at end of condition inside \"\(name)\" group")
            }
        }
    }

    private mutating func defined() throws(ExpansionError) -> Condition {
        guard take(":") else { throw failure("\":\" expected after \"def\"") }
        let start = place
        let name = word()
        if let header = header(startingAt: start, word: name) { return .definedHeader(header) }
        guard !name.isEmpty else { throw failure("variable name omitted after \"def:\"") }
        note(name, isBraced: false, isTested: true)
        return .definedVariable(name)
    }

    private mutating func each(
        _ name: ByteString, _ element: Condition.EachElement
    ) throws(ExpansionError) -> Condition {
        let list = try argument(of: name)
        skipBlanks()
        guard take("{") else { throw failure("missing { after \"\(name)\"") }
        let inner: Condition
        do {
            inner = try condition()
        } catch {
            throw .failed("\(error.text) inside \"\(name)\" condition")
        }
        skipBlanks()
        guard take("}") else { throw failure("missing } at end of condition inside \"\(name)\"") }
        return .each(all: name.starts(with: ByteString("forall")), element, list.nodes, inner)
    }

    /// Groups that stand together in one more pair of braces.
    private mutating func wrapped(
        _ name: ByteString, _ wanted: ClosedRange<Int>
    ) throws(ExpansionError) -> [Group] {
        skipBlanks()
        guard take("{") else { throw failure("missing { after \"\(name)\"") }
        var groups: [Group] = []
        while groups.count < wanted.upperBound, let group = try nextGroup() { groups.append(group) }
        guard groups.count >= wanted.lowerBound else {
            throw failure("Not enough arguments for '\(name)' (min is \(wanted.lowerBound))")
        }
        skipBlanks()
        guard take("}") else {
            throw failure("Too many arguments for '\(name)' (max is \(wanted.upperBound))")
        }
        return groups
    }
}
