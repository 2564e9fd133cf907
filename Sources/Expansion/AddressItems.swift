import Bytes
import Lookups
import MailText

extension Evaluation {
    /// One item of an address list (manual, section 10.19); the empty address is `<>`.
    mutating func matchAddressItem(
        _ address: ByteString, _ pattern: ByteString, _ rules: StringRules
    ) async -> ItemVerdict {
        if pattern.isEmpty { return address.isEmpty ? .match("") : .noMatch }
        if pattern.first == UInt8(ascii: "^") {
            var inner = rules
            inner.setsCaptures = false
            let subject = rules.caseful ? address : address.lowercasedASCII()
            let verdict = await matchStringItem(subject, pattern, inner)
            guard case .match = verdict else { return verdict }
            return .match(nil)
        }
        // Nothing but a regular expression matches what is no address.
        if !address.isEmpty, !address.contains(UInt8(ascii: "@")) { return .noMatch }
        if pattern.starts(with: ByteString("@@")) { return await matchDoubleAt(address, pattern, rules) }
        if let parts = lookupParts(pattern) {
            let key = rules.caseful ? address : address.lowercasedASCII()
            return await matchLookup(key, parts.type, parts.target, rules)
        }
        guard !address.isEmpty else { return .noMatch }
        return await matchParts(EmailAddress(address), pattern, rules)
    }

    /// `type;target` where no `@` stands before the semicolon, except the one of `*@`.
    private func lookupParts(_ pattern: ByteString) -> (type: ByteString, target: ArraySlice<UInt8>)? {
        guard let parts = pattern.cut(at: UInt8(ascii: ";")) else { return nil }
        let type = ByteString(parts.before.trimmed())
        let name = type.ends(with: ByteString("*@")) ? ByteString(type.dropLast(2)) : type
        guard !name.contains(UInt8(ascii: "@")) else { return nil }
        return (type, parts.after)
    }

    private mutating func matchParts(
        _ address: EmailAddress, _ pattern: ByteString, _ rules: StringRules
    ) async -> ItemVerdict {
        var rules = rules
        rules.setsCaptures = false
        let parts = pattern.cutAtLast(UInt8(ascii: "@"))
        let localPattern = parts.map { ByteString($0.before) } ?? ""
        let domainPattern = parts.map { ByteString($0.after) } ?? pattern
        guard address.isQualified else { return .noMatch }
        var data: ByteString = "@"
        if parts != nil {
            guard localMatches(address.localPart, localPattern, rules) else { return .noMatch }
            data = "\(localPattern)@"
        }
        if domainPattern.first == UInt8(ascii: "+") || domainPattern.contains(UInt8(ascii: ";")) {
            return await matchDomainPart(address.domain, domainPattern, prefix: data, rules)
        }
        let verdict = await matchStringItem(address.domain, domainPattern, StringRules(setsCaptures: false))
        guard case .match(let found) = verdict else { return verdict }
        return .match(TaintedBytes(data + (found?.bytes ?? ""), rules.taint))
    }

    private func localMatches(_ localPart: ByteString, _ pattern: ByteString, _ rules: StringRules) -> Bool {
        guard pattern.first == UInt8(ascii: "*") else {
            return rules.caseful ? pattern == localPart : pattern.equalsIgnoringCase(localPart)
        }
        let tail = pattern.dropFirst()
        let end = localPart.suffix(tail.count)
        return rules.caseful ? end == tail : end.equalsIgnoringCase(tail)
    }

    private mutating func matchDomainPart(
        _ domain: ByteString, _ pattern: ByteString, prefix: ByteString, _ rules: StringRules
    ) async -> ItemVerdict {
        switch await match(
            .domain(domain), ListText(literal: pattern.replacing(ByteString(":"), with: ByteString("::"))))
        {
        case .matched(let data): return .match(TaintedBytes(prefix + (data?.bytes ?? ""), rules.taint))
        case .notMatched: return .noMatch
        case .deferred(let reason): return .deferred(reason)
        }
    }

    /// `@@type;file`: the domain's data is a list of local parts, and `>key` at its end goes on elsewhere.
    private mutating func matchDoubleAt(
        _ address: ByteString, _ pattern: ByteString, _ rules: StringRules
    ) async -> ItemVerdict {
        let parsed = EmailAddress(address)
        guard parsed.isQualified, let parts = pattern.dropFirst(2).cut(at: UInt8(ascii: ";")) else {
            return .noMatch
        }
        var key = parsed.domain.lowercasedASCII()
        for _ in 0..<Self.longestChain {
            let verdict = await matchLookup(
                key, ByteString(parts.before.trimmed()), parts.after,
                StringRules(taint: rules.taint, setsCaptures: false))
            guard case .match(let data) = verdict else { return verdict }
            var items = ListItems(data?.bytes ?? "").all
            var next: ByteString?
            if let last = items.last, last.first == UInt8(ascii: ">") {
                next = ByteString(last.dropFirst().trimmedStart())
                items.removeLast()
            }
            let inner = await localPartVerdict(parsed.localPart, items, rules)
            guard case .noMatch = inner, let next else { return inner }
            key = next
        }
        return .deferred("more than \(Self.longestChain) \">\" steps in \"\(pattern)\"")
    }

    /// How many `>key` steps of an `@@` lookup are followed.
    private static let longestChain = 50

    private mutating func localPartVerdict(
        _ localPart: ByteString, _ items: [ByteString], _ rules: StringRules
    ) async -> ItemVerdict {
        var rules = rules
        rules.setsCaptures = false
        for item in items {
            let isNegated = item.first == UInt8(ascii: "!")
            let pattern = isNegated ? ByteString(item.dropFirst().trimmedStart()) : item
            let verdict = await matchStringItem(localPart, pattern, rules)
            if case .noMatch = verdict { continue }
            return isNegated ? .match(nil).negated : verdict
        }
        return .noMatch
    }
}

extension ItemVerdict {
    /// No match instead of a match.
    var negated: ItemVerdict {
        if case .match = self { .noMatch } else { self }
    }
}
