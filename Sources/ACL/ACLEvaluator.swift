package import Bytes
package import Configuration
import EximLog
package import Expansion

/// Runs ACLs.
package struct ACLEvaluator: Sendable {
    /// The deepest nesting of `acl =` conditions.
    package static let maximumDepth = 20

    let lists: [ByteString: AccessControlList]
    let expander: Expander
    let verifier: any AddressVerifier
    /// Whether a client may be told details (`smtp_return_error_details`); texts from `message` always may.
    let tellsDetails: Bool
    let macros: [Macro]

    /// Makes an evaluator for the ACLs of a configuration.
    package init(_ configuration: Configuration, expander: Expander, verifier: any AddressVerifier) {
        lists = configuration.acls
        self.expander = expander
        self.verifier = verifier
        macros = configuration.macros
        tellsDetails = configuration.main.flag("smtp_return_error_details") ?? false
    }

    /// Runs what an `acl_smtp_...` option names: the name of an ACL after expansion.
    ///
    /// An expansion that fails defers, and says why in the log; an empty result accepts, as if nothing were set.
    package func run(_ option: Template, at moment: ACLMoment, _ state: inout ACLState) async -> ACLVerdict {
        let name: ByteString
        do {
            name = ByteString(try await expander.expand(option, state.facts).bytes.trimmed())
        } catch {
            return .init(
                .defer, logMessage: "failed to expand ACL string \"\(option.source)\": \(error.text)")
        }
        if name.isEmpty { return ACLVerdict(.accept) }
        return await run(named: name, at: moment, &state, depth: 0)
    }

    /// Runs an ACL by its name, or by a text of statements, as `${acl` and the options may give it.
    package func run(
        named name: ByteString, at moment: ACLMoment, _ state: inout ACLState, depth: Int
    ) async -> ACLVerdict {
        guard depth < Self.maximumDepth else {
            return ACLVerdict(.defer, logMessage: "ACL nested too deep: possible loop")
        }
        if let list = lists[name] { return await run(list, at: moment, &state, depth) }
        if let list = inlineList(name) { return await run(list, at: moment, &state, depth) }
        return ACLVerdict(.defer, logMessage: "error in ACL: unknown ACL verb \"\(name)\" in \"\(name)\"")
    }

    /// Runs an ACL for an expansion, which gets its verdict and its `message` (manual, `${acl`).
    package func answer(_ call: ACLCall) async -> (result: ACLCallResult, logLines: [ACLState.LogLine]) {
        guard lists[call.name] != nil || inlineList(call.name) != nil else {
            return (
                ACLCallResult(.failed("unknown ACL verb \"\(call.name)\" in \"\(call.name)\""), call.facts),
                []
            )
        }
        var state = ACLState(facts: call.facts)
        let verdict = await run(named: call.name, at: .expansion, &state, depth: 0)
        let message = verdict.message.map { TaintedBytes($0, .tainted) }
        let answer: ACLAnswer =
            switch verdict.decision {
            case .accept, .discard: .accepted(message)
            case .deny: .denied(message)
            case .defer: .deferred
            case .drop: .failed("an ACL that an expansion runs cannot drop the connection")
            }
        return (ACLCallResult(answer, state.facts), state.logLines)
    }

    /// A text of statements in place of a name, such as `accept` or `deny message = no`.
    private func inlineList(_ text: ByteString) -> AccessControlList? {
        guard let verb = text.split(separator: .blank).first,
            AccessControlList.Verb(rawValue: String(ByteString(verb))) != nil
        else { return nil }
        let source = "begin acl\nx:\n\(text)\n" as ByteString
        return (try? Configuration.read(text: source, file: "", macros: macros))?.acls["x"]
    }

    private func run(
        _ list: AccessControlList, at moment: ACLMoment, _ state: inout ACLState, _ depth: Int
    ) async -> ACLVerdict {
        for statement in list.statements {
            var run = StatementRun(evaluator: self, moment: moment, depth: depth, verb: statement.verb)
            let result = await run.clauses(statement.clauses, &state)
            if let verdict = await run.verdict(result, &state) { return verdict }
        }
        return ACLVerdict(.deny)
    }
}

