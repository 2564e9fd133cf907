package import Bytes
package import Expansion

/// One line of the `retry` section (manual, "Format of retry rules").
package struct RetryRule: Sendable, Hashable {
    /// When an address is tried again.
    package struct Step: Sendable, Hashable {
        /// `F`, `G` or `H`.
        package var letter: UInt8
        /// Seconds since the first failure for which the step holds.
        package var cutoff: Int64
        /// Seconds between tries, or the first such time.
        package var interval: Int64
        /// The factor of `G` and `H` in thousandths; 1000 for `F`.
        package var factorThousandths: Int64
    }

    /// An address-list item.
    package var pattern: ByteString
    /// The error's name, such as `*`, `refused_MX` or `rcpt_4xx`.
    package var error: ByteString
    /// Senders to whose messages alone the rule applies.
    package var senders: ListText?
    /// The steps, in the order of their cutoffs; none means: do not try again.
    package var steps: [Step]
    /// Where it stands.
    package var place: SourcePlace
}

/// Reads retry rules.
struct RetryRuleParser {
    let place: SourcePlace

    func parse(_ line: ByteString) throws(ConfigurationError) -> RetryRule {
        var rest = line[...]
        let pattern = try word(&rest, "pattern")
        let error = try word(&rest, "error type")
        if error.starts(with: ByteString("quota_")), EximInterval.parse(ByteString(error.dropFirst(6))) == nil
        {
            throw ConfigurationError("bad time value", at: place)
        }
        guard Self.isErrorName(error) else {
            throw ConfigurationError("unknown or malformed retry error \"\(error)\"", at: place)
        }
        var senders: ListText?
        if rest.trimmedStart().startsIgnoringCase(with: ByteString("senders")) {
            var after = rest.trimmedStart().dropFirst(7).trimmedStart()
            guard after.popFirst() == UInt8(ascii: "=") else {
                throw ConfigurationError("\"=\" expected after \"senders\" in retry rule", at: place)
            }
            rest = after
            senders = ListText(try word(&rest, "sender list"))
        }
        var steps: [RetryRule.Step] = []
        for part in rest.split(separator: UInt8(ascii: ";")) where !part.trimmed().isEmpty {
            steps.append(try step(ByteString(part.trimmed())))
        }
        return RetryRule(pattern: pattern, error: error, senders: senders, steps: steps, place: place)
    }

    private func word(_ rest: inout ArraySlice<UInt8>, _ what: ByteString) throws(ConfigurationError)
        -> ByteString
    {
        rest = rest.trimmedStart()
        if rest.first == UInt8(ascii: "\"") {
            guard let close = rest.dropFirst().firstIndex(of: UInt8(ascii: "\"")) else {
                throw ConfigurationError("missing quote at the end of \(what) in retry rule", at: place)
            }
            defer { rest = rest[(close + 1)...] }
            return ByteString(rest[(rest.startIndex + 1)..<close])
        }
        let end = rest.firstIndex { $0.isASCIISpace } ?? rest.endIndex
        guard end > rest.startIndex else {
            throw ConfigurationError("missing \(what) in retry rule", at: place)
        }
        defer { rest = rest[end...] }
        return ByteString(rest[..<end])
    }

    private func step(_ text: ByteString) throws(ConfigurationError) -> RetryRule.Step {
        let parts = text.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
            .map { ByteString($0.trimmed()) }
        guard let letter = parts.first?.first, ByteString("FGH").contains(letter) else {
            throw ConfigurationError("unknown retry rule letter", at: place, hint: "it is F, G or H: \(text)")
        }
        let wanted = letter == UInt8(ascii: "F") ? 3 : 4
        guard parts.count >= wanted, parts[0].count == 1 else {
            throw ConfigurationError("comma expected", at: place, hint: text)
        }
        guard let cutoff = EximInterval.parse(parts[1]) else { throw bad(text) }
        guard let interval = EximInterval.parse(parts[2]) else {
            // A whole interval with more behind it: the next step was meant.
            let first = ByteString(parts[2].prefix { !$0.isASCIISpace })
            if first.count < parts[2].count, EximInterval.parse(first) != nil {
                throw ConfigurationError("semicolon expected", at: place, hint: text)
            }
            throw bad(text)
        }
        guard parts.count == wanted, cutoff > 0, interval > 0 else { throw bad(text) }
        var factor: Int64 = 1000
        if parts.count == 4 {
            guard case .success(.number(let number)) = OptionKind.fixed.value(of: parts[3], for: "retry"),
                number >= 1000
            else { throw bad(text) }
            factor = number
        }
        return RetryRule.Step(letter: letter, cutoff: cutoff, interval: interval, factorThousandths: factor)
    }

    private func bad(_ text: ByteString) -> ConfigurationError {
        ConfigurationError(
            "bad parameters for retry rule", at: place,
            hint: "two intervals, and a factor of 1 or more behind G and H: \(text)")
    }

    private static func isErrorName(_ name: ByteString) -> Bool {
        switch name {
        case "*", "refused", "refused_A", "refused_MX", "timeout", "timeout_A", "timeout_MX",
            "timeout_connect", "timeout_connect_A", "timeout_connect_MX", "auth_failed", "lost_connection",
            "tls_required", "lookup", "quota":
            return true
        default: break
        }
        if name.starts(with: ByteString("quota_")) {
            return EximInterval.parse(ByteString(name.dropFirst(6))) != nil
        }
        for prefix in ["mail_4", "rcpt_4", "data_4"] as [ByteString] where name.starts(with: prefix) {
            let digits = name.dropFirst(6)
            return digits.count == 2
                && digits.allSatisfy { $0.isASCIIDigit || $0 == UInt8(ascii: "x") }
        }
        return false
    }
}
