import Bytes
import Spooler

/// A header file for people: one field a line.
struct HeaderFileText: Sendable {
    private let message: StoredMessage
    private let now: Int64

    init(_ message: StoredMessage, now: Int64) {
        self.message = message
        self.now = now
    }

    /// All fields.
    var text: ByteString {
        let header = message.header
        var text: ByteString = "message       \(header.id.bytes)\n"
        text += "submitted by  \(header.login) (uid \(header.uid), gid \(header.gid))\n" as ByteString
        text += "sender        <\(header.sender)>\n" as ByteString
        text += "received      \(header.receivedTime) (\(now - header.receivedTime) s ago)\n" as ByteString
        text += "warnings      \(header.warningCount)\n" as ByteString
        let size = message.bodySize.map { "\($0) octets" as ByteString } ?? "missing"
        text += "body          \(size)\n" as ByteString
        for variable in header.variables {
            let mark = variable.value.taint.isTainted ? " (tainted)" : ""
            text += "variable      \(variable.name) \(variable.value.bytes)\(mark)\n" as ByteString
        }
        for recipient in header.recipients {
            let state = header.isDelivered(recipient) ? "done      " : "recipient "
            text += "\(state)    \(recipient.address)\n" as ByteString
        }
        for name in header.nonRecipients.names { text += "non-recipient \(name)\n" as ByteString }
        for line in header.headers where !line.isDeleted {
            text += "header \(ByteString([line.type]))      \(line.text)" as ByteString
        }
        return text
    }
}
