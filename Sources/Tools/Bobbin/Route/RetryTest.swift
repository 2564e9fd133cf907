import Bytes
import Configuration
import Expansion
import Hints
import MailSystem
import Routing

/// Shows the retry rule that serves a domain or an address (manual, option -brt).
struct RetryTest: Sendable {
    private let rules: RetryChooser

    private var facts = Facts()

    init(_ site: Site) async throws(ToolFailure) {
        let system = try await site.mailSystem()
        rules = RetryChooser(site.configuration.retryRules, expander: system.expander)
    }

    /// For a message of a sender; where none is given, rules for certain senders are passed over.
    init(_ site: Site, from sender: ByteString?) async throws(ToolFailure) {
        let system = try await site.mailSystem()
        let rules = site.configuration.retryRules.filter { sender != nil || $0.senders == nil }
        self.rules = RetryChooser(rules, expander: system.expander)
        facts.message.sender = sender == "<>" ? "" : sender
    }

    /// What Exim prints for a domain or address, perhaps another domain, perhaps the name of an error.
    func answer(to words: [ByteString]) async -> (text: ByteString, status: ExitStatus) {
        guard let first = words.first else {
            return ("-brt needs a domain or address argument\n", .failure)
        }
        let question: Question
        do throws(ToolFailure) { question = try Question(words) } catch {
            return (Self.warning(first) + ByteString("\(error.message)\n"), .failure)
        }
        let (subjects, error) = (question.subjects, question.error)
        let warning = Self.warning(first)
        guard let rule = await rules.rule(for: subjects, error, facts) else {
            return (warning + ByteString("No retry information found\n"), .success)
        }
        return (
            warning + ByteString("Retry rule: \(rule.pattern)  \(rule.error)  \(Self.steps(rule))\n"),
            .success
        )
    }

    /// Tells which rules are looked at, and what the one that serves makes of the tries.
    func explanation(of words: [ByteString], sender: ByteString?) async throws(ToolFailure) -> ByteString {
        let question = try Question(words)
        var facts = Facts()
        facts.message.sender = sender
        var text = ByteString()
        for item in await rules.considered(for: question.subjects, question.error, facts) {
            let rule = item.rule
            text +=
                "line \(rule.place.line): \(rule.pattern)  \(rule.error)  \(Self.steps(rule))" as ByteString
            text = ByteString(text.trimmed())
            guard item.passedOver == nil else {
                text += "\n  passed over: \(item.passedOver ?? "")\n" as ByteString
                continue
            }
            text += "\n\(Self.schedule(rule))" as ByteString
            return text
        }
        return text + ByteString("no rule serves: mail that cannot be delivered at once is returned\n")
    }

    private static func schedule(_ rule: RetryRule) -> ByteString {
        guard let last = rule.steps.last else { return "  no second try: the first failure is the last\n" }
        var from: ByteString = "at once"
        return rule.steps.reduce(into: ByteString()) { text, step in
            let (cutoff, start) = (interval(step.cutoff), interval(step.interval))
            let how: ByteString =
                switch step.letter {
                case UInt8(ascii: "G"): "first after \(start), then each time \(factor(step)) times as long"
                case UInt8(ascii: "H"):
                    "by chance, at first up to \(start), then each time up to \(factor(step)) times as long"
                default: "every \(start)"
                }
            text += "  from \(from) until \(cutoff) after the first failure: \(how)\n" as ByteString
            from = cutoff
        } + "  after \(interval(last.cutoff)) it is given up\n"
    }

    private static func factor(_ step: RetryRule.Step) -> ByteString {
        "\(step.factorThousandths / 1000).\(step.factorThousandths % 1000 / 100)"
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
                text += ",\(factor(step))" as ByteString
            }
            text += ByteString("; ")
        }
    }

    private static func interval(_ seconds: Int64) -> ByteString { EximTime.text(seconds: Int(seconds)) }
}

/// What -brt is asked: an address or domain, perhaps another domain, perhaps the name of an error.
private struct Question {
    var subjects: [ByteString]
    var error: RetryErrorPattern?

    init(_ words: [ByteString]) throws(ToolFailure) {
        var rest = words[...]
        subjects = rest.popFirst().map { [$0] } ?? []
        if let second = rest.first, second.contains(UInt8(ascii: ".")) {
            subjects.append(second)
            rest = rest.dropFirst()
        }
        guard let name = rest.first else { return }
        guard let known = RetryErrorPattern(name) else {
            throw ToolFailure(.usage, "unknown or malformed retry error \"\(name)\"")
        }
        error = known
    }
}
