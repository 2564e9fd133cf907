package import Bytes

/// How a client session goes; options of the smtp transport.
package struct ClientOptions: Sendable, Hashable {
    /// `helo_data`.
    package var helo: ByteString
    /// `protocol = lmtp`: LHLO, and a reply per recipient after the data.
    package var isLMTP = false
    /// Whether EHLO is tried; `hosts_avoid_esmtp`.
    package var usesESMTP = true
    /// Whether PIPELINING is used when offered; `hosts_avoid_pipelining`.
    package var usesPipelining = true
    /// Whether BDAT is used when offered; `hosts_try_chunking`.
    package var usesChunking = true
    /// Whether PRDR is used when offered; `hosts_try_prdr`.
    package var usesPRDR = true
    /// `size_addition`; negative sends no SIZE.
    package var sizeAddition = 1024
    /// `ignore_quota` (LMTP).
    package var ignoresQuota = false
    /// Whether STARTTLS is used when offered.
    package var usesTLS = true
    /// Whether a session in clear text is not allowed (`hosts_require_tls`, DANE).
    package var requiresTLS = false
    /// `tls_tempfail_tryclear`.
    package var clearAfterTemporaryTLSRefusal = true
    /// `max_rcpt`: the most recipients a transaction; 0 for no limit.
    package var maximumRecipients = 100
    /// `print_topbitchars`: how replies stand in texts.
    package var topBitPrints = false

    /// Exim's defaults.
    package init(helo: ByteString) { self.helo = helo }
}

/// Which time limit is meant.
package enum ClientTimeout: Sendable, Hashable {
    /// `command_timeout`.
    case command
    /// `data_timeout`.
    case data
    /// `final_timeout`.
    case final
    /// One second for QUIT's reply.
    case quit
}

/// What the driver shall do.
package enum ClientAction: Sendable, Hashable {
    /// Send these octets.
    case send(ByteString)
    /// Read from the server, at most this long, and give what came to `received`, or tell
    /// `timedOut`/`closed`.
    case expectReply(ClientTimeout)
    /// The reply to a line of an AUTH exchange.
    case authReply(Reply)
    /// Start TLS now; then tell `tlsStarted` or close.
    case startTLS
    /// The session is greeted and ready: call `begin(_:)`, `authenticate`-style exchange by `sendLine`, or
    /// `quit`.
    case ready(ServerExtensions)
    /// Send the message by DATA (dot-stuffed, ended by `CRLF.CRLF`), then call `bodySent`.
    case sendDataBody
    /// Send the message as BDAT chunks; each made by `bdat(size:isLast:)`, then call `bodySent`.
    case sendChunks
    /// The transaction is over: an outcome for each recipient, same order; `isOpen` when another may follow.
    case finished([RecipientOutcome], isOpen: Bool)
    /// The session cannot go on: the trouble holds for all that was not finished.
    case failed(ClientTrouble)
    /// Close the connection.
    case close
}

