import Bytes
import Lookups
import MailText

/// How an item that is a string pattern is compared.
struct StringRules: Sendable {
    /// Whether the case of letters counts.
    var caseful = false
    /// The list's taint: a tainted list may not name a file.
    var taint = Taint.clean
    /// Whether a lookup's key may have components cut off; only domains have components.
    var allowsPartial = false
    /// Whether `$0` and `$1` are set.
    var setsCaptures = true
}

extension Evaluation {
    /// Patterns that domains, local parts and parts of addresses share: `^regex`, `*tail`, lookups, plain text.
    mutating func matchStringItem(
        _ subject: ByteString, _ pattern: ByteString, _ rules: StringRules
    ) async -> ItemVerdict {
        if pattern.first == UInt8(ascii: "^") { return matchRegex(subject, pattern, rules) }
        if pattern.first == UInt8(ascii: "*"), !pattern.contains(UInt8(ascii: ";")) {
            return matchTail(subject, pattern, rules)
        }
        if let parts = pattern.cut(at: UInt8(ascii: ";")) {
            return await matchLookup(subject, ByteString(parts.before.trimmed()), parts.after, rules)
        }
        let isSame = rules.caseful ? pattern == subject : pattern.equalsIgnoringCase(subject)
        return isSame ? .match(TaintedBytes(pattern, rules.taint)) : .noMatch
    }

    private mutating func matchRegex(
        _ subject: ByteString, _ pattern: ByteString, _ rules: StringRules
    ) -> ItemVerdict {
        do {
            let regex = try environment.patterns.pattern(pattern, caseless: !rules.caseful)
            guard let found = try regex.firstMatch(in: subject) else { return .noMatch }
            if rules.setsCaptures {
                // In lists $0 is the whole subject, whatever part of it matched.
                let whole = TaintedBytes(subject, .tainted)
                facts.captures = [whole] + found.captures(of: whole).dropFirst()
            }
            return .match(TaintedBytes(pattern, rules.taint))
        } catch {
            return .deferred("regular expression error: \(error.words) while compiling \(pattern)")
        }
    }

    private mutating func matchTail(
        _ subject: ByteString, _ pattern: ByteString, _ rules: StringRules
    ) -> ItemVerdict {
        let tail = pattern.dropFirst()
        guard tail.count <= subject.count else { return .noMatch }
        let end = subject.suffix(tail.count)
        guard rules.caseful ? end == tail : end.equalsIgnoringCase(tail) else { return .noMatch }
        if rules.setsCaptures {
            let wild = ByteString(subject.dropLast(tail.count))
            facts.captures = [subject, wild].map { TaintedBytes($0, .tainted) }
        }
        return .match(TaintedBytes(pattern, rules.taint))
    }

    /// `type;file` with the subject as key, or `type;query`.
    mutating func matchLookup(
        _ subject: ByteString, _ typeName: ByteString, _ rest: ArraySlice<UInt8>, _ rules: StringRules
    ) async -> ItemVerdict {
        let found: (type: LookupType, driver: any LookupDriver)
        do {
            found = try environment.lookups.resolve(typeName)
        } catch {
            return .deferred(error.text)
        }
        let target = ByteString(rest.trimmed())
        var request = LookupRequest(key: target, expandKey: keyExpander())
        if found.driver.style == .singleKey {
            guard !rules.taint.isTainted else { return .deferred("Tainted filename for search: '\(target)'") }
            request.key = subject
            request.file = target
        }
        let answer = await environment.lookups.search(found.type, found.driver, request)
        switch answer.outcome {
        case .found(let data):
            if let parts = answer.parts, rules.setsCaptures {
                facts.captures = [subject, parts.wild, parts.fixed].map { TaintedBytes($0, .tainted) }
            }
            return .match(TaintedBytes(data))
        case .notFound: return .noMatch
        case .deferred(let reason), .unusable(let reason): return .deferred(reason)
        }
    }
}
