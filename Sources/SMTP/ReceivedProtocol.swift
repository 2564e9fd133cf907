package import Bytes

/// How a message came in; its name is `$received_protocol` (RFC 3848; manual, section 11.9).
package struct ReceivedProtocol: Sendable, Hashable {
    /// The way in.
    package enum Way: Sendable, Hashable {
        /// From a peer.
        case remote
        /// A message on standard input: `local`.
        case local
        /// SMTP on standard input from a local caller: `local-smtp` and the like.
        case localSMTP
        /// Batched SMTP: `local-bsmtp`.
        case batched
    }

    /// The way in.
    package var way: Way
    /// Whether EHLO was used.
    package var isExtended = false
    /// Whether TLS was on.
    package var isSecure = false
    /// Whether the peer had authenticated.
    package var isAuthenticated = false
    /// Whether MAIL said SMTPUTF8.
    package var isSMTPUTF8 = false

    /// Makes a value.
    package init(_ way: Way) { self.way = way }

    /// The name, such as `esmtpsa`, `local-esmtp` or `utf8esmtp`.
    package var name: ByteString {
        let utf8: ByteString = isSMTPUTF8 ? "utf8" : ""
        return switch way {
        case .local: utf8 + ByteString("local")
        case .batched: utf8 + ByteString("local-bsmtp")
        case .remote: utf8 + session
        case .localSMTP: "\(utf8)local-\(session)"
        }
    }

    private var session: ByteString {
        "\(isExtended ? "e" : "")smtp\(isSecure ? "s" : "")\(isAuthenticated ? "a" : "")"
    }
}
