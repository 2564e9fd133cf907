import Bytes
import Configuration
import EximLog
import Expansion

/// What came of one statement's conditions.
enum ClauseResult: Sendable, Hashable {
    /// All hold.
    case holds
    /// One does not hold.
    case fails
    /// A nested ACL threw the message or recipient away; what the log says of that.
    case discards(ByteString?)
    /// One could not be told now.
    case deferred(ByteString)
    /// The configuration asks for what cannot be: refused for now, even in a warn statement.
    case broken(ByteString)
    /// A nested ACL ended the connection.
    case drops
}

/// One statement while it is evaluated.
struct StatementRun {
    let evaluator: ACLEvaluator
    let scene: ACLScene
    let verb: AccessControlList.Verb

    var message: Template?
    var logMessage: Template?
    var endpass = false
    var targets: RejectTargets = [.main, .reject]
    /// Texts that a condition such as `acl` or `verify` gives when the statement has none of its own.
    var conditionMessage: ByteString?
    var conditionLogMessage: ByteString?

    init(evaluator: ACLEvaluator, scene: ACLScene, verb: AccessControlList.Verb) {
        self.evaluator = evaluator
        self.scene = scene
        self.verb = verb
    }

    var moment: ACLMoment { scene.moment }

    /// The statement's own texts, where its outcome wants them.
    private struct Words {
        var said: ByteString?
        var logged: ByteString?
    }

    /// What the statement decides; nil sends evaluation to the next one.
    func verdict(_ result: ClauseResult, _ state: inout ACLState) async -> ACLVerdict? {
        let words = wantsWords(result) ? await words(&state) : Words()
        noteOutcome(result)
        let verdict = decision(result, words, &state)
        switch verdict?.decision {
        // Why the sender could not be verified is told once, when something is refused.
        case .deny, .drop, .defer:
            if let line = state.senderFailure { evaluator.log(line, &state) }
            state.senderFailure = nil
        case .accept, .discard, nil: break
        }
        return verdict
    }

    private func wantsWords(_ result: ClauseResult) -> Bool {
        switch (verb, result) {
        case (_, .deferred), (_, .broken): false
        case (.accept, .fails), (.discard, .fails), (.accept, .drops), (.discard, .drops): endpass
        case (.require, .fails), (.require, .drops): true
        case (.require, _): false
        default: result == .holds || verb == .accept || verb == .discard
        }
    }

    private func decision(
        _ result: ClauseResult, _ words: Words, _ state: inout ACLState
    ) -> ACLVerdict? {
        switch result {
        case .broken(let reason):
            var verdict = ACLVerdict.failing(reason)
            verdict.message = conditionMessage
            return verdict
        case .deferred(let reason):
            guard verb == .warn else { return deferral(reason, state) }
            warnSkipped(reason, &state)
            return nil
        case .discards(let why):
            noteEnd(verb == .discard ? "DISCARD" : "ACCEPT")
            return ACLVerdict(.discard, message: words.said, logMessage: words.logged ?? words.said ?? why)
        case .holds, .fails, .drops: break
        }
        switch verb {
        case .accept: return acceptance(.accept, "ACCEPT", result, words, state)
        case .discard: return acceptance(.discard, "DISCARD", result, words, state)
        case .defer: return result == .holds ? refusal(.defer, "DEFER", words, state) : nil
        case .deny: return result == .holds ? refusal(.deny, "DENY", words, state) : nil
        case .drop: return result == .holds ? refusal(.drop, "DROP", words, state) : nil
        case .require:
            if result == .holds { return nil }
            return refusal(result == .drops ? .drop : .deny, "not OK", words, state)
        case .warn:
            if result == .holds { warn(words, &state) }
            return nil
        }
    }

    private func acceptance(
        _ decision: ACLVerdict.Decision, _ name: ByteString, _ result: ClauseResult, _ words: Words,
        _ state: ACLState
    ) -> ACLVerdict? {
        if result == .holds {
            noteEnd(name)
            // With endpass, texts are for the refusal only.
            if endpass { return ACLVerdict(decision) }
            return ACLVerdict(decision, message: words.said, logMessage: words.logged ?? words.said)
        }
        guard endpass else { return nil }
        note("\(ByteString(verb.rawValue)): endpass encountered - denying access")
        return refusal(result == .drops ? .drop : .deny, nil, words, state)
    }

    private func warnSkipped(_ reason: ByteString, _ state: inout ACLState) {
        let why: ByteString = reason.isEmpty ? "" : ": \(reason)"
        evaluator.log(
            .init(
                text: "Warning: ACL \"warn\" statement skipped: condition test deferred\(why)",
                targets: .main, namesPeer: true, item: .aclWarnSkipped), &state)
    }

    /// A condition that cannot be told has its own texts: those of the statement are for its verdict.
    private func deferral(_ reason: ByteString, _ state: ACLState) -> ACLVerdict {
        var verdict = ACLVerdict(.defer, message: conditionMessage, logMessage: reason)
        if reason.isEmpty { verdict.logMessage = conditionLogMessage ?? conditionMessage }
        verdict.rejectTargets = targets
        verdict.details = state.senderDetails
        return verdict
    }

    private func refusal(
        _ decision: ACLVerdict.Decision, _ name: ByteString?, _ words: Words, _ state: ACLState
    ) -> ACLVerdict {
        if let name { noteEnd(name) }
        let said = words.said ?? conditionMessage
        var logged = conditionLogMessage
        if let own = words.logged {
            // What a condition says is told behind the statement's own words.
            logged = logged.map { "\(own): \($0)" } ?? own
        }
        var verdict = ACLVerdict(decision, message: said, logMessage: logged ?? said)
        verdict.rejectTargets = targets
        verdict.details = state.senderDetails
        return verdict
    }

    /// `warn`: `log_message` goes to the log, once a message; `message` is a header line (an old spelling of `add_header`).
    private func warn(_ words: Words, _ state: inout ACLState) {
        if let line = words.logged, !state.warnings.contains(line) {
            state.warnings.append(line)
            evaluator.log(
                .init(text: "Warning: \(line)", targets: .main, namesPeer: true), &state)
        }
        guard ACLFitness.fits("add_header", at: moment), let header = words.said else { return }
        state.add(header: header)
    }

    private func words(_ state: inout ACLState) async -> Words {
        let said = await text(message, about: conditionMessage, &state)
        return Words(said: said, logged: await text(logMessage, about: conditionLogMessage, &state))
    }

    /// A text that the statement gives, in which `$acl_verify_message` is what a condition said.
    ///
    /// One that is empty or cannot be had is left out, and the decision stands without it.
    private func text(
        _ template: Template?, about reason: ByteString?, _ state: inout ACLState
    ) async -> ByteString? {
        guard let template else { return nil }
        var facts = state.facts
        facts.message.verifyMessage = reason.map { TaintedBytes($0, .tainted) }
        do {
            let value = try await evaluator.expander.expand(template, facts).bytes
            return value.isEmpty ? nil : value
        } catch {
            if case .forcedFailure = error { return nil }
            evaluator.log(
                .init(
                    text: "failed to expand ACL message \"\(template.source)\": \(error.text)",
                    targets: [.main, .panic]), &state)
            return nil
        }
    }
}
