package import Bytes

/// The order of commands in a session, as Exim keeps it; no policy.
///
/// Ask `check` before policy decides, and tell what was decided by `accept` methods. A refused command leaves the phase as it was.
package struct EnvelopePhase: Sendable, Hashable {
    /// Where the session stands.
    package enum Phase: Sendable, Hashable {
        /// No HELO or EHLO yet.
        case fresh
        /// Greeted, no transaction.
        case greeted
        /// MAIL accepted.
        case sender
        /// MAIL and that many RCPT accepted.
        case recipients(Int)
    }

    /// The command kinds whose order matters.
    package enum Event: Sendable, Hashable, CaseIterable {
        case hello, mail, recipient, data, bdat, startTLS, auth, etrn, verify, expand, reset, quit, noop, help
    }

    /// What to do with a command.
    package enum Step: Sendable, Hashable {
        /// Policy decides.
        case decide
        /// Out of order: this reply, and the log text after `SMTP protocol error in "..." H=...`.
        case refuse(Reply, logged: ByteString)
    }

    /// Where the session stands.
    package private(set) var phase: Phase = .fresh
    /// Whether the peer has authenticated.
    package private(set) var isAuthenticated = false
    /// Whether TLS is on.
    package private(set) var isSecure = false
    /// Whether `helo_verify`-like rules want a HELO before MAIL (Exim: hosts that are not local callers).
    package var requiresHello: Bool

    /// Starts before the first command.
    package init(requiresHello: Bool = true) { self.requiresHello = requiresHello }
}

extension EnvelopePhase {
    /// Whether a command may stand here; nothing changes.
    package func check(_ event: Event, offered: Advertised) -> Step { .decide }
    /// HELO or EHLO was accepted: a transaction in progress is over.
    package mutating func acceptHello() { phase = .greeted }
}
