package import Bytes
import Lookups

/// Expands templates and matches lists in one environment.
///
/// A class, since everything that expands keeps it, tasks that wait too, and its environment is large.
package final class Expander: Sendable {
    /// What may be asked of the world.
    package let environment: Environment

    /// Makes an expander.
    package init(_ environment: Environment) { self.environment = environment }

    /// Expands a template.
    ///
    /// - Throws: `failed` with Exim's text, `forcedFailure`, or `deferred` when a lookup cannot answer now.
    package func expand(
        _ template: Template, _ facts: Facts
    ) async throws(ExpansionError) -> TaintedBytes {
        if let literal = template.literal { return TaintedBytes(literal) }
        var evaluation = Evaluation(self, facts)
        return try await evaluation.expand(template)
    }

    /// Expands a template, and keeps the variables that an ACL has set which the template runs, and what `inbound_srs` found.
    ///
    /// - Throws: as `expand(_:_:)`.
    package func expand(
        _ template: Template, updating facts: inout Facts
    ) async throws(ExpansionError) -> TaintedBytes {
        if let literal = template.literal { return TaintedBytes(literal) }
        var evaluation = Evaluation(self, facts)
        let result = try await evaluation.expand(template)
        if evaluation.ranACL { facts.keepACLVariables(of: evaluation.facts) }
        if let sender = evaluation.facts.extra[SRS.variable] { facts.extra[SRS.variable] = sender }
        return result
    }

    /// Expands a template to a yes or no, as options that are boolean after expansion want it.
    ///
    /// `yes`, `true`, `no`, `false`, case not regarded; the empty string is the default given.
    package func expandToBool(
        _ template: Template, _ facts: Facts, default fallback: Bool = false
    ) async throws(ExpansionError) -> Bool {
        let text = try await expand(template, facts).bytes
        switch ByteString(text.trimmed()).lowercasedASCII() {
        case "": return fallback
        case "yes", "true": return true
        case "no", "false": return false
        default: throw .failed("\"\(text)\" is not a valid boolean value")
        }
    }

    /// Expands a template to a whole number with an optional K, M or G (times 1024 each).
    package func expandToInteger(_ template: Template, _ facts: Facts) async throws(ExpansionError) -> Int {
        let number = try EximNumber.read(try await expand(template, facts).bytes)
        return Int(number)
    }

    /// Expands a template to a time interval such as `2d4h5m`, in seconds.
    package func expandToTime(_ template: Template, _ facts: Facts) async throws(ExpansionError) -> Int {
        let text = try await expand(template, facts).bytes
        guard let seconds = EximTime.seconds(text.trimmed()) else {
            throw .failed("string \"\(text)\" is not an Exim time interval")
        }
        return seconds
    }

    /// The rule of an ACL's `condition =`.
    ///
    /// Empty, zero, `no`, `false` are false; another whole number, `yes`, `true` are true; all else is an error
    /// with Exim's text.
    package func isTrue(condition: Template, _ facts: inout Facts) async throws(ExpansionError) -> Bool {
        let text = try await expand(condition, updating: &facts).bytes
        let word = text.lowercasedASCII()
        if !word.isEmpty, word.allSatisfy(\.isASCIIDigit) { return word.contains { $0 != UInt8(ascii: "0") } }
        switch word {
        case "", "no", "false": return false
        case "yes", "true": return true
        default: throw .failed("invalid \"condition\" value \"\(text)\"")
        }
    }

    /// The rule of a router's `condition =`: empty, `0`, `no`, `false` are false, all else is true.
    package func isTrueLoosely(condition: Template, _ facts: Facts) async throws(ExpansionError) -> Bool {
        var facts = facts
        return try await isTrueLoosely(condition: condition, updating: &facts)
    }

    /// The same rule; what the condition sets is kept for the options behind it.
    package func isTrueLoosely(
        condition: Template, updating facts: inout Facts
    ) async throws(ExpansionError) -> Bool {
        Truth.lax(try await expand(condition, updating: &facts).bytes)
    }

    /// A header line's text with its encoded words decoded, as `$h_` shows them (RFC 2047); what cannot be decoded stays.
    package func decodingWords(_ text: ByteString) -> ByteString {
        let settings = environment.settings
        let decoded = try? EncodedWords.decode(
            text, into: settings.headersCharset, checksLength: settings.checkRFC2047Length)
        return decoded ?? text
    }

    /// The same without a change of the character set, as names of files are shown.
    package func decodingWordsAsTheyAre(_ text: ByteString) -> ByteString {
        (try? EncodedWords.decode(text, into: nil, checksLength: false)) ?? text
    }

    /// The items of a list, split by Exim's rules (manual, section 6.21), each with the list's taint.
    package func items(ofList list: TaintedBytes) -> [TaintedBytes] {
        ListItems(list.bytes).map { TaintedBytes($0, list.taint) }
    }

    /// Expands a template and splits the result into its items.
    package func items(
        ofList list: Template, _ facts: Facts
    ) async throws(ExpansionError) -> [TaintedBytes] {
        items(ofList: try await expand(list, facts))
    }
}

extension Expander {
    /// Whether a domain is in a domain list (manual, section 10.8).
    ///
    /// `$domain` is the subject meanwhile, and `facts.captures` keeps what a regular expression captured.
    package func matchDomain(
        _ domain: ByteString, in list: ListText, _ facts: inout Facts
    ) async -> ListMatch {
        await match(.domain(domain), list, &facts)
    }

    /// Whether a local part is in a local part list (manual, section 10.21); caseful when so told.
    package func matchLocalPart(
        _ localPart: ByteString, in list: ListText, _ facts: inout Facts, caseful: Bool = false
    ) async -> ListMatch {
        await match(.localPart(localPart, caseful: caseful), list, &facts)
    }

    /// Whether an address is in an address list (manual, section 10.19); the empty one is `<>`.
    package func matchAddress(
        _ address: ByteString, in list: ListText, _ facts: inout Facts, caseful: Bool = false
    ) async -> ListMatch {
        await match(.address(address, caseful: caseful), list, &facts)
    }

    /// Whether a host is in a host list (manual, section 10.11).
    ///
    /// A name that is not known is asked for when an item needs it.
    package func matchHost(
        _ host: HostIdentity, in list: ListText, _ facts: inout Facts
    ) async -> ListMatch {
        await match(.host(host), list, &facts)
    }

    private func match(
        _ subject: ListSubject, _ list: ListText, _ facts: inout Facts
    ) async -> ListMatch {
        var evaluation = Evaluation(self, facts)
        let result = await evaluation.match(subject, list)
        if result.isMatch { facts.captures = evaluation.facts.captures }
        return result
    }
}
