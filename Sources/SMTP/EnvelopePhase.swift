package import Bytes

/// The order of commands in a session, as Exim keeps it; no policy.
///
/// Ask `check` before policy decides, and tell by the other methods what was decided. A refused command
/// leaves the phase as it was.
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
        /// A BDAT chunk that is not the last was taken.
        case chunks(Int)
    }

    /// The command kinds whose order matters.
    package enum Event: Sendable, Hashable, CaseIterable {
        case hello, mail, recipient, data, bdat, startTLS, auth, etrn, verify, expand, reset, quit, noop, help
    }

    /// What to do with a command.
    package enum Step: Sendable, Hashable {
        /// Policy decides.
        case decide
        /// Out of order: this reply, and the log text after `SMTP protocol error in "..." H=...`; an empty text
        /// means that the command is no error to be counted.
        case refuse(Reply, logged: ByteString)
    }

    /// Where the session stands.
    package private(set) var phase: Phase = .fresh
    /// Whether the peer has authenticated.
    package private(set) var isAuthenticated = false
    /// Whether TLS is on.
    package private(set) var isSecure = false
    /// Whether MAIL wants a HELO or EHLO before it.
    package var requiresHello: Bool
    /// Whether the command before this one was MAIL and was refused, but for RCPTs between.
    private var followsRefusedMail = false
    /// Whether the command before this one was RCPT, in a transaction or behind a MAIL that was refused.
    private var followsRecipient = false
    private var refusedRecipients: [ByteString] = []

    /// Starts before the first command.
    package init(requiresHello: Bool = true) { self.requiresHello = requiresHello }

    /// Whether a transaction is under way.
    package var isInTransaction: Bool {
        switch phase {
        case .fresh, .greeted: false
        case .sender, .recipients, .chunks: true
        }
    }
}

extension EnvelopePhase {
    /// Whether a command may stand here; nothing changes.
    package func check(_ event: Event, offered: Advertised) -> Step {
        if case .chunks = phase, let refusal = refusalBetweenChunks(event) { return refusal }
        return switch event {
        case .hello, .verify, .expand, .reset, .quit, .noop, .help: .decide
        case .mail: checkMail()
        case .recipient:
            isInTransaction ? .decide : refuseRecipient(offered)
        case .data: checkData("DATA", offered)
        case .bdat:
            offered.contains(.chunking)
                ? checkData("BDAT", offered) : Self.refusal("BDAT command used when CHUNKING not advertised")
        case .startTLS:
            offered.contains(.startTLS) && !isSecure
                ? .decide : Self.refusal("STARTTLS command used when not advertised")
        case .auth: checkAuth(offered)
        case .etrn:
            isInTransaction ? Self.refusal("ETRN is not permitted inside a transaction") : .decide
        }
    }

    // A client that pipelined MAIL and RCPT could not know that MAIL would be refused: no error is counted then.
    private func refuseRecipient(_ offered: Advertised) -> Step {
        let text: ByteString = "sender not yet given"
        let isPipelined = followsRefusedMail && offered.contains(.pipelining)
        return isPipelined ? .refuse(Reply(503, text), logged: "") : Self.refusal(text)
    }

    private func refusalBetweenChunks(_ event: Event) -> Step? {
        switch event {
        case .bdat, .reset, .quit, .noop: nil
        default: Self.refusal("only BDAT permissible after non-LAST BDAT")
        }
    }

    private func checkMail() -> Step {
        if phase == .fresh, requiresHello {
            return .refuse(Reply(503, "HELO or EHLO required"), logged: "no HELO/EHLO given")
        }
        return isInTransaction ? Self.refusal("sender already given") : .decide
    }

    private func checkData(_ command: ByteString, _ offered: Advertised) -> Step {
        switch phase {
        case .recipients, .chunks: .decide
        case .fresh, .greeted, .sender: refuseData(command, offered)
        }
    }

    // When all recipients were refused in the same words, the words are told again.
    private func refuseData(_ command: ByteString, _ offered: Advertised) -> Step {
        // A client that pipelined could not know better: no error is counted then.
        let isPipelined = followsRecipient && offered.contains(.pipelining)
        let last: ByteString = "\(isPipelined ? "Valid" : "valid") RCPT command must precede \(command)"
        let logged: ByteString = isPipelined ? "" : last
        guard let first = refusedRecipients.first, refusedRecipients.allSatisfy({ $0 == first }) else {
            return .refuse(Reply(503, last), logged: logged)
        }
        let text: ByteString = "All RCPT commands were rejected with this error:\n\(first)\n\(last)"
        return .refuse(Reply(503, text), logged: logged)
    }

    private func checkAuth(_ offered: Advertised) -> Step {
        if !offered.contains(.auth) { return Self.refusal("AUTH command used when not advertised") }
        if isAuthenticated { return Self.refusal("already authenticated") }
        return isInTransaction ? Self.refusal("not permitted in mail transaction") : .decide
    }

    private static func refusal(_ text: ByteString) -> Step { .refuse(Reply(503, text), logged: text) }
}

extension EnvelopePhase {
    /// HELO or EHLO was accepted: a transaction in progress is over.
    package mutating func acceptHello() {
        phase = .greeted
        refusedRecipients = []
    }

    /// MAIL was accepted.
    package mutating func acceptMail() {
        phase = .sender
        refusedRecipients = []
    }

    /// RCPT was accepted.
    package mutating func acceptRecipient() {
        if case .recipients(let count) = phase {
            phase = .recipients(count + 1)
        } else {
            phase = .recipients(1)
        }
    }

    /// RCPT was refused in these words.
    package mutating func refuseRecipient(_ words: ByteString) { refusedRecipients.append(words) }

    /// A command has been answered; what comes next may have been sent with it.
    package mutating func finish(_ word: ByteString) {
        followsRefusedMail = word == "MAIL" ? !isInTransaction : word == "RCPT" && followsRefusedMail
        followsRecipient = word == "RCPT" && (isInTransaction || followsRefusedMail)
    }

    /// A BDAT chunk that is not the last was taken.
    package mutating func acceptChunk() {
        if case .recipients(let count) = phase { phase = .chunks(count) }
    }

    /// The message is taken or refused, or RSET was given: no transaction is under way.
    package mutating func endTransaction() {
        if phase != .fresh { phase = .greeted }
        refusedRecipients = []
    }

    /// TLS has started: what was learnt in the clear is forgotten, and the client must greet again (RFC 3207, section 4.2).
    package mutating func acceptTLS() {
        isSecure = true
        isAuthenticated = false
        phase = .fresh
        refusedRecipients = []
    }

    /// The peer has authenticated.
    package mutating func acceptAuthentication() { isAuthenticated = true }
}
