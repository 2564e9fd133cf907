import Bytes
import EximLog
import MailText
import Routing
import Spooler
import Transports

extension MessageDelivery {
    /// Tells those whom `syntax_errors_to` names of mistakes in lists and filters that were skipped.
    mutating func tellOfMistakes() async {
        defer { mistakes = [] }
        guard !outgoing.isDryRun else { return }
        for found in mistakes {
            let frame = await frame(to: found.to)
            var head: ByteString =
                "Auto-Submitted: auto-replied\nFrom: \(frame.from)\nTo: \(found.to)\nSubject: error(s) in forwarding or filtering\n"
            let references = References(of: outgoing.headers).all
            if !references.isEmpty {
                head += "References: \(references.joined(separator: " "))\n" as ByteString
            }
            let message = ComposedNotification(head: head + [UInt8.newline] + Self.text(found), tail: "")
            switch await submit(message, withBody: false) {
            case .accepted(let notice): if let notice { submitted.append(notice) }
            case .refused(let reason, _):
                runner.log.main("notice of mistakes not submitted: \(reason)", id: id.bytes)
            }
        }
    }

    private static func text(_ found: RedirectionMistakes) -> ByteString {
        var text = ByteString()
        if let first = found.text { text += first + ByteString("\n\n") }
        text += "The \(found.router) router encountered the following error(s):\n\n" as ByteString
        for mistake in found.mistakes {
            text += "  \(mistake.problem)" as ByteString
            if let item = mistake.item { text += " in the address\n  \"\(item)\"" as ByteString }
            text += "\n\n" as ByteString
        }
        return text
            + ByteString(
                found.hasGoodAddresses
                    ? "Other addresses were processed normally.\n" : "No valid addresses were generated.\n")
    }
}
