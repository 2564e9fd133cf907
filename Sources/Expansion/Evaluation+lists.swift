import Bytes
import Lookups

extension Evaluation {
    /// `filter`, `map`, `reduce` and `sort`.
    mutating func walk(_ item: ListItem) async throws(ExpansionError) -> TaintedBytes {
        let (itemBefore, valueBefore) = (facts.item, facts.value)
        let result: TaintedBytes
        switch item {
        case .filter(let list, let condition): result = try await filter(list, condition)
        case .map(let list, let body): result = try await map(list, body)
        case .reduce(let list, let start, let body): result = try await reduce(list, start, body)
        case .sort(let list, let comparator, let extractor):
            result = try await sort(list, comparator, extractor)
        }
        (facts.item, facts.value) = (itemBefore, valueBefore)
        return result
    }

    private mutating func filter(
        _ list: [Node], _ condition: Condition
    ) async throws(ExpansionError) -> TaintedBytes {
        let source = try await text(list)
        let items = ListItems(source.bytes)
        var output = ListOutput(separator: items.separator)
        for item in items {
            facts.item = TaintedBytes(item, source.taint)
            do {
                if try await isTrue(condition) { output.add(TaintedBytes(item, source.taint)) }
            } catch {
                throw error.inside("filter", isItem: true)
            }
        }
        return output.value
    }

    private mutating func map(_ list: [Node], _ body: [Node]) async throws(ExpansionError) -> TaintedBytes {
        let source = try await text(list)
        let items = ListItems(source.bytes)
        var output = ListOutput(separator: items.separator)
        for item in items {
            facts.item = TaintedBytes(item, source.taint)
            output.add(try await text(body))
        }
        return output.value
    }

    private mutating func reduce(
        _ list: [Node], _ start: [Node], _ body: [Node]
    ) async throws(ExpansionError) -> TaintedBytes {
        let source = try await text(list)
        facts.value = try await text(start)
        for item in ListItems(source.bytes) {
            facts.item = TaintedBytes(item, source.taint)
            facts.value = try await text(body)
        }
        return facts.value ?? ""
    }

    private mutating func sort(
        _ list: [Node], _ comparator: [Node], _ extractor: [Node]
    ) async throws(ExpansionError) -> TaintedBytes {
        let source = try await text(list)
        let name = try await text(comparator).bytes
        guard let order = SortOrder(name) else {
            throw .failed("comparator not handled for sort")
        }
        let items = ListItems(source.bytes)
        var keyed: [(item: ByteString, key: ByteString)] = []
        for item in items {
            facts.item = TaintedBytes(item, source.taint)
            let key = try await text(extractor).bytes
            // Put before the first element that it precedes, so that equal ones keep their order.
            var index = keyed.count
            for (place, other) in keyed.enumerated() where order.precedes(key, other.key) {
                index = place
                break
            }
            keyed.insert((item, key), at: index)
        }
        var output = ListOutput(separator: items.separator)
        for entry in keyed { output.add(TaintedBytes(entry.item, source.taint)) }
        return output.value
    }
}

/// A comparison that `sort` understands.
struct SortOrder {
    private let relation: Condition.Relation
    private let isNumeric: Bool
    private let ignoresCase: Bool

    init?(_ name: ByteString) {
        if let relation = Compiler.numberRelations[name], relation != .equal {
            (self.relation, isNumeric, ignoresCase) = (relation, true, false)
            return
        }
        switch name {
        case "lt", "lti": relation = .less
        case "le", "lei": relation = .lessOrEqual
        case "gt", "gti": relation = .greater
        case "ge", "gei": relation = .greaterOrEqual
        default: return nil
        }
        isNumeric = false
        ignoresCase = name.count == 3
    }

    /// Whether one goes before the other; by numbers, what is no number precedes nothing, as in Exim.
    func precedes(_ one: ByteString, _ other: ByteString) -> Bool {
        if isNumeric {
            guard let one = try? EximNumber.read(one), let other = try? EximNumber.read(other) else {
                return false
            }
            return relation.holds(one, other)
        }
        return ignoresCase
            ? relation.holds(one.lowercasedASCII(), other.lowercasedASCII()) : relation.holds(one, other)
    }
}

extension Condition.Relation {
    func holds<Value: Comparable>(_ one: Value, _ other: Value) -> Bool {
        switch self {
        case .equal: one == other
        case .less: one < other
        case .lessOrEqual: one <= other
        case .greater: one > other
        case .greaterOrEqual: one >= other
        }
    }
}

extension ExpansionError {
    /// The error with the name of what it happened inside of.
    func inside(_ name: ByteString, isItem: Bool = false) -> ExpansionError {
        switch self {
        case .failed(let text): .failed("\(text) inside \"\(name)\" \(isItem ? "item" : "condition")")
        case .forcedFailure, .deferred: self
        }
    }
}
