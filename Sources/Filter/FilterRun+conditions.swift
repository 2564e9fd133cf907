import Bytes
import Expansion
import MailText

extension FilterRun {
    /// Whether a condition holds; captures stay from the last regular expression that matched.
    mutating func holds(_ condition: FilterCondition, isWhole: Bool = false) async throws(FilterError) -> Bool
    {
        let result: Bool
        switch condition {
        case .all(let parts):
            var all = true
            for part in parts where all { all = try await holds(part) }
            result = all
        case .any(let parts):
            var any = false
            for part in parts where !any { any = try await holds(part) }
            result = any
        case .not(let inner): result = try await !holds(inner)
        case .compare(let left, let comparison, let right):
            result = try await compare(left, comparison, right)
        case .delivered: result = outcome.isSignificant
        case .errorMessage: result = facts.message.sender?.isEmpty ?? true
        case .firstDelivery: result = facts.message.isFirstDelivery
        case .manuallyThawed: result = facts.message.isManuallyThawed
        case .personal(let aliases): result = try await isPersonal(aliases)
        case .anyAddress(let list, let inner): result = try await anyAddress(list, inner)
        }
        setting.explain?(
            "\(isWhole ? "Condition" : "Sub-condition" as ByteString) is \(result ? "true" : "false" as ByteString): \(condition.text(expander.environment)) \n"
        )
        return result
    }

    private mutating func compare(
        _ left: FilterWord, _ comparison: FilterComparison, _ right: FilterWord
    ) async throws(FilterError) -> Bool {
        let one = try await expand(left.text, "filter file")
        let other = try await expand(right.text, "filter file")
        let result: Bool
        switch comparison.kind {
        case .above: result = try number(one.bytes) > number(other.bytes)
        case .below: result = try number(one.bytes) < number(other.bytes)
        case .matches: result = try matches(one, other.bytes, isCaseful: comparison.isCaseful)
        case .begins, .contains, .ends, .is:
            result = Self.compare(one.bytes, comparison, other.bytes)
        }
        return result != comparison.isNegated
    }

    private static func compare(
        _ left: ByteString, _ comparison: FilterComparison, _ right: ByteString
    ) -> Bool {
        let text = comparison.isCaseful ? left : left.lowercasedASCII()
        let part = comparison.isCaseful ? right : right.lowercasedASCII()
        switch comparison.kind {
        case .begins: return text.starts(with: part)
        case .ends: return text.count >= part.count && text.suffix(part.count).elementsEqual(part)
        case .contains: return part.isEmpty || text.contains(part)
        case .is, .matches, .above, .below: return text == part
        }
    }

    private func number(_ text: ByteString) throws(FilterError) -> Int64 {
        var digits = text[...]
        var shift = 0
        switch digits.last?.lowercasedASCII {
        case UInt8(ascii: "k"): shift = 10
        case UInt8(ascii: "m"): shift = 20
        default: break
        }
        if shift > 0 { digits = digits.dropLast() }
        guard let number = digits.decimalInteger() else {
            throw FilterError("malformed numerical string \"\(text)\"")
        }
        let (product, isOver) = number.multipliedReportingOverflow(by: 1 << Int64(shift))
        guard !isOver else { throw FilterError("malformed numerical string \"\(text)\"") }
        return product
    }

    private mutating func matches(
        _ text: TaintedBytes, _ pattern: ByteString, isCaseful: Bool
    ) throws(FilterError) -> Bool {
        do throws(PatternError) {
            let compiled = try PCRE2Pattern.compile(pattern, caseless: !isCaseful)
            guard let found = try compiled.firstMatch(in: text.bytes) else { return false }
            facts.captures = found.captures.indices.map { index in
                TaintedBytes(ByteString(found.octets(of: index, in: text.bytes) ?? []), text.taint)
            }
            return true
        } catch {
            switch error {
            case .invalid(let message, let offset, _):
                throw FilterError(
                    "error while compiling regular expression \"\(pattern)\": \(message) at offset \(offset)")
            case .matchFailed(let message, _):
                throw FilterError("error while matching regular expression \"\(pattern)\": \(message)")
            }
        }
    }

    private mutating func anyAddress(
        _ list: FilterWord, _ inner: FilterCondition
    ) async throws(FilterError) -> Bool {
        let text = try await expand(list.text, "filter file")
        let before = thisAddress
        for item in AddressParser.parseList(text.bytes) {
            guard case .success(let parsed) = item.outcome, !parsed.address.isNull else { continue }
            thisAddress = TaintedBytes(parsed.address.text, text.taint)
            facts.extra["thisaddress"] = thisAddress
            if try await holds(inner) { return true }
        }
        thisAddress = before
        facts.extra["thisaddress"] = before
        return false
    }
}

extension FilterCondition {
    /// The condition as a test tells it.
    func text(_ environment: Environment) -> ByteString {
        switch self {
        case .all(let parts): parts.map { $0.text(environment) }.joined(separator: " and ")
        case .any(let parts): parts.map { $0.text(environment) }.joined(separator: " or ")
        case .not(let inner): "not \(inner.text(environment))"
        case .compare(let left, let comparison, let right):
            "\(left.text) \(comparison.words) \(environment.shown(right.text))"
        case .delivered: "delivered"
        case .errorMessage: "error_message"
        case .firstDelivery: "first_delivery"
        case .manuallyThawed: "manually_thawed"
        case .personal(let aliases):
            (["personal"] + aliases.map { "alias \($0.text)" }).joined(separator: " ")
        case .anyAddress(let list, let inner): "foranyaddress \(list.text) (\(inner.text(environment)))"
        }
    }
}
