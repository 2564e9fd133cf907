import Bytes
import Lookups
import MailText

extension Evaluation {
    /// `sg`: every match replaced; the replacement is expanded once more for each, with `$1` and so on set.
    mutating func substitute(
        _ subject: TaintedBytes, _ pattern: ByteString, _ replacement: TaintedBytes
    ) async throws(ExpansionError) -> TaintedBytes {
        let template = Template(replacement.bytes)
        guard template.literal != nil || !replacement.taint.isTainted else {
            throw .failed("attempt to expand tainted string '\(replacement.bytes)'")
        }
        let before = facts.captures
        let text = subject.bytes
        var result = TaintedBytes("", subject.taint.joined(with: replacement.taint))
        var place = 0
        var from = 0
        let regex = try compile(pattern)
        while from <= text.count, let match = try Self.find(regex, pattern, in: text, from: from) {
            result.bytes += text[place..<match.whole.lowerBound]
            facts.captures = match.captures(of: subject)
            let piece = try await expand(template)
            result.bytes += piece.bytes
            result.taint = result.taint.joined(with: piece.taint)
            place = match.whole.upperBound
            from = place
            guard match.whole.isEmpty else { continue }
            // After an empty match one octet is passed over, so that the walk comes to an end.
            guard place < text.count else { break }
            result.bytes.append(text[place])
            place += 1
            from = place
        }
        facts.captures = before
        result.bytes += text[min(place, text.count)...]
        return result
    }

    private func compile(_ pattern: ByteString) throws(ExpansionError) -> PCRE2Pattern {
        do {
            return try environment.patterns.pattern(pattern)
        } catch {
            throw .failed("regular expression error in \"\(pattern)\": \(error.words)")
        }
    }

    private static func find(
        _ regex: PCRE2Pattern, _ pattern: ByteString, in text: ByteString, from: Int
    ) throws(ExpansionError) -> PatternMatch? {
        do {
            return try regex.firstMatch(in: text, from: from)
        } catch {
            throw .failed("regular expression error in \"\(pattern)\": \(error.words)")
        }
    }
}
