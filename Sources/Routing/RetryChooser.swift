package import Bytes
package import Configuration
package import Expansion
package import Hints

/// Chooses the retry rule for a record (hints.md 4.1; manual, chapter 32).
package struct RetryChooser: Sendable {
    private let rules: [(rule: RetryRule, pattern: RetryErrorPattern, list: ListText)]
    private let expander: Expander
    private let dataExpire: Int64
    private let intervalMax: Int64

    /// Makes a chooser of the `retry` section; `retry_data_expire` and `retry_interval_max` in seconds.
    package init(
        _ rules: [RetryRule], expander: Expander, dataExpire: Int64 = 604_800, intervalMax: Int64 = 86_400
    ) {
        self.rules = rules.compactMap { rule in
            RetryErrorPattern(rule.error).map { (rule, $0, ListText("<\n \(rule.pattern)")) }
        }
        self.expander = expander
        self.dataExpire = dataExpire
        self.intervalMax = intervalMax
    }

    /// The schedule for a key and an error; `domain` is the recipient's, tried on host items after the host's name.
    ///
    /// Nil: no rule matches, or the rule has no steps, and the item counts as timed out.
    package func schedule(
        for key: RetryKey, _ error: RetryError, domain: ByteString?, _ facts: Facts
    ) async -> RetrySchedule? {
        var facts = facts
        for entry in rules
        where entry.pattern.matches(basicErrno: error.basicErrno, moreErrno: error.moreErrno) {
            if let senders = entry.rule.senders,
                !(await expander.matchAddress(facts.message.sender ?? "", in: senders, &facts).isMatch)
            {
                continue
            }
            var matches = await expander.matchAddress(key.subject, in: entry.list, &facts).isMatch
            if !matches, let domain, key.text.starts(with: ByteString("T:")) {
                matches = await expander.matchAddress("*@\(domain)", in: entry.list, &facts).isMatch
            }
            guard matches else { continue }
            var schedule = RetrySchedule(
                entry.rule.steps.map(Self.step), dataExpire: dataExpire, intervalMax: intervalMax)
            schedule?.topBitPrints = expander.environment.settings.printTopBitChars
            return schedule
        }
        return nil
    }

    /// The first rule for one of the domains or addresses, and for an error when one is given (manual, option -brt).
    package func rule(
        for subjects: [ByteString], _ error: RetryErrorPattern?, _ facts: Facts
    ) async -> RetryRule? {
        let last = await considered(for: subjects, error, facts).last
        return last.flatMap { $0.passedOver == nil ? $0.rule : nil }
    }

    /// A rule that was looked at, and why it does not serve; nil for the one that does.
    package struct Consideration: Sendable {
        /// The rule.
        package var rule: RetryRule
        /// Why it is passed over, in words; nil when it serves.
        package var passedOver: ByteString?
    }

    /// The rules in order up to the one that serves; senders are regarded only where one is known.
    package func considered(
        for subjects: [ByteString], _ error: RetryErrorPattern?, _ facts: Facts
    ) async -> [Consideration] {
        var facts = facts
        var result: [Consideration] = []
        let example = (error ?? .any).example
        for entry in rules {
            var reason: ByteString? = "the pattern does not match"
            if !entry.pattern.matches(basicErrno: example.basicErrno, moreErrno: example.moreErrno) {
                reason = "it is for another error"
            } else if let senders = entry.rule.senders, let sender = facts.message.sender,
                !(await expander.matchAddress(sender, in: senders, &facts).isMatch)
            {
                reason = "it is for other senders"
            } else {
                for subject in subjects where reason != nil {
                    let address = subject.contains(UInt8(ascii: "@")) ? subject : "*@\(subject)"
                    if await expander.matchAddress(address, in: entry.list, &facts).isMatch { reason = nil }
                }
            }
            result.append(Consideration(rule: entry.rule, passedOver: reason))
            if reason == nil { break }
        }
        return result
    }

    private static func step(_ step: RetryRule.Step) -> RetryStep {
        let kind: RetryStep.Kind =
            switch step.letter {
            case UInt8(ascii: "G"): .geometric
            case UInt8(ascii: "H"): .randomised
            default: .fixed
            }
        return RetryStep(
            kind, cutoff: step.cutoff, interval: step.interval, factorThousandths: step.factorThousandths)
    }
}
