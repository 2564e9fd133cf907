package import Bytes
package import Expansion
package import MailText
package import SMTP

/// A message as transports see it: its envelope, header lines and body; nothing of it changes here.
package struct OutgoingMessage: Sendable {
    /// The message id.
    package var id: ByteString
    /// The envelope sender, empty for `<>`.
    package var sender: ByteString
    /// The header lines that are not removed, in order.
    package var headers: [Header]
    /// The body.
    package var body: MessageBody
    /// The lines of the body.
    package var bodyLineCount: Int
    /// All that expansions see.
    package var facts: Facts
    /// When it was received, in seconds since 1970.
    package var receivedTime: Int64
    /// Whether it needs SMTPUTF8.
    package var isSMTPUTF8 = false
    /// What an ACL has said of addresses beyond ASCII (`control = utf8_downconvert`).
    package var downconversion = Downconversion.never
    /// RET: nil not given, true for headers only.
    package var returnsHeadersOnly: Bool?
    /// ENVID as received.
    package var envelopeID: ByteString?
    /// The longest line, for `message_linelength_limit`; 0 when not known.
    package var longestLine = 0
    /// Whether nothing is to be delivered for real (`-N`).
    package var isDryRun = false

    /// Makes a value; the optional parts are set afterwards.
    package init(
        id: ByteString, sender: ByteString, headers: [Header], body: MessageBody, bodyLineCount: Int,
        facts: Facts, receivedTime: Int64
    ) {
        self.id = id
        self.sender = sender
        self.headers = headers
        self.body = body
        self.bodyLineCount = bodyLineCount
        self.facts = facts
        self.receivedTime = receivedTime
    }

    /// The whole size with LF line ends: header lines, the blank line, the body.
    package var size: Int { headers.reduce(1) { $0 + $1.text.count } + body.size }

    /// The lines of header and body, without the blank one between them.
    package var lineCount: Int {
        headers.reduce(bodyLineCount) { sum, header in sum + header.text.count { $0 == .newline } }
    }
}
