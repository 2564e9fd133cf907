import Bytes

extension FilterParser {
    private static let open: ByteString = "("
    private static let close: ByteString = ")"

    /// Reads a condition with the word or bracket that ends it: `then`, or a closing bracket where it is an inner one.
    mutating func condition(isInner: Bool) throws(FilterError) -> FilterCondition {
        // `and` binds more closely than `or`.
        var alternatives: [FilterCondition] = []
        var together: [FilterCondition] = []
        while true {
            together.append(try deeper { parser throws(FilterError) in try parser.single() })
            let joint = try reader.word(inCondition: true)
            switch joint.isQuoted ? "" : joint.text {
            case "and": continue
            case "or":
                alternatives.append(Self.all(together))
                together = []
            case "then" where !isInner, ")" where isInner:
                alternatives.append(Self.all(together))
                return alternatives.count == 1 ? alternatives[0] : .any(alternatives)
            case "then": throw FilterError("missing \")\" at end of condition \(near)")
            case "(", ")":
                throw FilterError("unexpected \"\(joint.text)\" in line \(reader.line) of filter file")
            default:
                throw FilterError(
                    "\"and\" or \"or\" or \"\(isInner ? Self.close : "then")\" expected \(near), but found \"\(joint.text)\""
                )
            }
        }
    }

    private static func all(_ conditions: [FilterCondition]) -> FilterCondition {
        conditions.count == 1 ? conditions[0] : .all(conditions)
    }

    private mutating func single() throws(FilterError) -> FilterCondition {
        let word = try reader.word(inCondition: true)
        if word.isQuoted { return try comparison(of: word) }
        switch word.text {
        case "not":
            return .not(try deeper { parser throws(FilterError) in try parser.single() })
        case "(": return try condition(isInner: true)
        case ")":
            throw FilterError("unexpected \")\" in line \(reader.line) of filter file")
        case "then", "": throw FilterError("unexpected \"\(word.text)\" \(near)")
        case "delivered": return .delivered
        case "error_message": return .errorMessage
        case "first_delivery": return .firstDelivery
        case "manually_thawed": return .manuallyThawed
        case "personal": return .personal(try aliases())
        case "foranyaddress": return try anyAddress()
        default: return try comparison(of: word)
        }
    }

    private mutating func aliases() throws(FilterError) -> [FilterWord] {
        var aliases: [FilterWord] = []
        while true {
            var ahead = reader
            let word = try ahead.word(inCondition: true)
            guard word.text == "alias", !word.isQuoted else { return aliases }
            aliases.append(try ahead.word(inCondition: true))
            reader = ahead
        }
    }

    private mutating func anyAddress() throws(FilterError) -> FilterCondition {
        let list = try value()
        let bracket = try reader.word(inCondition: true)
        guard bracket.text == Self.open, !bracket.isQuoted else {
            throw FilterError("\"(\" expected after \"foranyaddress\" \(near)")
        }
        return .anyAddress(
            list, try deeper { parser throws(FilterError) in try parser.condition(isInner: true) })
    }

    private mutating func comparison(of left: FilterWord) throws(FilterError) -> FilterCondition {
        var comparison = try comparisonWords()
        let right =
            comparison.kind == .is ? try behindIs(&comparison) : try value()
        return .compare(left, comparison, right)
    }

    /// `does not contain`, `is`, `MATCHES` and their like.
    private mutating func comparisonWords() throws(FilterError) -> FilterComparison {
        var first = try operation()
        var words = first
        var isNegated = false
        if first.equalsIgnoringCase("does".utf8) {
            words = ""
            first = try operation()
            if first.equalsIgnoringCase("not".utf8) {
                isNegated = true
                first = try operation()
            }
            words = isNegated ? "does not \(first)" : first
        }
        guard let kind = Self.kinds[first.lowercasedASCII()] else {
            throw FilterError("unrecognized condition word \"\(first)\" \(near)")
        }
        let isCaseful = first.contains { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) }
        return FilterComparison(kind: kind, isNegated: isNegated, isCaseful: isCaseful, words: words)
    }

    private mutating func operation() throws(FilterError) -> ByteString {
        try value().text
    }

    private static let kinds: [ByteString: FilterComparison.Kind] = [
        "begins": .begins, "begin": .begins, "contains": .contains, "contain": .contains, "ends": .ends,
        "end": .ends, "is": .is, "matches": .matches, "match": .matches, "above": .above, "below": .below,
    ]

    /// Behind `is` may stand `not`, and `above` or `below`; then comes the value.
    private mutating func behindIs(_ comparison: inout FilterComparison) throws(FilterError) -> FilterWord {
        let first = reader.line
        var word = try value()
        if !word.isQuoted, word.text.equalsIgnoringCase("not".utf8) {
            comparison.isNegated = true
            comparison.words = "\(comparison.words) not"
            word = try value()
        }
        // Exim looks at the word twice, and counts the lines behind it twice.
        if reader.line > first { reader.countAgain(reader.line - first) }
        guard !word.isQuoted, let kind = Self.kinds[word.text.lowercasedASCII()],
            [.above, .below].contains(kind)
        else { return word }
        comparison.kind = kind
        comparison.words = comparison.isNegated ? "not \(word.text)" : word.text
        return try value()
    }

    /// A word; before a bracket there is an empty one.
    private mutating func value() throws(FilterError) -> FilterWord {
        if let next = reader.next, next == UInt8(ascii: "(") || next == UInt8(ascii: ")") {
            return FilterWord("")
        }
        return try reader.word(inCondition: true)
    }
}
