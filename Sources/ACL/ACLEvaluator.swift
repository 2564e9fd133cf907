package import Bytes
package import Configuration
import EximLog
package import Expansion
package import PolicyChecks

/// What ACLs use beside the configuration.
package struct ACLServices: Sendable {
    /// The hints of `ratelimit`, `seen` and callouts; nil where there are none.
    package var hints: ACLHints?
    /// Who watches; nil for nobody.
    package var observer: (any ACLObserver)?
    /// Whether callouts are made (`-bh` makes none, `-bhc` does).
    package var makesCallouts = true

    /// Sends a packet; gives why it cannot be sent.
    package var send: @Sendable (Datagram) async -> ByteString? = { _ in nil }

    /// Asks about senders (SPF); nil where nobody can.
    package var spf: SPFChecker?

    /// Checks DKIM signatures; nil where nobody can.
    package var dkim: DKIMVerifier?

    /// Asks the domains of authors (DMARC); nil where that is turned off.
    package var authorPolicy: (any AuthorPolicyService)?

    /// How the scanners of `malware` and `spam` are reached.
    package var scanners = ScannerReach.none

    /// Nothing.
    package init(hints: ACLHints? = nil) { self.hints = hints }
}

/// Runs ACLs.
///
/// A class, since each statement keeps it while it is evaluated.
package final class ACLEvaluator: Sendable {
    /// How many ACLs may run in each other: Exim nests 20 in the first.
    package static let maximumDepth = 21

    let lists: [ByteString: AccessControlList]
    let expander: Expander
    let verifier: any AddressVerifier
    let services: ACLServices
    /// Main options that conditions regard.
    let settings: ACLSettings
    let macros: [Macro]

    /// Makes an evaluator for the ACLs of a configuration.
    package init(
        _ configuration: Configuration, expander: Expander, verifier: any AddressVerifier,
        services: ACLServices = ACLServices()
    ) {
        lists = configuration.acls
        self.expander = expander
        self.verifier = verifier
        self.services = services
        macros = configuration.macros
        settings = ACLSettings(configuration.main)
    }

    /// Runs what an `acl_smtp_...` option names: the name of an ACL after expansion, or statements.
    ///
    /// An expansion that fails defers, and says why in the log; one that is forced to fail, or an empty result, accepts, as
    /// if nothing were set.
    package func run(_ option: Template, at moment: ACLMoment, _ state: inout ACLState) async -> ACLVerdict {
        let name: TaintedBytes
        do {
            name = try await expander.expand(option, state.facts)
        } catch {
            if case .forcedFailure = error { return ACLVerdict(.accept) }
            return .failing("failed to expand ACL string \"\(option.source)\": \(error.text)")
        }
        if name.bytes.trimmed().isEmpty { return ACLVerdict(.accept) }
        let trimmed = TaintedBytes(ByteString(name.bytes.trimmed()), name.taint)
        let verdict = await run(named: trimmed, at: moment, &state, depth: 0)
        return ReplyCode.corrected(allowed(verdict, at: moment, &state), at: moment) { line in
            log(.init(text: line, targets: [.main, .panic]), &state)
        }
    }

    /// A verdict that does not fit the moment is a mistake of the configuration.
    private func allowed(
        _ verdict: ACLVerdict, at moment: ACLMoment, _ state: inout ACLState
    ) -> ACLVerdict {
        if verdict.decision == .discard, !moment.allowsDiscard {
            log(
                .init(
                    text: "\"discard\" verb not allowed in \(moment.name) ACL", targets: [.main, .panic]),
                &state)
            return ACLVerdict(.defer, logMessage: verdict.logMessage)
        }
        guard moment.mayNotFail, ![.accept, .discard].contains(verdict.decision) else { return verdict }
        let verb = ByteString(verdict.decidedBy?.verb.rawValue ?? "deny")
        let why: ByteString =
            verdict.isError
            ? verdict.logMessage ?? ""
            : "QUIT or not-QUIT toplevel ACL may not fail ('\(verb)' verb used incorrectly)"
        log(
            .init(text: "ACL for \(moment.name) returned ERROR: \(why)", targets: [.main, .panic]), &state)
        return verdict
    }

    /// Runs an ACL by its name, or by a text of statements, as `${acl` and the options may give it.
    func run(
        named name: TaintedBytes, at moment: ACLMoment, _ state: inout ACLState, depth: Int
    ) async -> ACLVerdict {
        guard depth < Self.maximumDepth else { return .failing("ACL nested too deep: possible loop") }
        // A client must not choose which rules he is judged by.
        guard name.taint == .clean else {
            log(
                .init(text: "attempt to use tainted ACL text \"\(name.bytes)\"", targets: [.main, .panic]),
                &state)
            return .failing("internal configuration error")
        }
        if let list = lists[name.bytes] {
            return await run(list, ACLScene(name: name.bytes, moment: moment, depth: depth), &state)
        }
        do throws(ConfigurationError) {
            let list = try inlineList(name.bytes)
            let path = name.bytes.first == UInt8(ascii: "/") ? name.bytes : nil
            return await run(list, ACLScene(name: path, moment: moment, depth: depth), &state)
        } catch {
            return .failing(error.problem)
        }
    }

    /// Runs an ACL for an expansion, which gets its verdict and its `message` (manual, `${acl`).
    package func answer(_ call: ACLCall) async -> (result: ACLCallResult, logLines: [ACLState.LogLine]) {
        guard lists[call.name] != nil || (try? inlineList(call.name)) != nil else {
            return (ACLCallResult(.failed("ERROR"), call.facts), [])
        }
        var state = ACLState(facts: call.facts)
        if let localPart = call.facts.address.localPart, let domain = call.facts.address.domain {
            state.recipient = "\(localPart.bytes)@\(domain.bytes)"
        }
        let verdict = await run(named: TaintedBytes(call.name), at: .expansion, &state, depth: 0)
        let message = verdict.message.map { TaintedBytes($0, .tainted) }
        let answer: ACLAnswer =
            switch verdict.decision {
            case .accept: .accepted(message)
            case .deny: .denied(message)
            case .defer: verdict.isError ? .failed("ERROR") : .deferred
            case .drop: .failed("FAIL_DROP")
            case .discard: .failed("DISCARD")
            }
        return (ACLCallResult(answer, state.facts), state.logLines)
    }

    /// A text of statements in place of a name, such as `accept` or `deny message = no`, or the file that holds them.
    private func inlineList(_ text: ByteString) throws(ConfigurationError) -> AccessControlList {
        if text.first == UInt8(ascii: "/") {
            do { return try list(of: ".include \(text)") } catch {
                throw ConfigurationError("ACL file \"\(text)\": \(error.problem)", at: error.place)
            }
        }
        let verb = text.split(separator: .blank).first.map { ByteString($0) } ?? ""
        guard AccessControlList.Verb(rawValue: verb.string) != nil else {
            throw ConfigurationError("unknown ACL verb \"\(verb)\" in \"\(text)\"", at: nil)
        }
        return try list(of: text)
    }

    private func list(of statements: ByteString) throws(ConfigurationError) -> AccessControlList {
        let source = "begin acl\nx:\n\(statements)\n" as ByteString
        let read = try Configuration.read(text: source, file: "", macros: macros)
        return read.acls["x"] ?? AccessControlList(name: "x")
    }

    private func run(
        _ list: AccessControlList, _ scene: ACLScene, _ state: inout ACLState
    ) async -> ACLVerdict {
        if scene.name != nil { note(scene, "using \(scene.title)") }
        var targets = RejectTargets([.main, .reject])
        // What the last statement's conditions said is told with the end's refusal.
        var (said, logged): (ByteString?, ByteString?)
        for statement in list.statements {
            note(
                scene,
                "processing \"\(ByteString(statement.verb.rawValue))\" (\(scene.origin(statement.place)))")
            var run = StatementRun(evaluator: self, scene: scene, verb: statement.verb)
            run.targets = targets
            let result = await run.clauses(statement.clauses, &state)
            let verdict = await run.verdict(result, &state)
            if state.facts.message.verifyMessage != nil { state.facts.message.verifyMessage = nil }
            (targets, said, logged) = (run.targets, run.conditionMessage, run.conditionLogMessage)
            if var verdict {
                verdict.decidedBy = .init(acl: scene.name, verb: statement.verb, place: statement.place)
                return verdict
            }
        }
        note(scene, "end of \(scene.title): implicit DENY")
        var verdict = ACLVerdict(.deny, message: said, logMessage: logged ?? said)
        verdict.rejectTargets = targets
        return verdict
    }
}
