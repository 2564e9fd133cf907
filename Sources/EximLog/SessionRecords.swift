package import Bytes

/// What else befalls an SMTP session, one line each.
package enum SessionEvent: Sendable, Hashable {
    /// `SMTP connection from <peer>`, with the count of connections for a daemon; selector `smtp_connection`.
    case opened(count: Int?)
    /// `SMTP connection from <peer> closed by QUIT`; selector `smtp_connection`.
    case closedByQuit
    /// `SMTP connection from <peer> closed by DROP in ACL`; selector `smtp_connection`.
    case droppedByACL
    /// `SMTP connection from <peer> lost`, with what was going on; selector `lost_incoming_connection`.
    case lost(while: ByteString, duration: LogInterval?)
    /// `SMTP connection from <peer> lost D=<t>`, outside a transaction; selector `smtp_connection`.
    case closedByClient(duration: LogInterval)
    /// `ETRN <argument> received from <peer>`; selector `etrn`.
    case etrn(argument: ByteString)
    /// `SMTP protocol synchronization error (...): rejected "<line>" <peer> next input="<octets>"`; main and
    /// reject log.
    case outOfStep(line: ByteString, next: ByteString, isOffered: Bool)
    /// `unqualified sender rejected: <address> <peer>`, or another role; reject log.
    case unqualified(role: ByteString, address: ByteString)
    /// `unexpected disconnection while reading SMTP command from <peer> (error: text) D=<t>`; the same selector.
    case unexpectedDisconnection(error: ByteString?, duration: LogInterval)
    /// `SMTP command timeout on connection from <peer>`; selector `lost_incoming_connection`.
    case commandTimeout
    /// `SMTP data timeout (message abandoned) on connection from <peer> F=<sender>`; the same selector.
    case dataTimeout(sender: ByteString)
    /// `SMTP syntax error in "<line>" <peer> <text>`; selector `smtp_syntax_error`.
    case syntaxError(line: ByteString, text: ByteString)
    /// `SMTP protocol error in "<line>" <peer> <text>`; selector `smtp_protocol_error`.
    case protocolError(line: ByteString, text: ByteString)
    /// `rejected EHLO from <peer>: syntactically invalid argument(s): <argument>`; main and reject log.
    case badHello(command: ByteString, argument: ByteString)
    /// `rejected MAIL from <peer>: no HELO/EHLO given`; main and reject log.
    case noHello
    /// `SMTP call from <peer> dropped: too many syntax or protocol errors (last command was "...",  C=...)`.
    case tooManyErrors(last: ByteString, commands: [ByteString])
    /// `SMTP call from <peer> dropped: too many nonmail commands (last was "NOOP")`.
    case tooManyNonMail(last: ByteString)
    /// `SMTP call from <peer> dropped: too many unrecognized commands (last was "FOO")`.
    case tooManyUnknown(last: ByteString)
    /// `no MAIL in SMTP connection from <peer> D=<t> C=<commands>`; selector `smtp_no_mail`.
    case noMail(duration: LogInterval, commands: [ByteString])
    /// `<peer> incomplete transaction (QUIT) from <sender> for <recipients>`; selector
    /// `smtp_incomplete_transaction`.
    case incompleteTransaction(cause: ByteString, sender: ByteString, recipients: [ByteString])
    /// `<peer> sender verify fail for <a>: text`; selector `sender_verify_fail`; main and reject log.
    case senderVerifyFailed(address: ByteString, isTemporary: Bool, text: ByteString)
    /// `rejected from <sender> <peer>: message too big: read=n max=m`; selector `size_reject`; main and
    /// reject log.
    case tooBig(sender: ByteString, read: Int, maximum: Int)
    /// `rejected MAIL FROM:<sender> <peer>: message too big: size=n max=m`; the same selector.
    case announcedTooBig(sender: ByteString, size: Int, maximum: Int)
    /// `ridiculously long message header received from <peer> (more than n characters): message abandoned`, or
    /// `overlong message header line ...`.
    case headerTooLong(isLine: Bool, maximum: Int)
    /// `Connection from <peer> refused: text`; selector `connection_reject`.
    case refused(text: ByteString)
    /// `temporarily refused connection from <peer>: text`; the same selector.
    case refusedForNow(text: ByteString)
    /// `refused connection from <peer> (host_reject_connection)`; the same selector; main and reject log.
    case rejectedByHost
    /// `SMTP connection from <peer> closed after SIGTERM`; main log.
    case closedAfterSignal
    /// `SMTP protocol synchronization error (input sent without waiting for greeting): rejected connection from <peer>
    /// input="<octets>"`; main and reject log.
    case tooEarly(input: ByteString)
    /// `rejected MAIL command <peer>: too many messages in one connection`; main and reject log.
    case tooManyMessages
    /// `rejected "EHLO name" from <peer>`: the name is not the client's; main and reject log.
    case unverifiedHello(line: ByteString)

    /// `TLS error on connection from <peer> <text>`; main log.
    case tlsFailed(text: ByteString)
    /// `SMTP connection from <peer> closed by EOF`: there was to be TLS; selector `smtp_connection`.
    case closedByEOF

    /// `<authenticator> authenticator failed for <peer>: <text>`; main and reject log.
    case authenticationFailed(authenticator: ByteString, text: ByteString)

    /// Whether it is of those that selector `smtp_connection` switches.
    package var concernsConnection: Bool { neededItem == .smtpConnection }

    /// The line's text; nil when the selector suppresses it.
    package func text(by selector: LogSelector, of identity: SessionIdentity) -> ByteString? {
        if let item = neededItem, !selector.has(item) { return nil }
        return line(SessionLine(identity: identity, selector: selector))
    }

    private var neededItem: LogItem? {
        switch self {
        case .opened, .closedByQuit, .droppedByACL, .closedByClient, .closedByEOF: .smtpConnection
        case .etrn: .etrn
        case .lost, .unexpectedDisconnection, .commandTimeout, .dataTimeout: .lostIncomingConnection
        case .syntaxError: .smtpSyntaxError
        case .protocolError: .smtpProtocolError
        case .noMail: .smtpNoMail
        case .incompleteTransaction: .smtpIncompleteTransaction
        case .senderVerifyFailed: .senderVerifyFail
        case .tooBig, .announcedTooBig: .sizeReject
        case .refused, .refusedForNow, .rejectedByHost: .connectionReject
        case .headerTooLong, .outOfStep, .tooEarly, .tooManyMessages, .unverifiedHello, .closedAfterSignal,
            .unqualified, .badHello, .noHello, .tooManyErrors, .tooManyNonMail,
            .tooManyUnknown, .authenticationFailed, .tlsFailed:
            nil
        }
    }

    private func line(_ line: SessionLine) -> ByteString {
        switch self {
        case .opened(let count):
            let tail: ByteString = count.map { " (TCP/IP connection count = \($0))" } ?? ""
            return "\(line.connection)\(tail)"
        case .closedByQuit: return "\(line.connection) closed by QUIT"
        case .droppedByACL: return "\(line.connection) closed by DROP in ACL"
        case .closedByEOF: return "\(line.connection) closed by EOF"
        case .lost(let activity, let duration):
            let doing: ByteString = activity.isEmpty ? "" : " while \(activity)"
            let time: ByteString = duration.map { " D=\(line.time($0))" } ?? ""
            return "\(line.connection) lost\(doing)\(time)"
        case .closedByClient(let duration): return "\(line.connection) lost D=\(line.time(duration))"
        case .unexpectedDisconnection(let error, let duration):
            let why: ByteString = error.map { " (error: \($0))" } ?? ""
            let time = line.time(duration)
            return "unexpected disconnection while reading SMTP command from \(line.call)\(why) D=\(time)"
        case .commandTimeout: return "SMTP command timeout on connection from \(line.call)"
        case .dataTimeout(let sender):
            return "SMTP data timeout (message abandoned) on connection from \(line.call) F=<\(sender)>"
        case .noMail(let duration, let commands):
            return "no MAIL in SMTP connection from \(line.call)\(line.noMail(duration, commands))"
        default: return complaint(line)
        }
    }

    private func complaint(_ line: SessionLine) -> ByteString {
        switch self {
        case .syntaxError(let text, let why):
            "SMTP syntax error in \"\(text.shown(by: line.selector))\" \(line.host) \(why)"
        case .protocolError(let text, let why):
            "SMTP protocol error in \"\(text.shown(by: line.selector))\" \(line.host) \(why)"
        case .badHello(let command, let argument):
            "rejected \(command) from \(line.call): syntactically invalid argument(s): \(argument.isEmpty ? "(no argument given)" : argument.shown(by: line.selector))"
        case .noHello: "rejected MAIL from \(line.call): no HELO/EHLO given"
        case .tooManyErrors(let last, let commands):
            "SMTP call from \(line.call) dropped: too many syntax or protocol errors (last command was \"\(last.shown(by: line.selector))\", \(SessionLine.list(commands)))"
        case .tooManyNonMail(let last):
            "SMTP call from \(line.call) dropped: too many nonmail commands (last was \"\(last.shown(by: line.selector))\")"
        case .tooManyUnknown(let last):
            "SMTP call from \(line.call) dropped: too many unrecognized commands (last was \"\(last.shown(by: line.selector))\")"
        case .headerTooLong(let isLine, let maximum):
            "\(isLine ? "overlong message header line" : "ridiculously long message header") received from \(line.call) (more than \(maximum) characters): message abandoned"
        case .etrn(let argument): "ETRN \(argument.shown(by: line.selector)) received from \(line.call)"
        case .outOfStep(let text, let next, let isOffered):
            "SMTP protocol synchronization error (next input sent too soon: pipelining was\(isOffered ? "" : " not") advertised): rejected \"\(text.shown(by: line.selector))\" \(line.host) next input=\"\(next.shown(by: line.selector))\""
        case .unqualified(let role, let address):
            "unqualified \(role) rejected: <\(address.escapingUnprintable(topBitPrints: true))> \(line.host)"
        case .refused(let why): "Connection from \(line.call) refused: \(why)"
        case .refusedForNow(let why): "temporarily refused connection from \(line.call): \(why)"
        case .rejectedByHost: "refused connection from \(line.call) (host_reject_connection)"
        case .closedAfterSignal: "\(line.connection) closed after SIGTERM"
        case .tooEarly(let input):
            "SMTP protocol synchronization error (input sent without waiting for greeting): rejected connection from \(line.host) input=\"\(input.shown(by: line.selector))\""
        case .tooManyMessages: "rejected MAIL command \(line.host): too many messages in one connection"
        case .authenticationFailed(let authenticator, let text):
            "\(authenticator) authenticator failed for \(line.call): \(text.shown(by: line.selector))"
        case .tlsFailed(let text):
            "TLS error on connection from \(line.call) \(text.shown(by: line.selector))"
        case .unverifiedHello(let text): "rejected \"\(text.shown(by: line.selector))\" from \(line.call)"
        default: verdict(line)
        }
    }

    private func verdict(_ line: SessionLine) -> ByteString {
        switch self {
        case .incompleteTransaction(let cause, let sender, let recipients):
            "\(line.host) incomplete transaction (\(cause)) from <\(sender)>\(recipients.isEmpty ? "" : " for ")\(recipients.joined(separator: " "))"
        case .senderVerifyFailed(let address, let isTemporary, let why):
            "\(line.host) sender verify \(isTemporary ? "defer" : "fail") for <\(address)>: \(why.shown(by: line.selector))"
        case .tooBig(let sender, let read, let maximum):
            "rejected from <\(sender)> \(line.host): message too big: read=\(read) max=\(maximum)"
        case .announcedTooBig(let sender, let size, let maximum):
            "rejected MAIL FROM:<\(sender)> \(line.host): message too big: size=\(size) max=\(maximum)"
        default: ""
        }
    }
}

