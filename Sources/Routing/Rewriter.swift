package import Bytes
package import Configuration
package import Expansion
package import MailText

/// The address fields that rewriting rules can choose (manual, section 31.8).
package enum RewriteField: Sendable, Hashable {
    /// The envelope sender.
    case envelopeFrom
    /// An envelope recipient.
    case envelopeTo
    /// A header line of this kind.
    case header(HeaderKind)

    /// What the log calls it.
    var place: ByteString {
        switch self {
        case .envelopeFrom: "env-from"
        case .envelopeTo: "env-to"
        case .header(let kind): kind.addressName
        }
    }

    /// The flags that choose it.
    fileprivate var flags: [UInt8] {
        switch self {
        case .envelopeFrom: [UInt8(ascii: "E"), UInt8(ascii: "F")]
        case .envelopeTo: [UInt8(ascii: "E"), UInt8(ascii: "T")]
        case .header(let kind): [UInt8(ascii: "h")] + (kind.rewriteFlag.map { [$0] } ?? [])
        }
    }
}

extension HeaderKind {
    /// The rewriting flag of a header line that holds addresses; nil for others.
    var rewriteFlag: UInt8? {
        switch self {
        case .from: UInt8(ascii: "f")
        case .to: UInt8(ascii: "t")
        case .cc: UInt8(ascii: "c")
        case .bcc: UInt8(ascii: "b")
        case .replyTo: UInt8(ascii: "r")
        case .sender: UInt8(ascii: "s")
        case .received, .messageID, .old, .other: nil
        }
    }

    /// What the log calls its addresses.
    fileprivate var addressName: ByteString {
        switch self {
        case .from: "from:"
        case .to: "to:"
        case .cc: "cc:"
        case .bcc: "bcc:"
        case .replyTo: "reply-to:"
        case .sender: "sender:"
        case .received, .messageID, .old, .other: ""
        }
    }
}

/// What rewriting has to tell the log.
package enum RewriteEvent: Sendable, Hashable {
    /// An address was changed by the rule of that number; for selector `address_rewrite`.
    case rewritten(ByteString, place: ByteString, new: ByteString, rule: Int)
    /// A rule could not be applied, and the address stays; for the postmaster's eyes.
    case problem(ByteString)
    /// What stands in a header line is no address.
    case noAddress(ByteString)

    /// The log line.
    package var text: ByteString {
        switch self {
        case .rewritten(let old, let place, let new, let rule):
            "\"\(old)\" from \(place) rewritten as \"\(new)\" by rule \(rule)"
        case .problem(let text): text
        case .noAddress(let why): "rewrite: \(why)"
        }
    }
}

