package import Bytes
package import EximLog
package import Expansion

/// What ACLs of one message see and leave behind.
package struct ACLState: Sendable {
    /// The facts; `set` changes their ACL variables, list matches their data variables.
    package var facts: Facts
    /// The recipient that `recipients`, `domains` and `local_parts` look at; nil outside RCPT.
    package var recipient: ByteString?
    /// Header lines to add, each with its place, in order.
    package var addedHeaders: [AddedHeader] = []
    /// Names of header lines to remove; a list with colons inside is split when used.
    package var removedHeaders: [ByteString] = []
    /// What `control` asked for, in order.
    package var controls: [Control] = []
    /// Lines for the main log (`logwrite`, and `log_message` of warn), each with its targets.
    package var logLines: [LogLine] = []
    /// Seconds to wait before the answer (`delay`).
    package var delay: Int64 = 0
    /// The names of ACL variables, `c...` and `m...`, in the order in which they were first set.
    package var variableOrder: [ByteString] = []
    /// What verifying senders came to in this message, by address, so that it is done and told once only.
    package var senderVerifications: [ByteString: AddressVerification] = [:]
    /// Where the text that a client gets of a failed sender verification has its details; told once.
    package var senderDetails: ByteString?
    /// The line about a failed sender verification that has not been logged yet.
    package var senderFailure: LogLine?
    /// What `warn` statements have logged of this message: nothing is told twice.
    package var warnings: [ByteString] = []
    /// The rates that this connection, message and command have been counted in.
    package var rates = RateMemory()
    /// The recipient's local part with its letters as they came.
    package var casedLocalPart: TaintedBytes?
    /// A named queue for the message (`queue`).
    package var queue: ByteString?

    /// Verifies recipients, and keeps the connection of their callouts for the rest of the transaction; nil where nothing
    /// is kept.
    package var keepingVerifier: (any AddressVerifier)?

    /// What content scanning has made and found.
    package var scanning = ScanMemory()

    /// Makes a state.
    package init(facts: Facts, recipient: ByteString? = nil) {
        self.facts = facts
        self.recipient = recipient
    }

    /// Puts variables at the end of the order that an ACL has set which an expansion ran.
    mutating func noteVariables() {
        let count = facts.connection.aclVariables.count + facts.message.aclVariables.count
        guard count > variableOrder.count else { return }
        let names = Array(facts.connection.aclVariables.keys) + Array(facts.message.aclVariables.keys)
        variableOrder += names.filter { !variableOrder.contains($0) }.sorted()
    }

    /// A header line that `add_header` makes.
    package struct AddedHeader: Sendable, Hashable {
        /// Where it goes (manual, "Adding header lines in ACLs").
        package enum Place: Sendable, Hashable {
            /// `:at_start:`
            case start
            /// `:after_received:`
            case afterReceived
            /// `:at_start_rfc:`
            case afterResentOrReceived
            /// The default, and `:at_end:`.
            case end
        }
        /// The line with its newline.
        package var text: ByteString
        /// Where it goes.
        package var place: Place
    }

    /// One `control` modifier: its name and what follows the first slash.
    package struct Control: Sendable, Hashable {
        /// The name, such as `freeze`.
        package var name: ByteString
        /// Options with slashes between them; empty when there are none.
        package var options: ByteString
    }

    /// One line that `logwrite` or a `warn` makes.
    package struct LogLine: Sendable, Hashable {
        /// The text without timestamp.
        package var text: ByteString
        /// Where it goes.
        package var targets: RejectTargets
        /// Whether the peer is named before the text, as in lines of `warn`.
        package var namesPeer = false
        /// What the log selector must have for it; nil for a line that is always written.
        package var item: LogItem?

        /// Makes a line.
        package init(
            text: ByteString, targets: RejectTargets, namesPeer: Bool = false, item: LogItem? = nil
        ) {
            self.text = text
            self.targets = targets
            self.namesPeer = namesPeer
            self.item = item
        }
    }

    /// Whether a control of that name was given.
    package func has(_ control: ByteString) -> Bool { controls.contains { $0.name == control } }
}
