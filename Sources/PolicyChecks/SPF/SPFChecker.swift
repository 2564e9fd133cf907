package import Bytes
package import DNS
import Glibc

/// Checks clients against what domains publish (RFC 7208).
package struct SPFChecker: Sendable {
    private let resolver: any NameResolver
    private let timeLimit: Duration

    /// How long a check may last; then it is given up as `temperror` (RFC 7208 section 4.6.4 wants 20 seconds at least).
    package static let patience = Duration.seconds(60)

    /// Makes a checker.
    package init(_ resolver: any NameResolver, timeLimit: Duration = Self.patience) {
        self.resolver = resolver
        self.timeLimit = timeLimit
    }

    /// Checks a client; with a record, as if the sender's domain had published that.
    ///
    /// Like in libspf2, this machine's own addresses always pass.
    package func check(_ question: SPFQuestion, record: ByteString? = nil) async -> SPFVerdict {
        if question.client.isLoopback { return SPFVerdict(question, .pass, .localhost) }
        var evaluation = evaluation(question)
        do throws(SPFTrouble) {
            let finding = try await evaluation.check(question.checkedDomain, record: record)
            return SPFVerdict(question, finding.result, finding.reason)
        } catch {
            switch error {
            case .temporary(let why): return SPFVerdict(question, .temperror, .none, problem: why)
            case .permanent(let why): return SPFVerdict(question, .permerror, .none, problem: why)
            }
        }
    }

    /// Checks a client; a domain that publishes nothing is judged by the record given (`spf_guess`).
    package func check(_ question: SPFQuestion, guess: ByteString) async -> SPFVerdict {
        let verdict = await check(question)
        guard verdict.result == .none else { return verdict }
        var guessed = await check(question, record: guess)
        guessed.isGuessed = true
        return guessed
    }

    /// The text of a template with SPF's macros (`spf_smtp_comment_template`).
    ///
    /// Like libspf2, takes a text of its own in place of one that it cannot read.
    package func explanation(_ template: ByteString, _ question: SPFQuestion) async -> ByteString {
        var evaluation = evaluation(question)
        let macros: SPFMacros
        do throws(SPFTrouble) { macros = try SPFMacros(template, for: .explanation) } catch {
            macros = Self.builtinExplanation
        }
        return await evaluation.expand(macros, question.checkedDomain).text
    }

    private static let builtinExplanation = SPFMacros(parts: [
        .literal("Please see http://www.openspf.org/Why?id="), .macro(.escaped("s")), .literal("&ip="),
        .macro(.escaped("c")), .literal("&receiver="), .macro(.escaped("r")),
    ])

    private func evaluation(_ question: SPFQuestion) -> SPFEvaluation {
        let end = ContinuousClock.now + timeLimit
        return SPFEvaluation(
            resolver: resolver, question: question, now: Int64(time(nil)),
            isLate: { ContinuousClock.now >= end })
    }
}