// The parts that session lines are made of.
private struct SessionLine {
    let identity: SessionIdentity
    let selector: LogSelector

    // `H=(helo) [ip] U=ident`.
    var host: ByteString { identity.host(by: selector) }

    // `(helo) [ip] U=ident`.
    var call: ByteString {
        identity.peer.address == nil
            ? identity.peer.ident ?? "" : identity.host(by: selector, prefixed: false)
    }

    // `SMTP connection from <fullhost>`, or the login of a local caller.
    var connection: ByteString {
        var peer = identity.peer
        let login = peer.ident
        if peer.address != nil { peer.ident = nil }
        let who =
            peer.address == nil
            ? login ?? "" : peer.logged(by: selector, interface: identity.interface, prefixed: false)
        return "SMTP connection from \(who)"
    }

    func time(_ interval: LogInterval) -> ByteString {
        interval.text(showingMilliseconds: selector.has(.millisec))
    }

    func noMail(_ duration: LogInterval, _ commands: [ByteString]) -> ByteString {
        var text: ByteString = " D=\(time(duration))"
        if let authentication = identity.authentication { text += authentication.item(by: selector) }
        text += identity.security(by: selector)
        return commands.isEmpty ? text : text + Self.list(commands)
    }

    static let maximumCommands = 20

    // ` C=EHLO,QUIT`; the last twenty, `...` before them.
    static func list(_ commands: [ByteString]) -> ByteString {
        let shown = ByteString(commands.suffix(maximumCommands).joined(separator: ","))
        return " C=\(commands.count > maximumCommands ? "...," : "")\(shown)"
    }
}
