package import Bytes
import MailText

/// What is sent in one MAIL transaction.
package struct Transaction: Sendable, Hashable {
    /// A recipient.
    package struct Recipient: Sendable, Hashable {
        /// The address for RCPT TO.
        package var address: ByteString
        /// What is sent in its place.
        var sent: ByteString?
        /// NOTIFY.
        package var notify: RecipientCommand.Notify
        /// ORCPT as received.
        package var originalRecipient: ByteString?

        /// Makes a recipient.
        package init(
            _ address: ByteString, notify: RecipientCommand.Notify = [], originalRecipient: ByteString? = nil
        ) {
            self.address = address
            self.notify = notify
            self.originalRecipient = originalRecipient
        }
    }

    /// The return path; empty for `<>`.
    package var sender: ByteString
    /// The recipients.
    package var recipients: [Recipient]
    /// The message's octets with LF line ends, header and blank line included.
    package var size: Int
    /// The number of its lines.
    package var lineCount: Int
    /// Whether the message needs SMTPUTF8.
    package var needsSMTPUTF8 = false
    /// Whether that need may be, or must be, taken from it.
    package var downconversion = Downconversion.never
    /// RET.
    package var returns: MailCommand.ReturnType?
    /// ENVID as received.
    package var envelopeID: ByteString?
    /// The AUTH value for MAIL, decoded; nil sends none, empty sends `<>`.
    package var authenticatedSender: ByteString?
    /// Whether every recipient is flagged `dsn_lasthop`: no RET and ENVID then.
    package var isLastHop = false

    /// Makes a transaction.
    package init(sender: ByteString, recipients: [Recipient], size: Int, lineCount: Int) {
        self.sender = sender
        self.recipients = recipients
        self.size = size
        self.lineCount = lineCount
    }
}
