import Bytes
import MailText
import SMTP

/// The envelope of the message that is being received.
struct Envelope {
    /// One accepted recipient.
    struct Recipient {
        var address: ByteString
        /// As it was given, before rewriting and before it had a domain; nil when that is the same.
        var given: ByteString? = nil
        var notify: RecipientCommand.Notify
        var originalRecipient: ByteString? = nil
    }

    /// Nil before MAIL.
    var sender: ByteString?
    /// The MAIL command, for its parameters.
    var mail: MailCommand?
    var recipients: [Recipient] = []
    /// Addresses that `-t` takes away from the header's recipients (`extract_addresses_remove_arguments`); they go into
    /// the non-recipients tree.
    var removed: [ByteString] = []
    /// RCPT commands accepted, those included whose recipient an ACL discarded.
    var acceptedCount = 0
    /// Which ACL discarded recipients, `MAIL` or `RCPT`; nil for none.
    var discardedBy: ByteString?
    /// Whether there were more recipients than `recipients_max`.
    var hasTooMany = false
    /// Why the MAIL ACL discarded the message, for the log.
    var discardReason: ByteString?
    /// Whether an ACL discarded the whole message (`discard` in the MAIL ACL).
    var isDiscarded: Bool { discardedBy == "MAIL" }
    /// Whether the client may leave domains out (`sender_unqualified_hosts`, `recipient_unqualified_hosts`).
    var allowsUnqualifiedSender = false
    var allowsUnqualifiedRecipient = false
    /// Whether a local caller who is not trusted has set the sender (`untrusted_set_sender`, or `<>`).
    var isSenderSetByUntrusted = false
    /// Whether a line before the header named the sender (`uucp_from_sender`).
    var isSenderFromLine = false
    /// Whether an address has letters beyond ASCII: local callers need not say SMTPUTF8.
    var isInternational: Bool {
        ([sender ?? ""] + recipients.map(\.address)).contains { $0.contains { $0 > 127 } }
    }
    /// Whether no transaction has begun.
    var isEmpty: Bool { sender == nil }
}
