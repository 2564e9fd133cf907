package import Bytes

// Exim's numbers in `defer (n)`.
enum ClientErrno {
    static let connectionClosed = -18
    static let malformedReply = -19
    static let tlsRequired = -38
    static let recipient4xx = -44
    static let mail4xx = -45
    static let data4xx = -46
    static let utf8Address = -49
    static let timedOut = 110
}

/// What is said of a session that is wanted under TLS and does not come about.
package enum TLSTexts {
    /// Something came in clear text behind the go-ahead.
    package static let unsynchronised: ByteString = "synch error before starting TLS"

    /// The text for a server that did not offer it, or did not do it.
    package static func missing(isOffered: Bool) -> ByteString {
        "a TLS session is required, but \(isOffered ? "an attempt to start TLS failed" : "the server did not offer TLS support")"
    }
}

// What went wrong, in Exim's words and classes (delivery.md 4.3 and 4.4).
extension ClientMachine {
    func timeoutTrouble(after command: Command?) -> ClientTrouble {
        let text: ByteString =
            isSendingBody
            ? "SMTP timeout while sending data"
            : "SMTP timeout after \(spelledForTimeout(command))\(written(command))"
        return ClientTrouble(
            scope: isSendingBody ? .host : timeoutScope(command?.expectation), isPermanent: false,
            errno: ClientErrno.timedOut, text: text)
    }

    private func written(_ command: Command?) -> ByteString {
        switch command?.expectation {
        case .final, .recipientFinal, .overall: bodyOctets > 0 ? " (\(bodyOctets) bytes written)" : ""
        default: ""
        }
    }

    // Timeouts after MAIL, RCPT and the final dot are not held against the host.
    private func timeoutScope(_ expectation: Expectation?) -> ClientTrouble.Scope {
        switch expectation {
        case .mail, .final, .recipientFinal, .overall: .message
        case .recipient: .recipient
        default: .host
        }
    }

    func closeTrouble(after command: Command?) -> ClientTrouble {
        var text: ByteString = "Remote host closed connection in response to \(spelled(command))"
        if command?.expectation == .helo, let ehloReply {
            text += " (EHLO response was: \(ehloReply.loggedText))" as ByteString
        }
        return ClientTrouble(
            scope: closeScope(command?.expectation), isPermanent: false, errno: ClientErrno.connectionClosed,
            text: text)
    }

    private func closeScope(_ expectation: Expectation?) -> ClientTrouble.Scope {
        switch expectation {
        case .final, .recipientFinal, .overall: .message
        default: .host
        }
    }

    func malformedTrouble(
        _ malformation: ReplyReader.Malformation, after command: Command
    ) -> ClientTrouble {
        let place = spelled(command)
        let text: ByteString =
            switch malformation {
            case .badLine(let line): "Malformed SMTP reply in response to \(place): \(line)"
            case .emptyLine: "Malformed SMTP reply (an empty line) in response to \(place)"
            case .tooLong: "Malformed SMTP reply in response to \(place): too long"
            }
        return ClientTrouble(scope: .host, isPermanent: false, errno: ClientErrno.malformedReply, text: text)
    }

    // A 4xx or 5xx (or anything unexpected) to a command of a transaction.
    func refusal(_ reply: Reply, of expectation: Expectation, after place: ByteString) -> ClientTrouble {
        let isPermanent = reply.isPermanent
        let errno =
            switch expectation {
            case .recipient: ClientErrno.recipient4xx
            case .mail: ClientErrno.mail4xx
            default: ClientErrno.data4xx
            }
        var scope = ClientTrouble.Scope.message
        if case .recipient = expectation { scope = .recipient }
        return ClientTrouble(
            scope: scope, isPermanent: isPermanent, errno: reply.isTemporary ? errno : 0,
            text: "SMTP error from remote mail server after \(place): \(reply.loggedText)", code: reply.code)
    }

    // The command as texts name it.
    func spelled(_ command: Command?) -> ByteString {
        guard let command else { return "QUIT" }
        switch command.expectation {
        case .mail, .data, .recipient: return isPipelining ? "pipelined \(command.line)" : command.line
        case .final where exchange?.usesChunks == true && isPipelining: return "pipelined \(command.line)"
        default: return command.line
        }
    }

    // A timeout is told of one recipient, whose parameters are not shown.
    private func spelledForTimeout(_ command: Command?) -> ByteString {
        guard case .recipient(let index)? = command?.expectation, let exchange else {
            return spelled(command)
        }
        return exchange.recipientText(index)
    }
}
