package import Bytes

/// What all three kinds of delivery status notification share (delivery.md, chapter 8).
package struct NotificationFrame: Sendable, Hashable {
    /// `dsn_from`, such as `Mail Delivery System <Mailer-Daemon@example.org>`.
    package var from: ByteString
    /// The recipient: the sender of the message, or the errors address.
    package var to: ByteString
    /// `errors_reply_to`; nil when unset.
    package var replyTo: ByteString?
    /// `smtp_active_hostname`, the reporting MTA.
    package var hostname: ByteString
    /// The MIME boundary: `<unix time>-eximdsn-<random number>`.
    package var boundary: ByteString
    /// The sender of the original message, for Return-path: and for texts.
    package var sender: ByteString
    /// ENVID as received, still xtext; nil when not given.
    package var envelopeID: ByteString?
    /// The header lines of the original message, as they will be shown; removed ones (`.old`) are left out.
    package var headers: [Header]
    /// Whether the original message was an SMTPUTF8 one.
    package var isSMTPUTF8 = false

    /// Makes a value; the optional parts are set afterwards.
    package init(from: ByteString, to: ByteString, hostname: ByteString, boundary: ByteString) {
        self.from = from
        self.to = to
        self.hostname = hostname
        self.boundary = boundary
        sender = to
        headers = []
    }
}

/// An address in a notification.
package struct NotifiedAddress: Sendable, Hashable {
    /// The address text as logged: the address, or the pipe, file or reply.
    package var address: ByteString
    /// The original recipient.
    package var top: ByteString
    /// The direct parent of a child; equals `top` for one level.
    package var parent: ByteString?
    /// Whether the address is not to be shown (a child of an alias that hides its children).
    package var isHidden = false
    /// Whether this is a pipe, file or reply child.
    package var isPipeFileOrReply = false
    /// The host that was used; name and address.
    package var host: (name: ByteString, address: ByteString)? {
        get { hostName.map { ($0, hostAddress) } }
        set {
            hostName = newValue?.name
            hostAddress = newValue?.address ?? ByteString()
        }
    }
    var hostName: ByteString?
    var hostAddress = ByteString()
    /// The error text that may be shown to the sender, `\n` as two octets for line breaks; nil when withheld.
    package var text: ByteString?
    /// ORCPT as received; nil when not given.
    package var originalRecipient: ByteString?

    /// An address that is its own original.
    package init(_ address: ByteString, text: ByteString? = nil) {
        self.address = address
        top = address
        self.text = text
    }
}

/// What is returned of the original message.
package enum ReturnedContent: Sendable, Hashable {
    /// Header and body; the body is streamed after `head` by the caller, or given here (LF line ends).
    case full(body: ByteString)
    /// The header only.
    case headers
    /// The header only, with the line `X-Exim-DSN-Information: Due to administrative limits only headers are returned`.
    case headersByLimit
}

/// A composed notification: what is to be submitted as a new message with the null sender.
package struct ComposedNotification: Sendable, Hashable {
    /// The header block, its blank line, the parts, up to where the original body would stand; LF line ends.
    package var head: ByteString
    /// What follows the original body: the last boundary.
    package var tail: ByteString
    /// The whole message when the body is given.
    package func message(body: ByteString = ByteString()) -> ByteString { head + body + tail }
}
