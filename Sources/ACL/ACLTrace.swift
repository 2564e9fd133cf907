package import Bytes
import Configuration
package import Expansion

/// Who is told, as it happens, what ACLs look at and what comes of it: `-bh` and `bobbin check-host`.
package protocol ACLObserver: Sendable {
    /// A step: a statement, a condition and its outcome, or a verdict, in Exim's words.
    func note(_ step: ByteString)
    /// A line that would have gone to the log.
    func log(_ line: ACLState.LogLine, _ facts: Facts)
}

/// An ACL that is running: what it is called, and where it runs.
struct ACLScene: Sendable {
    /// The name; nil for statements that stand in place of one.
    var name: ByteString?
    var moment: ACLMoment
    /// How many ACLs it is nested in.
    var depth: Int

    /// Where a statement stands, in words.
    func origin(_ place: SourcePlace) -> ByteString {
        name == nil ? "inline" : "\(place.file) \(place.line)"
    }

    var title: ByteString { name.map { "ACL \"\($0)\"" } ?? "inline ACL" }
}

extension ACLEvaluator {
    /// Tells the observer a step, when there is one.
    func note(_ scene: ACLScene, _ step: @autoclosure () -> ByteString) {
        guard let observer = services.observer else { return }
        observer.note(ByteString(repeatElement(.blank, count: scene.depth)) + step())
    }

    /// Keeps a line for the log, or gives it to the observer at once.
    func log(_ line: ACLState.LogLine, _ state: inout ACLState) {
        if let observer = services.observer {
            observer.log(line, state.facts)
        } else {
            state.logLines.append(line)
        }
    }
}

extension StatementRun {
    func note(_ step: @autoclosure () -> ByteString) { evaluator.note(scene, step()) }

    /// Tells of a modifier or condition that is looked at, and what its argument has become.
    func noteCheck(_ clause: AccessControlList.Clause, _ argument: ByteString?) {
        guard evaluator.services.observer != nil else { return }
        let name = clause.variable.map { "set acl_\($0)" as ByteString } ?? clause.name
        let head: ByteString = "check \(clause.isNegated ? "!" : "")\(name)"
        note("\(head) = \(clause.value.source)")
        guard let argument, argument != clause.value.source else { return }
        note("\(ByteString(repeatElement(.blank, count: head.count))) = \(argument)")
    }

    /// Tells what the conditions came to.
    func noteOutcome(_ result: ClauseResult) {
        let outcome: ByteString =
            switch result {
            case .holds: "succeeded"
            case .fails: "failed"
            case .drops: "yielded \"drop\""
            case .discards: "yielded \"discard\""
            case .deferred: "deferred"
            case .broken: "error"
            }
        note("\(ByteString(verb.rawValue)): condition test \(outcome) in \(scene.title)")
    }

    /// Tells that the ACL is over.
    func noteEnd(_ word: ByteString) { note("end of \(scene.title): \(word)") }
}
