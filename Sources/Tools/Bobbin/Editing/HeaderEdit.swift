import Bytes
import EximLog
import MailText
import Spooler

/// Changes of envelope and state: pure functions on a header file.
struct HeaderEdit: Sendable {
    let rules: AddressRules
    /// Who does it, for the log.
    let user: ByteString

    /// What came of a change.
    enum Outcome: Sendable, Hashable {
        /// The header is changed; the words after `Message <id> `, and what to log once it is written.
        case changed(words: ByteString, events: [MessageEvent])
        /// It was so already.
        case unchanged(words: ByteString)
        /// Nothing may be written; the words after `Message <id> ` with their newlines.
        case refused(words: ByteString)
    }

    private static let modified: ByteString = "has been modified"

    /// Applies a change; the header is to be thrown away when it is refused.
    func apply(_ action: MessageAction, to header: inout HeaderFile, now: Int64 = Clock.now()) -> Outcome {
        switch action {
        case .freeze:
            guard header.freeze(at: now) else { return .unchanged(words: "is already frozen") }
            return .changed(words: "is now frozen", events: [.frozenBy(user)])
        case .thaw:
            guard header.thaw() else { return .unchanged(words: "is not frozen") }
            return .changed(words: "is no longer frozen", events: [.unfrozenBy(user)])
        case .addRecipients(let texts): return addRecipients(texts, to: &header)
        case .markDelivered(let texts): return markDelivered(texts, in: &header)
        case .markAllDelivered:
            let events = header.recipients.map { MessageEvent.markedDelivered($0.address, by: user) }
            header.markAllDelivered()
            return .changed(words: Self.modified, events: events)
        case .changeSender(let texts): return changeSender(texts, of: &header)
        case .remove, .move: return .unchanged(words: "is not changed")
        }
    }

    private func addRecipients(_ texts: [ByteString], to header: inout HeaderFile) -> Outcome {
        let doing: ByteString = "adding recipient"
        return each(texts, doing) { text in
            switch address(text, allowsNull: false) {
            case .failure(let problem): return .failure("bad address \(text): \(problem.message)")
            case .success(let address):
                guard address.isQualified else { return .failure("bad address \(text): domain missing") }
                header.addRecipient(address.text)
                return .success(.recipientAdded(address.text, by: user))
            }
        }
    }

    private func markDelivered(_ texts: [ByteString], in header: inout HeaderFile) -> Outcome {
        each(texts, "marking as delivered") { text in
            switch address(text, allowsNull: false) {
            case .failure(let problem): return .failure("bad address \(text): \(problem.message)")
            case .success(let address):
                guard header.markDelivered(address.text) else {
                    return .failure("\(text) is not a recipient: message not updated")
                }
                return .success(.markedDelivered(address.text, by: user))
            }
        }
    }

    private func changeSender(_ texts: [ByteString], of header: inout HeaderFile) -> Outcome {
        guard texts.count < 2 else { return .refused(words: "- only one sender address can be specified\n") }
        return each(texts, "editing sender") { text in
            switch address(text, allowsNull: true) {
            case .failure(let problem): return .failure("bad address \(text): \(problem.message)")
            case .success(let address):
                guard address.isQualified || address.isNull else {
                    return .failure("bad address \(text): domain missing")
                }
                header.sender = address.text
                return .success(.senderChanged(to: address.text, by: user))
            }
        }
    }

    /// Does something with each address; one failure refuses all.
    private func each(
        _ texts: [ByteString], _ doing: ByteString, _ work: (ByteString) -> Result<MessageEvent, Problem>
    ) -> Outcome {
        guard !texts.isEmpty else {
            return .refused(words: "- error while \(doing): no address given\n")
        }
        var events: [MessageEvent] = []
        var problems = ByteString()
        for text in texts {
            switch work(text) {
            case .success(let event): events.append(event)
            case .failure(let problem):
                problems += "- error while \(doing):\n  \(problem.words)\n" as ByteString
            }
        }
        return problems.isEmpty ? .changed(words: Self.modified, events: events) : .refused(words: problems)
    }

    private func address(_ text: ByteString, allowsNull: Bool) -> Result<EmailAddress, AddressError> {
        guard !text.trimmed().isEmpty else { return .failure(AddressError("empty address", in: text)) }
        var rules = rules
        rules.allowsNull = allowsNull
        do throws(AddressError) {
            return .success(try AddressParser.parseOne(text, rules: rules).address)
        } catch {
            return .failure(error)
        }
    }
}

/// Why an address is not taken, in Exim's words.
struct Problem: Error, ExpressibleByStringInterpolation {
    let words: ByteString
    init(stringLiteral text: String) { words = ByteString(text) }
    init(stringInterpolation: ByteString.StringInterpolation) {
        words = ByteString(stringInterpolation: stringInterpolation)
    }
}
