import Bytes

// From the greeting to a session that is ready (RFC 5321, section 4.1.1.1; RFC 3207).
extension ClientMachine {
    mutating func takeGreeting(_ reply: Reply) -> [ClientAction] {
        greeting = reply
        guard reply.isPositive else { return fail(hostRefusal(reply, after: "initial connection")) }
        return sayHello()
    }

    mutating func sayHello() -> [ClientAction] {
        guard options.usesESMTP || options.isLMTP else { return sayHELO() }
        enqueue("\(options.isLMTP ? "LHLO" : "EHLO") \(options.helo)", .ehlo)
        return pump()
    }

    private mutating func sayHELO() -> [ClientAction] {
        enqueue("HELO \(options.helo)", .helo)
        return pump()
    }

    mutating func takeEHLO(_ reply: Reply) -> [ClientAction] {
        ehloReply = reply
        guard reply.isPositive else {
            return options.isLMTP ? fail(hostRefusal(reply, after: "LHLO \(options.helo)")) : sayHELO()
        }
        extensions = ServerExtensions(ehlo: reply)
        return afterHello()
    }

    mutating func takeHELO(_ reply: Reply) -> [ClientAction] {
        guard reply.isPositive else { return fail(hostRefusal(reply, after: "HELO \(options.helo)")) }
        return afterHello()
    }

    private mutating func afterHello() -> [ClientAction] {
        if isSecure { return [.ready(extensions)] }
        if options.usesTLS, extensions.startTLS {
            enqueue("STARTTLS", .startTLS)
            return pump()
        }
        guard !options.requiresTLS else {
            return fail(tlsTrouble(TLSTexts.missing(isOffered: extensions.startTLS)))
        }
        return [.ready(extensions)]
    }

    mutating func takeStartTLS(_ reply: Reply) -> [ClientAction] {
        if reply.isPositive {
            // Clear text after the go-ahead would be taken as if it had come under TLS.
            guard !reader.hasPending else {
                return giveUp { machine in machine.tlsTrouble(TLSTexts.unsynchronised) }
            }
            return [.startTLS]
        }
        if reply.isTemporary, !options.clearAfterTemporaryTLSRefusal {
            return fail(hostRefusal(reply, after: "STARTTLS"))
        }
        if options.requiresTLS {
            return fail(tlsTrouble(TLSTexts.missing(isOffered: true)))
        }
        return [.ready(extensions)]
    }

    private func tlsTrouble(_ text: ByteString) -> ClientTrouble {
        ClientTrouble(scope: .host, isPermanent: false, errno: ClientErrno.tlsRequired, text: text)
    }

    private func hostRefusal(_ reply: Reply, after command: ByteString) -> ClientTrouble {
        ClientTrouble(
            scope: .host, isPermanent: reply.isPermanent, errno: 0,
            text: "SMTP error from remote mail server after \(command): \(reply.loggedText)", code: reply.code
        )
    }
}
