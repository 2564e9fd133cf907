import Bytes
import Configuration
import Expansion
import Hints
import MailSystem
import Routing

/// Shows the retry rule that serves a domain or an address (manual, option -brt).
struct RetryTest: Sendable {
    private let rules: RetryChooser

    init(_ site: Site) async throws(ToolFailure) {
        let system = try await site.mailSystem()
        rules = RetryChooser(site.configuration.retryRules, expander: system.expander)
    }

    /// What Exim prints for a domain or address, perhaps another domain, perhaps the name of an error.
    func answer(to words: [ByteString]) async -> (text: ByteString, status: ExitStatus) {
        guard let first = words.first else {
            return ("-brt needs a domain or address argument\n", .failure)
        }
        var rest = words.dropFirst()
        var subjects = [first]
        if let second = rest.first, second.contains(UInt8(ascii: ".")) {
            subjects.append(second)
            rest = rest.dropFirst()
        }
        var error: RetryErrorPattern?
        if let name = rest.first {
            guard let known = RetryErrorPattern(name) else {
                return ("unknown or malformed retry error \"\(name)\"\n", .failure)
            }
            error = known
        }
        let warning = Self.warning(first)
        guard let rule = await rules.rule(for: subjects, error, Facts()) else {
            return (warning + ByteString("No retry information found\n"), .success)
        }
        return (
            warning + ByteString("Retry rule: \(rule.pattern)  \(rule.error)  \(Self.steps(rule))\n"),
            .success
        )
    }

    private static func warning(_ word: ByteString) -> ByteString {
        guard !word.contains(where: { $0 == UInt8(ascii: "@") || $0 == UInt8(ascii: ".") }) else { return "" }
        return """
            Warning: "\(word)" contains no '@' and no '.' characters. It is being \

            treated as a one-component domain, not as a local part.


            """
    }

    private static func steps(_ rule: RetryRule) -> ByteString {
        rule.steps.reduce(into: ByteString()) { text, step in
            let letter = ByteString([step.letter])
            text += "\(letter),\(interval(step.cutoff)),\(interval(step.interval))" as ByteString
            if step.letter != UInt8(ascii: "F") {
                text +=
                    ",\(step.factorThousandths / 1000).\(step.factorThousandths % 1000 / 100)" as ByteString
            }
            text += ByteString("; ")
        }
    }

    private static func interval(_ seconds: Int64) -> ByteString { EximTime.text(seconds: Int(seconds)) }
}
