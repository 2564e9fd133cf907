package import Bytes

/// A line of reception that tells of a peer: what stands before its own text.
package struct SessionIdentity: Sendable, Hashable {
    /// The peer, or the local caller.
    package var peer: PeerName
    /// The local socket address.
    package var interface: LoggedInterface?
    /// Whether the peer's name is secured by DNSSEC.
    package var hasSecureName = false
    /// TLS of the session.
    package var tls: LoggedTLS?
    /// Authentication.
    package var authentication: LoggedAuthentication?

    /// Makes an identity.
    package init(_ peer: PeerName) { self.peer = peer }

    // `H=... I=... U=...`, for a local caller `U=login`.
    func host(by selector: LogSelector, prefixed: Bool = true) -> ByteString {
        peer.logged(by: selector, interface: interface, prefixed: prefixed)
    }

    // ` X=... CV=...` for lines of rejection.
    func security(by selector: LogSelector) -> ByteString {
        tls?.items(by: selector, withSNI: true) ?? ""
    }

    // `F=<sender> A=name:id `.
    func senderInfo(_ sender: ByteString) -> ByteString {
        var text: ByteString = "F=<\(sender)>"
        if let authentication {
            text += " A=\(authentication.authenticator)" as ByteString
            if let id = authentication.id { text += ":\(id)" as ByteString }
        }
        return text + ByteString(" ")
    }
}

/// A command or a message was refused by policy; the line for main and reject log.
package struct Rejection: Sendable, Hashable {
    /// What was refused.
    package enum Subject: Sendable, Hashable {
        /// `connection in "connect" ACL`.
        case connection
        /// `EHLO or HELO <name>`.
        case hello(ByteString)
        /// `MAIL <argument>`, the argument as it came.
        case mail(argument: ByteString)
        /// `RCPT <argument>`, the argument as it came; shows the sender.
        case recipient(argument: ByteString)
        /// `DATA`: the ACL before the data.
        case data
        /// `after DATA`: shows the sender.
        case afterData
        /// `VRFY ...`, `AUTH ...`, `STARTTLS` and the like, as it shall stand.
        case command(ByteString)
        /// The message, by the host that it was passed on to for this address; shows the sender.
        case passedOn(address: ByteString, isTemporary: Bool)
        /// Anything that shows the sender, as it shall stand (`during MIME ACL checks`, `by local_scan()`).
        case message(ByteString)
    }

    /// Who was refused.
    package var identity: SessionIdentity
    /// The envelope sender.
    package var sender: ByteString
    /// What was refused.
    package var subject: Subject
    /// Whether the refusal is temporary.
    package var isTemporary: Bool
    /// Why; nil for no words.
    package var reason: ByteString?

    /// Makes a rejection.
    package init(
        _ subject: Subject, of identity: SessionIdentity, sender: ByteString, isTemporary: Bool,
        reason: ByteString?
    ) {
        self.identity = identity
        self.sender = sender
        self.subject = subject
        self.isTemporary = isTemporary
        self.reason = reason
    }

    /// The line's text after the id.
    package func text(by selector: LogSelector) -> ByteString {
        var text = ByteString()
        if selector.has(.dnssec), identity.hasSecureName { text += "DS " as ByteString }
        text += identity.host(by: selector) + identity.security(by: selector)
        if !text.isEmpty { text.append(.blank) }
        if case .passedOn(let address, _) = subject { text += "\(address) " as ByteString }
        if subject.showsSender { text += identity.senderInfo(sender) }
        text +=
            "\(isTemporary ? "temporarily " : "")\(subject.verb) \(subject.text(by: selector))" as ByteString
        if let reason { text += ": \(reason.escapingUnprintable(topBitPrints: true))" as ByteString }
        return text
    }

    /// The line of a recipient that an ACL (`MAIL` or `RCPT`) discards: `RCPT <a>: discarded by RCPT ACL: reason`.
    package static func discarded(
        argument: ByteString, acl: ByteString = "RCPT", of identity: SessionIdentity, sender: ByteString,
        reason: ByteString?,
        by selector: LogSelector
    ) -> ByteString {
        let tail: ByteString = reason.map { ": \($0)" } ?? ""
        let who = identity.host(by: selector)
        return "\(who) \(identity.senderInfo(sender))RCPT \(argument): discarded by \(acl) ACL\(tail)"
    }
}

extension Rejection.Subject {
    fileprivate var showsSender: Bool {
        switch self {
        case .recipient, .afterData, .passedOn, .message: true
        case .connection, .hello, .mail, .data, .command: false
        }
    }

    fileprivate var verb: ByteString {
        if case .passedOn(_, true) = self { "tmp-reject from cutthrough" } else { "rejected" }
    }

    fileprivate func text(by selector: LogSelector) -> ByteString {
        switch self {
        case .connection: "connection in \"connect\" ACL"
        case .hello(let name): "EHLO or HELO \(name.shown(by: selector))"
        case .mail(let argument): "MAIL \(argument.escapingUnprintable(topBitPrints: true))"
        case .recipient(let argument): "RCPT \(argument.escapingUnprintable(topBitPrints: true))"
        case .data: "DATA"
        case .afterData, .passedOn: "after DATA"
        case .command(let text): text.shown(by: selector)
        case .message(let text): text
        }
    }
}
