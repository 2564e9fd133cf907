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
    /// RCPT commands accepted, those included whose recipient an ACL discarded.
    var acceptedCount = 0
    /// RCPT commands refused for good, and for now.
    var failedCount = 0
    var deferredCount = 0
    /// Whether an ACL discarded the whole message (`discard` in the MAIL ACL).
    var isDiscarded = false
    /// The reply that all refused RCPT commands had, while it was the same.
    var commonRefusal: Reply?
    var refusalsDiffer = false

    /// Whether no transaction has begun.
    var isEmpty: Bool { sender == nil }

    /// Remembers why a RCPT was refused, for the answer to DATA.
    mutating func noteRefusal(_ reply: Reply) {
        if reply.isTemporary { deferredCount += 1 } else { failedCount += 1 }
        if commonRefusal == nil {
            commonRefusal = reply
        } else if commonRefusal != reply {
            refusalsDiffer = true
        }
    }
}
