package import Bytes

/// What became of one recipient in a transaction.
package enum RecipientOutcome: Sendable, Hashable {
    /// Accepted for good: the final reply for `C=`.
    case delivered(confirmation: ByteString)
    /// Failed or deferred.
    case troubled(ClientTrouble)
    /// Not tried, or to be sent again in a new transaction on this connection (the server takes no more
    /// recipients).
    case pending
}

/// What went wrong, in Exim's classes (delivery.md 4.4).
package struct ClientTrouble: Sendable, Hashable, Error {
    /// Which retry record it makes, and whether other hosts are tried.
    package enum Scope: Sendable, Hashable {
        /// The host is at fault: retry key `T:host:ip`, next host for all.
        case host
        /// This message to this host: retry key `T:host:ip:<id>`.
        case message
        /// One recipient: retry key `R:local@domain:<sender>`.
        case recipient
    }

    /// The class.
    package var scope: Scope
    /// Whether it is for good.
    package var isPermanent: Bool
    /// The number in `defer (n)`: -44, -45, -46, -18, -19, 110, ...
    package var errno: Int
    /// Exim's text, line breaks as the two octets `\n`.
    package var text: ByteString
    /// The reply code; nil when there was no reply.
    package var code: Int?
    /// Whether the text comes from the peer and may be shown to the sender.
    package var mayBeShown: Bool

    /// Makes a value.
    package init(
        scope: Scope, isPermanent: Bool, errno: Int, text: ByteString, code: Int? = nil
    ) {
        self.scope = scope
        self.isPermanent = isPermanent
        self.errno = errno
        self.text = text
        self.code = code
        mayBeShown = code != nil
    }
}