/// One client connection from greeting to QUIT, without sockets: each method returns what the driver shall
/// do next, in order.
///
/// Life: `connected` ... `.ready` -> any number of `begin` ... `.finished` -> `quit` ... `.close`. While a
/// body is sent the driver goes on giving what arrives to `received`; it is looked at after `bodySent`, or
/// when writing fails.
package struct ClientMachine: Sendable {
    // What a reply will be the answer to.
    enum Expectation: Sendable, Hashable {
        case greeting, ehlo, helo, startTLS, authentication
        case reset, mail, recipient(Int), data, chunk, final, recipientFinal(Int), overall, quit
    }

    // A command that waits to be sent.
    struct Command: Sendable, Hashable {
        var line: ByteString
        var expectation: Expectation
    }

    /// How the session goes.
    package let options: ClientOptions
    /// What the server offers; empty before EHLO and after HELO.
    package internal(set) var extensions = ServerExtensions()
    /// The greeting, for `smtp:connect`.
    package internal(set) var greeting: Reply?
    /// The answer to the last EHLO or LHLO, for `smtp:ehlo`.
    package internal(set) var ehloReply: Reply?
    /// Whether TLS is on.
    package internal(set) var isSecure = false
    /// How many transactions have been begun.
    package internal(set) var transactionCount = 0

    var reader: ReplyReader
    // Commands not sent yet, and those sent whose replies are due, oldest first, with their lines for error
    // texts.
    var waiting: [Command] = []
    var due: [Command] = []
    var exchange: Exchange?
    var isSendingBody = false
    // How many octets the body was, for the text of a timeout.
    var bodyOctets = 0
    var needsReset = false
    var isClosed = false
    // The server has said 421 and will hang up.
    var isEnding = false

    /// Makes a machine for a fresh connection.
    package init(options: ClientOptions) {
        self.options = options
        reader = ReplyReader(topBitPrints: options.topBitPrints)
    }

    /// The TCP connection stands; `isSecure` when TLS does too (smtps).
    package mutating func connected(isSecure: Bool = false) -> [ClientAction] {
        self.isSecure = isSecure
        due = [Command(line: "initial connection", expectation: .greeting)]
        return [.expectReply(.command)]
    }

    /// Octets came from the server.
    package mutating func received(_ octets: some Sequence<UInt8>) -> [ClientAction] {
        reader.feed(octets)
        return isSendingBody ? [] : takeReplies()
    }

    /// TLS stands after `startTLS`: EHLO is sent again.
    package mutating func tlsStarted() -> [ClientAction] {
        isSecure = true
        extensions = ServerExtensions()
        ehloReply = nil
        return sayHello()
    }

    /// Sends a line of an AUTH exchange (no line end); its reply comes as `.authReply`.
    ///
    /// `logged` stands for the line in error texts, so that no secret shows.
    package mutating func sendLine(_ line: ByteString, logged: ByteString) -> [ClientAction] {
        due.append(Command(line: logged, expectation: .authentication))
        return [.send(line + ByteString("\r\n")), .expectReply(.command)]
    }

    /// Ends the session.
    package mutating func quit() -> [ClientAction] {
        guard !isClosed else { return [.close] }
        due.append(Command(line: "QUIT", expectation: .quit))
        return [.send("QUIT\r\n"), .expectReply(.quit)]
    }

    /// The time limit of the last `expectReply` is over.
    package mutating func timedOut() -> [ClientAction] {
        let place = due.first
        return giveUp { machine in machine.timeoutTrouble(after: place) }
    }

    /// The server closed the connection.
    package mutating func closed() -> [ClientAction] {
        let place = due.first
        return giveUp { machine in machine.closeTrouble(after: place) }
    }

    /// Reading or writing failed: a system errno and the text, such as `smtp send to host [ip] failed:
    /// Broken pipe`.
    ///
    /// A refusal that had come before counts for more than the failure to write.
    package mutating func ioFailed(errno: Int, text: ByteString) -> [ClientAction] {
        // A malformed reply adds nothing to a failure that has a text already.
        if isSendingBody, let reply = try? reader.next(), !reply.isPositive {
            return giveUp { machine in machine.refusal(reply, of: .final, after: "sending data block") }
        }
        return giveUp { _ in ClientTrouble(scope: .host, isPermanent: false, errno: errno, text: text) }
    }

    /// Ends a session that is not wanted any more, before it is ready: what was to be said goes unsaid, but for QUIT.
    package mutating func stop(for trouble: ClientTrouble) -> [ClientAction] {
        due = []
        return fail(trouble)
    }

    // The connection is lost: what was under way is troubled, and no more can be said.
    mutating func giveUp(_ trouble: (borrowing ClientMachine) -> ClientTrouble) -> [ClientAction] {
        let isQuitting = due.first?.expectation == .quit
        let found = trouble(self)
        isClosed = true
        isSendingBody = false
        (due, waiting) = ([], [])
        if let exchange {
            self.exchange = nil
            // A refusal that came before the connection was lost says more.
            return [
                .finished(exchange.outcomes(unfinished: exchange.trouble ?? found), isOpen: false), .close,
            ]
        }
        return isQuitting ? [.close] : [.failed(found), .close]
    }
}

extension ClientMachine {
    // The most commands whose replies are due, so that neither side's buffers fill up.
    static let pipeliningWindow = 100

    mutating func enqueue(_ line: ByteString, _ expectation: Expectation) {
        waiting.append(Command(line: line, expectation: expectation))
    }

    var isPipelining: Bool { options.usesPipelining && extensions.pipelining }

    // Sends what may be sent now, and says what is awaited.
    mutating func pump() -> [ClientAction] {
        var octets = ByteString()
        let window = isPipelining ? Self.pipeliningWindow : 1
        while due.count < window, let command = waiting.first {
            waiting.removeFirst()
            octets += command.line + ByteString("\r\n")
            due.append(command)
        }
        let sending: [ClientAction] = octets.isEmpty ? [] : [.send(octets)]
        return sending + (due.isEmpty ? [] : [.expectReply(timeout)])
    }

    var timeout: ClientTimeout {
        switch due.first?.expectation {
        case .final, .recipientFinal, .overall, .chunk: .final
        case .quit: .quit
        default: .command
        }
    }

    mutating func takeReplies() -> [ClientAction] {
        var actions: [ClientAction] = []
        while !isClosed, !isSendingBody, let command = due.first {
            do {
                guard let reply = try reader.next() else { break }
                due.removeFirst()
                actions += take(reply, for: command)
            } catch {
                let malformation = error
                return actions + giveUp { machine in machine.malformedTrouble(malformation, after: command) }
            }
        }
        return withOneExpectation(actions)
    }

    // A list asks for a reply once, at its end.
    private func withOneExpectation(_ actions: [ClientAction]) -> [ClientAction] {
        var result = actions.filter { action in
            if case .expectReply = action { false } else { true }
        }
        if !isClosed, !isSendingBody, !due.isEmpty { result.append(.expectReply(timeout)) }
        return result
    }

    private mutating func take(_ reply: Reply, for command: Command) -> [ClientAction] {
        switch command.expectation {
        case .greeting: takeGreeting(reply)
        case .ehlo: takeEHLO(reply)
        case .helo: takeHELO(reply)
        case .startTLS: takeStartTLS(reply)
        case .authentication: [.authReply(reply)]
        case .quit: close()
        default: takeInTransaction(reply, for: command)
        }
    }

    mutating func close() -> [ClientAction] {
        isClosed = true
        return [.close]
    }

    // The session failed before it was ready; QUIT is said, as Exim does.
    mutating func fail(_ trouble: ClientTrouble) -> [ClientAction] {
        waiting = []
        return [.failed(trouble)] + quit()
    }
}