/// Rewrites addresses by the rules of the `rewrite` section (manual, chapter 31).
package struct Rewriter: Sendable {
    /// How often a rule with flag `R` is applied again.
    package static let maximumRepeats = 10
    /// Once, and then again as often as that.
    private static let mostTimes = maximumRepeats + 1

    private let rules: [RewriteRule]
    private let expander: Expander
    private let qualifyRecipient: ByteString

    /// Makes a rewriter.
    package init(_ rules: [RewriteRule], expander: Expander, qualifyRecipient: ByteString) {
        self.rules = rules
        self.expander = expander
        self.qualifyRecipient = qualifyRecipient
    }

    /// Whether there is nothing to do for any address.
    package var isEmpty: Bool { rules.isEmpty }

    /// Rewrites an address of the envelope; throws where a replacement cannot be expanded (then nothing is rewritten).
    package func rewrite(
        _ address: EmailAddress, as field: RewriteField, _ facts: Facts
    ) async throws(ExpansionError) -> EmailAddress {
        var taint = Taint.tainted
        return try await rewrite(address, &taint, as: field, facts)
    }

    /// The same, for an address of which it is known where it came from; the taint becomes that of the new address.
    package func rewrite(
        _ address: EmailAddress, _ taint: inout Taint, as field: RewriteField, _ facts: Facts
    ) async throws(ExpansionError) -> EmailAddress {
        if address.isNull { return address }
        var events: [RewriteEvent] = []
        let new = await rewritten(address, taint, as: field, facts, &events)
        for case .problem(let text) in events { throw .failed(text) }
        if let new { taint = new.taint }
        return new?.address ?? address
    }

    /// Rewrites an address of the envelope, and tells how; from the first problem on it stays as it is.
    package func rewriteEnvelope(
        _ address: EmailAddress, as field: RewriteField, _ facts: Facts
    ) async -> (EmailAddress, [RewriteEvent]) {
        if address.isNull { return (address, []) }
        var events: [RewriteEvent] = []
        let new = await rewritten(address, .tainted, as: field, facts, &events)
        return (new?.address ?? address, events)
    }

    /// Rewrites what MAIL or RCPT gave before it is looked at (flag `S`); nil when no rule applies.
    package func rewriteCommandAddress(
        _ text: ByteString, _ facts: Facts
    ) async throws(ExpansionError) -> ByteString? {
        for rule in rules where rule.flags.contains(UInt8(ascii: "S")) {
            guard let captures = try match(rule.pattern, text) else { continue }
            var known = facts
            known.captures = captures
            if rule.replacement.source == "*" { return nil }
            let new: ByteString
            do {
                new = try await expander.expand(rule.replacement, known).bytes
            } catch {
                if case .forcedFailure = error { continue }
                throw error
            }
            if let why = Self.fault(in: new) {
                throw .failed("Rewrite of \(text) yielded unparseable address: \(why) in address \(new)")
            }
            return new
        }
        return nil
    }

    /// Why a text is no address; nil for one.
    private static func fault(in text: ByteString) -> ByteString? {
        do throws(AddressError) {
            _ = try AddressParser.parseOne(text)
            return nil
        } catch {
            return error.message
        }
    }

    private func match(_ pattern: ByteString, _ text: ByteString) throws(ExpansionError) -> [TaintedBytes]? {
        var pattern = pattern
        if pattern.starts(with: ByteString("\\N")), pattern.count >= 4 {
            pattern = ByteString(pattern.dropFirst(2))
            if let end = pattern.firstRange(of: ByteString("\\N")) {
                pattern = ByteString(pattern[..<end.lowerBound])
            }
        }
        do {
            let regex = try PCRE2Pattern.compile(pattern)
            guard let found = try regex.firstMatch(in: text) else { return nil }
            return found.captures.map { range in
                TaintedBytes(range.map { ByteString(text[$0]) } ?? ByteString(), .tainted)
            }
        } catch {
            throw .failed("rewrite rule pattern \"\(pattern)\": \(error.words)")
        }
    }

    /// A rewritten address, and the whole replacement when a rule with flag `w` gave one.
    struct Rewritten {
        var address: EmailAddress
        var whole: ByteString?
        /// As the log shows it.
        var shown: ByteString
        /// Where the octets of the address came from.
        var taint: Taint
    }

    func rewritten(
        _ original: EmailAddress, _ taint: Taint, as field: RewriteField, _ facts: Facts,
        _ events: inout [RewriteEvent]
    ) async -> Rewritten? {
        var (current, taint) = (original, taint)
        var result: Rewritten?
        for (index, rule) in rules.enumerated() where applies(rule, to: field) {
            var repeats = 0
            while await matches(current, rule, facts) {
                if rule.replacement.source == "*" { return result }
                guard repeats < Self.mostTimes else { break }
                var known = facts
                known.captures = await captures(of: current, by: rule, facts).map { TaintedBytes($0, taint) }
                known.address.localPart = TaintedBytes(current.localPart, taint)
                known.address.domain = TaintedBytes(current.domain, taint)
                do throws(ExpansionError) {
                    guard let next = try await replacement(of: current, by: rule, known) else { break }
                    events.append(
                        .rewritten(
                            current.text, place: field.place, new: next.shown, rule: index + 1))
                    repeats += 1
                    result = next
                    (current, taint) = (next.address, next.taint)
                } catch {
                    events.append(.problem(error.text))
                    return result
                }
                guard rule.flags.contains(UInt8(ascii: "R")) else { break }
            }
            if rule.flags.contains(UInt8(ascii: "q")), repeats > 0 { return result }
        }
        return result
    }

    private func matches(_ address: EmailAddress, _ rule: RewriteRule, _ facts: Facts) async -> Bool {
        var known = facts
        return await expander.matchAddress(
            address.text, in: ListText("<\n \(rule.pattern)"), &known, caseful: true
        ).isMatch
    }

    /// `$0`, `$1` and so on for a replacement (manual, section 31.5): what the pattern's wildcards or groups matched.
    private func captures(
        of address: EmailAddress, by rule: RewriteRule, _ facts: Facts
    ) async -> [ByteString] {
        let whole = address.text
        guard let pattern = try? await expander.expand(Template(rule.pattern), facts).bytes else {
            return [whole]
        }
        if pattern.first == UInt8(ascii: "^") {
            guard let found = try? PCRE2Pattern.compile(pattern).firstMatch(in: address.text) else {
                return [whole]
            }
            return [whole]
                + found.captures.dropFirst().map { range in
                    range.map { ByteString(address.text[$0]) } ?? ByteString()
                }
        }
        let parts = pattern.cutAtLast(UInt8(ascii: "@")) ?? ([], pattern[...])
        let wild = [(parts.before, address.localPart), (parts.after, address.domain)].compactMap {
            pattern, text in
            Self.wildPart(of: text, in: pattern)
        }
        return [whole] + wild
    }

    /// What the asterisk at the beginning of a pattern stands for; nil without one.
    private static func wildPart(of text: ByteString, in pattern: ArraySlice<UInt8>) -> ByteString? {
        guard pattern.first == UInt8(ascii: "*"), text.count >= pattern.count - 1 else { return nil }
        return ByteString(text.dropLast(pattern.count - 1))
    }

    private func applies(_ rule: RewriteRule, to field: RewriteField) -> Bool {
        let choosing = rule.flags.filter { ByteString("EFTbcfhrst").contains($0) }
        if choosing.isEmpty { return !rule.flags.contains(UInt8(ascii: "S")) }
        return field.flags.contains { choosing.contains($0) }
    }

    /// What the rule makes of an address; nil when its expansion is forced to fail.
    private func replacement(
        of address: EmailAddress, by rule: RewriteRule, _ facts: Facts
    ) async throws(ExpansionError) -> Rewritten? {
        let new: TaintedBytes
        do {
            new = try await expander.expand(rule.replacement, facts)
        } catch {
            if case .forcedFailure = error { return nil }
            throw .failed("Expansion of \(rule.replacement.source) failed while rewriting: \(error.text)")
        }
        let parsed: EmailAddress
        do {
            parsed = try AddressParser.parseOne(new.bytes).address
        } catch {
            throw .failed(
                "Rewrite of \(address.text) yielded unparseable address: \(error.message) in address \(new.bytes)"
            )
        }
        if !parsed.isQualified, !rule.flags.contains(UInt8(ascii: "Q")) {
            throw .failed("Rewrite of \(address.text) yielded unqualified address \"\(new.bytes)\"")
        }
        let isWhole = rule.flags.contains(UInt8(ascii: "w"))
        let qualified = parsed.qualified(with: qualifyRecipient)
        return Rewritten(
            address: qualified, whole: isWhole ? new.bytes : nil,
            shown: parsed.isQualified ? new.bytes : qualified.text, taint: new.taint)
    }
}
