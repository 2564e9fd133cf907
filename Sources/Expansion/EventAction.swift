package import Bytes

/// Something that `event_action` hears of (manual, chapter 61).
package struct MailEvent: Sendable, Hashable {
    /// What has happened, or is about to.
    package enum Name: String, Sendable, Hashable {
        /// A message has left the queue.
        case messageComplete = "msg:complete"
        /// A transport's call is over, and somebody waits for the next.
        case messageDefer = "msg:defer"
        /// A recipient was served.
        case messageDelivery = "msg:delivery"
        /// A recipient has failed by a transport.
        case failedDelivery = "msg:fail:delivery"
        /// A recipient has failed without a transport.
        case failedInternally = "msg:fail:internal"
        /// A host cannot be used.
        case hostDefer = "msg:host:defer"
        /// A host puts a recipient off, and there is no other host.
        case recipientDefer = "msg:rcpt:defer"
        /// A host puts a recipient off.
        case recipientHostDefer = "msg:rcpt:host:defer"
        /// A server has greeted; what the action gives closes the connection.
        case smtpConnect = "smtp:connect"
        /// A server has answered EHLO or LHLO.
        case smtpHello = "smtp:ehlo"
        /// A connection is closed.
        case tcpClose = "tcp:close"
        /// A connection is to be made; what the action gives prevents it.
        case tcpConnect = "tcp:connect"
        /// The peer's chain holds a certificate; what the action gives refuses it.
        case tlsCertificate = "tls:cert"
        /// A host is not as DANE wants it.
        case daneFailure = "dane:fail"
        /// TLS with a client has not come about.
        case tlsFailure = "tls:fail:connect"
    }

    /// `$event_name`.
    package var name: Name
    /// `$event_data`, which may come from anybody.
    package var data: ByteString
    /// `$event_defer_errno`; nil where nothing was deferred.
    package var deferErrno: Int32?

    /// Makes an event.
    package init(_ name: Name, data: ByteString = "", deferErrno: Int32? = nil) {
        self.name = name
        self.data = data
        self.deferErrno = deferErrno
    }
}

/// The option `event_action` of the main section, or of a transport.
package struct EventAction: Sendable {
    private let template: Template
    /// `main`, or the transport's name.
    private let owner: ByteString
    private let expander: Expander
    private let tellFailure: @Sendable (ByteString) -> Void

    /// Makes the action of an option's owner: `main`, or a transport's name.
    ///
    /// `tellFailure` is given the line for the main and panic logs when the option cannot be expanded.
    package init(
        _ template: Template, of owner: ByteString, _ expander: Expander,
        tellFailure: @escaping @Sendable (ByteString) -> Void
    ) {
        self.template = template
        self.owner = owner
        self.expander = expander
        self.tellFailure = tellFailure
    }

    /// Expands the option for an event; gives what it comes to, and keeps variables that an ACL has set.
    ///
    /// Never fails: what cannot be expanded is told to the log and counts as empty.
    @discardableResult
    package func raise(_ event: MailEvent, updating facts: inout Facts) async -> ByteString {
        var seen = facts
        seen.extra["event_name"] = TaintedBytes(ByteString(event.name.rawValue))
        seen.extra["event_data"] = TaintedBytes(event.data, .tainted)
        seen.extra["event_defer_errno"] = TaintedBytes("\(event.deferErrno ?? 0)")
        do throws(ExpansionError) {
            let answer = try await expander.expand(template, updating: &seen)
            facts.keepACLVariables(of: seen)
            return answer.bytes
        } catch {
            tellFailure("failed to expand event_action \(event.name.rawValue) in \(owner): \(error.text)")
            return ""
        }
    }
}

extension Facts {
    /// Takes over what ACLs have set in a copy of these facts.
    package mutating func keepACLVariables(of other: Facts) {
        connection.aclVariables = other.connection.aclVariables
        message.aclVariables = other.message.aclVariables
    }
}
