import Bytes
import MailText
import SMTP

/// The envelope of the message that is being received.
struct Envelope {
    /// One accepted recipient.
    struct Recipient {
        var address: ByteString
        var notify: RecipientCommand.Notify
        var originalRecipient: ByteString?
    }

    /// Nil before MAIL.
    var sender: ByteString?
    /// The MAIL command, for its parameters.
    var mail: MailCommand?
    var recipients: [Recipient] = []
    /// Addresses that `-t` takes away from the header's recipients; they go into the non-recipients tree.
    var removed: [ByteString] = []
    /// RCPT commands accepted, those included whose recipient an ACL discarded.
    var acceptedCount = 0
    /// Whether an ACL discarded the whole message (`discard` in the MAIL ACL).
    var isDiscarded = false
    /// Whether no transaction has begun.
    var isEmpty: Bool { sender == nil }
}
