import Bytes
import Expansion
import Lookups
import PolicyChecks

extension StatementRun {
    /// `spf` and `spf_guess`: asks whether the client may send for the sender, and looks for the result in a list of words.
    ///
    /// The question is put anew each time, as in Exim; the resolver keeps answers.
    func senderPolicy(
        _ argument: ByteString, guessing: Bool, _ state: inout ACLState
    ) async -> ClauseResult {
        guard let question = question(state.facts), let checker = evaluator.services.spf else {
            // Without a client and its HELO nothing can be asked, and nothing is told in variables.
            return SPFWords.contain(.permerror, argument) ? .holds : .fails
        }
        let guess = guessing ? evaluator.expander.environment.settings.spfGuess : nil
        let verdict =
            if let guess { await checker.check(question, guess: guess) } else {
                await checker.check(question)
            }
        do throws(ExpansionError) {
            state.facts.message.spf = try await facts(of: verdict, checker, state.facts)
        } catch {
            return .broken("expansion of spf_smtp_comment_template failed: \(error.text)")
        }
        if let problem = verdict.problem { note("SPF: \(verdict.result.word): \(problem)") }
        return SPFWords.contain(verdict.result, argument) ? .holds : .fails
    }

    private func question(_ facts: Facts) -> SPFQuestion? {
        guard let client = facts.connection.remoteAddress, let helo = facts.connection.helo else {
            return nil
        }
        return SPFQuestion(
            client: client, sender: facts.message.sender ?? "", helo: helo,
            receiver: evaluator.expander.environment.settings.primaryHostName)
    }

    private func facts(
        of verdict: SPFVerdict, _ checker: SPFChecker, _ facts: Facts
    ) async throws(ExpansionError) -> SPFFacts {
        let template = try await evaluator.expander.expand(evaluator.settings.spfCommentTemplate, facts).bytes
        let explanation = await checker.explanation(template, verdict.question)
        return SPFFacts(
            result: verdict.result.word, isGuessed: verdict.isGuessed, headerComment: verdict.headerComment,
            received: verdict.receivedHeader, smtpComment: verdict.smtpComment(explanation),
            domain: verdict.question.domain)
    }
}

/// The list of an `spf` condition (manual, section 58.4).
enum SPFWords {
    /// Whether one of the words, from left to right, is the result; `!` before a word turns it round.
    static func contain(_ result: SPFResult, _ list: ByteString) -> Bool {
        NegatableWords.contain(list) { means($0, result) }
    }

    /// Whether a word stands for a result; two words of old are the other way round, as they were documented.
    private static func means(_ word: ByteString, _ result: SPFResult) -> Bool {
        switch word {
        case "err_temp": result == .permerror
        case "err_perm": result == .temperror
        default: word == result.word
        }
    }
}
