package import Bytes

/// What the reject log adds to a line when the message's header is known; selector `rejected_header`.
package struct RejectedHeader: Sendable, Hashable {
    /// The most octets of a reject log entry; Exim's buffer.
    package static let maximumSize = 8192
    private static let shownRecipients = 5

    /// The envelope sender.
    package var sender: ByteString
    /// The accepted recipients.
    package var recipients: [ByteString]
    /// Letter and text of each header line.
    package var headers: [(letter: UInt8, text: ByteString)] {
        get { zip(letters, texts).map { ($0, $1) } }
        set {
            letters = newValue.map(\.letter)
            texts = newValue.map(\.text)
        }
    }
    private var letters: [UInt8] = []
    private var texts: [ByteString] = []

    /// Makes a value.
    package init(sender: ByteString, recipients: [ByteString], headers: [(letter: UInt8, text: ByteString)]) {
        self.sender = sender
        self.recipients = recipients
        letters = headers.map(\.letter)
        texts = headers.map(\.text)
    }

    /// The lines that follow the line of the rejection, each with its newline.
    package var lines: ByteString {
        var text = envelope
        for (letter, header) in zip(letters, texts) {
            guard text.count + header.count + 2 <= Self.maximumSize else {
                return text + ByteString("*** truncated ***\n")
            }
            text.append(letter)
            text.append(.blank)
            text += header
        }
        return text
    }

    private var envelope: ByteString {
        guard let first = recipients.first else { return "" }
        var text: ByteString = "Envelope-from: <\(sender)>\nEnvelope-to: <\(first)>\n"
        for recipient in recipients.dropFirst().prefix(Self.shownRecipients - 1) {
            text += "    <\(recipient)>\n" as ByteString
        }
        if recipients.count > Self.shownRecipients { text += "    ...\n" as ByteString }
        return text
    }
}
