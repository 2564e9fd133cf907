package import Bytes
package import Configuration

/// What an ACL decided.
package struct ACLVerdict: Sendable, Hashable {
    /// The decision.
    package enum Decision: Sendable, Hashable {
        /// Go on.
        case accept
        /// Go on, and drop the recipient or the message without a word.
        case discard
        /// Refuse for good.
        case deny
        /// Refuse for now.
        case `defer`
        /// Refuse for good and end the connection.
        case drop
    }

    /// The statement that decided.
    package struct Statement: Sendable, Hashable {
        /// Its ACL; nil for statements that stand in place of a name.
        package var acl: ByteString?
        /// Its verb.
        package var verb: AccessControlList.Verb
        /// Where it begins.
        package var place: SourcePlace
    }

    /// The decision.
    package var decision: Decision
    /// What the client may hear, from `message`; nil for the standard text.
    package var message: ByteString?
    /// What the log says, from `log_message` or else `message`; nil for nothing.
    package var logMessage: ByteString?
    /// Lines that the client hears before `message`: why the sender could not be verified.
    package var details: ByteString?
    /// Which log files a refusal goes to (`log_reject_target`).
    package var rejectTargets: RejectTargets = [.main, .reject]
    /// What decided; nil for the end of an ACL, and where none ran.
    package var decidedBy: Statement?
    /// Whether it is a mistake of the configuration that defers.
    package var isError = false

    /// Makes a verdict.
    package init(_ decision: Decision, message: ByteString? = nil, logMessage: ByteString? = nil) {
        self.decision = decision
        self.message = message
        self.logMessage = logMessage
    }

    /// A mistake of the configuration: refused for now, and why is for the log.
    static func failing(_ why: ByteString) -> ACLVerdict {
        var verdict = ACLVerdict(.defer, logMessage: why)
        verdict.isError = true
        return verdict
    }
}

/// The logs that a refusal is written to.
package struct RejectTargets: OptionSet, Sendable, Hashable {
    /// The bits.
    package let rawValue: Int
    /// Makes a set of its bits.
    package init(rawValue: Int) { self.rawValue = rawValue }
    /// The main log.
    package static let main = RejectTargets(rawValue: 1)
    /// The reject log.
    package static let reject = RejectTargets(rawValue: 2)
    /// The panic log.
    package static let panic = RejectTargets(rawValue: 4)
}