/// What came of one statement's conditions.
enum ClauseResult: Sendable, Hashable {
    /// All hold.
    case holds
    /// One does not hold; whether `endpass` stood before it.
    case fails
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
    let moment: ACLMoment
    let depth: Int
    let verb: AccessControlList.Verb

    var message: Template?
    var logMessage: Template?
    var endpass = false
    var targets: RejectTargets = [.main, .reject]
    /// Texts that a condition such as `acl` or `verify` gives when the statement has none of its own.
    var conditionMessage: ByteString?
    var conditionLogMessage: ByteString?

    init(evaluator: ACLEvaluator, moment: ACLMoment, depth: Int, verb: AccessControlList.Verb) {
        self.evaluator = evaluator
        self.moment = moment
        self.depth = depth
        self.verb = verb
    }

    /// What the statement decides; nil sends evaluation to the next one.
    func verdict(_ result: ClauseResult, _ state: inout ACLState) async -> ACLVerdict? {
        let verdict = await decision(result, &state)
        switch verdict?.decision {
        // Why the sender could not be verified is told once, when something is refused.
        case .deny, .drop, .defer:
            state.logLines += state.senderFailure.map { [$0] } ?? []
            state.senderFailure = nil
        case .accept, .discard, nil: break
        }
        return verdict
    }

    private func decision(_ result: ClauseResult, _ state: inout ACLState) async -> ACLVerdict? {
        if case .broken(let reason) = result { return await refusal(.defer, state, fallback: reason) }
        if case .deferred(let reason) = result {
            if verb == .warn {
                state.logLines.append(
                    .init(
                        text: "Warning: ACL \"warn\" statement skipped: condition test deferred: \(reason)",
                        targets: .main, namesPeer: true, item: .aclWarnSkipped))
                return nil
            }
            return await refusal(.defer, state, fallback: reason)
        }
        switch (verb, result) {
        // With endpass, texts are for the refusal only.
        case (.accept, .holds) where endpass: return ACLVerdict(.accept)
        case (.accept, .holds): return await spoken(.accept, state)
        case (.accept, .fails): return endpass ? await refusal(.deny, state) : nil
        case (.discard, .holds): return await spoken(.discard, state)
        case (.discard, .fails): return endpass ? await refusal(.deny, state) : nil
        case (.defer, .holds): return await refusal(.defer, state)
        case (.deny, .holds): return await refusal(.deny, state)
        case (.drop, .holds): return await refusal(.drop, state)
        case (.require, .fails): return await refusal(.deny, state)
        case (.warn, .holds):
            await warn(&state)
            return nil
        case (_, .drops): return await refusal(.drop, state)
        default: return nil
        }
    }

    private func spoken(_ decision: ACLVerdict.Decision, _ state: ACLState) async -> ACLVerdict {
        ACLVerdict(decision, message: await text(message, state), logMessage: await text(logMessage, state))
    }

    private func refusal(
        _ decision: ACLVerdict.Decision, _ state: ACLState, fallback: ByteString? = nil
    ) async -> ACLVerdict {
        // A condition that cannot be told has its own texts: those of the statement are for its verdict.
        let isOwn = fallback == nil
        let said = (isOwn ? await text(message, state) : nil) ?? conditionMessage
        let logged =
            (isOwn ? await text(logMessage, state) : nil) ?? (isOwn ? nil : fallback) ?? conditionLogMessage
            ?? said
        var verdict = ACLVerdict(decision, message: said, logMessage: logged)
        verdict.rejectTargets = targets
        verdict.details = state.senderDetails
        return verdict
    }

    /// `warn`: `log_message` goes to the log, `message` is a header line (an old spelling of `add_header`).
    private func warn(_ state: inout ACLState) async {
        if let line = await text(logMessage, state), !line.isEmpty {
            state.logLines.append(.init(text: "Warning: \(line)", targets: .main, namesPeer: true))
        }
        if let header = await text(message, state), !header.isEmpty { state.add(header: header) }
    }

    private func text(_ template: Template?, _ state: ACLState) async -> ByteString? {
        guard let template else { return nil }
        do {
            let value = try await evaluator.expander.expand(template, state.facts).bytes
            return value.isEmpty ? nil : value
        } catch {
            // A text that cannot be had is left out: the decision stands without it.
            return nil
        }
    }
}
