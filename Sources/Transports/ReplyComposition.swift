package import Bytes
import Expansion
import Filter
import MailText
package import Routing

/// A new message that a transport hands in.
package struct TransportSubmission: Sendable {
    /// Header, blank line, and what stands before the returned body.
    package var head: ByteString
    /// The body that is returned.
    package var body: MessageBody?
    /// How many octets of it.
    package var bodyLimit = 0
    /// In whose name it goes.
    package var user: DeliveryUser

    init(head: ByteString, user: DeliveryUser) {
        self.head = head
        self.user = user
    }
}

/// What became of it.
package enum TransportSubmissionOutcome: Sendable {
    /// It is in the spool, under this id.
    case accepted(ByteString?)
    /// It names nobody.
    case noRecipients
    /// It was not taken; the program's exit status.
    case failed(Int)
}

/// Composes the message that the autoreply transport sends (manual, chapter 27).
struct ReplyComposition {
    let reply: ReplyMessage
    let scene: DeliveryScene
    let user: DeliveryUser

    /// The message, with the text of its file.
    func composed(_ fileText: ByteString) async throws(TransportTrouble) -> TransportSubmission {
        var head = header
        if let text = reply.text { head += Self.ended(text) }
        head += reply.expandsFile ? await expanded(fileText) : fileText
        var submission = TransportSubmission(head: head, user: user)
        if reply.returnsMessage { try await addMessage(to: &submission) }
        return submission
    }

    private static func ended(_ text: ByteString) -> ByteString {
        text.last == .newline ? text : text + [UInt8.newline]
    }

    private var header: ByteString {
        var header = ByteString()
        func add(_ name: ByteString, _ value: ByteString?) {
            if let value { header += "\(name): \(value)\n" as ByteString }
        }
        add("From", reply.from ?? userFrom)
        add("Reply-To", reply.replyTo)
        add("To", reply.to)
        add("Cc", reply.cc)
        add("Bcc", reply.bcc)
        add("Subject", reply.subject)
        let references = References(of: scene.message.headers)
        add("In-Reply-To", references.messageID)
        if !references.all.isEmpty { add("References", references.all.joined(separator: " ")) }
        add("Auto-Submitted", "auto-replied")
        if let further = reply.headers { header += Self.ended(further) }
        return header + [UInt8.newline]
    }

    /// The user's own address, where he is not the mail user, whom reception knows.
    private var userFrom: ByteString? {
        guard user.uid != scene.environment.mailUser.uid,
            let account = SystemUsers().user(uid: Int64(user.uid))
        else { return nil }
        return "\(account.name)@\(scene.environment.expander.environment.settings.qualifyDomain)"
    }

    /// The text with each line expanded; one that cannot be goes out as it is, as in Exim.
    private func expanded(_ text: ByteString) async -> ByteString {
        var lines: [ByteString] = []
        for line in text.split(separator: .newline, omittingEmptySubsequences: false) {
            let source = ByteString(line)
            let value = try? await scene.environment.expander.expand(Template(source), scene.facts).bytes
            lines.append(value ?? source)
        }
        return lines.joined(separator: "\n")
    }

    private func addMessage(to submission: inout TransportSubmission) async throws(TransportTrouble) {
        let generic = scene.transport.generic
        let what: ByteString =
            generic.bodyOnly
            ? "of the body of the message, without the headers."
            : generic.headersOnly
                ? "of the message's header lines." : "of the message, including all the headers."
        submission.head += "\n------ This is a copy \(what)\n\n" as ByteString
        if !generic.bodyOnly { submission.head += try await scene.header() + [UInt8.newline] }
        guard !generic.headersOnly else { return }
        submission.body = scene.message.body
        let limit = scene.environment.expander.environment.settings.bounceReturnSizeLimit
        submission.bodyLimit = limit > 0 ? min(limit, scene.message.body.size) : scene.message.body.size
    }
}
