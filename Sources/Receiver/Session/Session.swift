import ACL
import Bytes
import Configuration
import EximLog
import Expansion
import MailSystem
import MailText
import OpenSSL
import SMTP
import Spooler

/// What all sessions of a process share.
///
/// All in it is shared; a copy is cheap.
struct SessionContext: Sendable {
    let system: MailSystem
    let settings: ReceptionSettings
    let acls: ACLEvaluator
    /// Who owns the process, for line 2 of `-H`.
    let login: ByteString
    /// Makes messages durable.
    let commits: CommitGroup
    /// Whether deliveries are begun at once, as the command line has it.
    var choice: DeliveryChoice
    /// The caller of a session on standard input; nil for the network.
    let localCaller: LocalCaller?
    /// What a trusted caller says of the host that he speaks for.
    var claims = PeerClaims()
    /// Whether the session is only to see what would happen: nothing is waited for, accepted or delivered.
    var isRehearsal = false
    /// Whether the session is a batch (`-bS`): nobody reads replies, and the first mistake ends it.
    var isBatched = false
    /// What sessions under TLS are set up with.
    let tls = TLSContexts()
    /// Whether messages are accepted and never delivered (`-N`).
    var dontDeliver = false
    /// Whether every session begins with TLS (`-tls-on-connect`).
    var beginsInTLS = false
    /// Starts the delivery of a committed message.
    let deliver: @Sendable (DeliveryOrder) -> Void
    /// What ETRN starts.
    let turns: Turns

    init(
        system: MailSystem, settings: ReceptionSettings, acls: ACLEvaluator, login: ByteString,
        commits: CommitGroup, choice: DeliveryChoice, localCaller: LocalCaller?,
        deliver: @escaping @Sendable (DeliveryOrder) -> Void
    ) {
        self.system = system
        self.settings = settings
        self.acls = acls
        self.login = login
        self.commits = commits
        self.choice = choice
        self.localCaller = localCaller
        self.deliver = deliver
        turns = Turns(system, isSerialized: settings.etrn.isSerialized, deliver: deliver)
    }

    /// Whether sessions at a port begin with TLS.
    func beginsWithTLS(at port: Int?) -> Bool {
        beginsInTLS || port.map(settings.tls.ports.contains) ?? false
    }
}

/// One SMTP session, from the greeting to the end of the connection.
///
/// The state lives in this value and in one task; what it says is Exim's, unless doc/deviations.md says why not.
struct Session {
    let context: SessionContext
    /// The client's line; another under TLS.
    var wire: any Wire
    /// Whether the connection began with TLS.
    var beganInTLS = false
    /// Whether the client should have said for whom it connects and has not: nothing is done for it.
    var refusesCommands = false
    /// Facts of the connection and the message, and what ACLs left behind.
    var state: ACLState
    var phase: EnvelopePhase
    var envelope = Envelope()
    var framer = LineFramer()
    var advertised: Advertised = []
    /// The mechanisms of AUTH that the last EHLO offered.
    var offeredMechanisms: [ByteString] = []
    var usedPipelining = false
    /// Whether the client may still be answered and read.
    var isOpen = true
    var isStopping = false
    var unknownCommands = 0
    var syntaxErrors = 0
    var lastLine: ByteString = ""
    var messagesAccepted = 0
    /// Commands that carry no mail, as `smtp_accept_max_nonmail` counts them, and those that count from now on.
    var nonMailCommands = 0
    var freeNonMail: Set<ByteString> = ["RSET", "HELO", "STARTTLS", "AUTH"]
    /// MAIL commands given.
    var mailCommands = 0
    /// Lines of input that have been used, and where the last MAIL stood; a batch tells them.
    var linesRead = 0
    var lastMailLine = 0
    /// The mistake that ended a batch.
    var batchFailure: Reply?
    /// When the session began.
    let begun = ContinuousClock.now
    /// How many connections were open at its beginning; nil for a session on standard input.
    var counts: ConnectionCounts?
    /// Whether its beginning and end are logged (`hosts_connection_nolog`).
    var isLogged = true
    /// Whether it ended with QUIT.
    var hasQuit = false
    /// Why the last message was left to a queue run.
    var queuedFor: QueueingRules.Reason?
    /// What the next MAIL and the next RCPT would wait (`smtp_ratelimit_mail`, `smtp_ratelimit_rcpt`), in seconds.
    var mailDelay = 0.0
    var recipientDelay = 0.0
    /// RCPT commands of the transaction.
    var recipientCommands = 0
    /// The connection that callouts of the transaction have left open.
    var held: HeldCallout?

    var system: MailSystem { context.system }
    var settings: ReceptionSettings { context.settings }

    init(_ context: SessionContext, _ wire: any Wire, _ connection: ConnectionFacts) {
        self.context = context
        self.wire = wire
        var facts = Facts()
        facts.connection = connection
        facts.connection.receivedProtocol = connection.receivedProtocol ?? "smtp"
        facts.connection.connectionID = Base62.encode(.random(in: 0...UInt64.max), width: 11)
        state = ACLState(facts: facts)
        phase = EnvelopePhase()
    }

    /// Runs the session to its end.
    mutating func run() async {
        await wire.setTimeout(seconds: await receiveTimeout())
        guard await admit(), await hearProxy() else { return }
        if await startTLSOnConnect(), await greet() { await talk() }
        await (wire as? TLSWire)?.close()
    }

    private mutating func talk() async {
        phase.requiresHello = context.isBatched ? false : await isListed(.helloRequired)
        await authenticateByCertificate()
        while isOpen, let line = await nextLine() {
            await obey(line)
        }
        await held?.end()
        logNoMail()
    }

    /// `smtp_receive_timeout` in seconds; nil for none.
    func receiveTimeout() async -> Int64? {
        do {
            let seconds = try await system.expander.expandToTime(
                settings.limits.receiveTimeout, state.facts)
            return seconds > 0 ? Int64(seconds) : nil
        } catch {
            log.panic("failed to expand smtp_receive_timeout: \(error.text)")
            return 300
        }
    }

    // MARK: Reading

    /// The next line, or nil when the session is over.
    ///
    /// A client that has closed instead of answering a challenge has answered nothing, as Exim takes it.
    mutating func nextLine(isAnswer: Bool = false) async -> ByteString? {
        while true {
            switch framer.next() {
            case .line(let line)?:
                linesRead += 1
                return line
            case .tooLong?:
                log.event(.syntaxError(line: "", text: "too long command line"), state.facts)
                await say(Reply(500, "Line too long"))
                isOpen = false
                return nil
            case nil: break
            }
            if isStopping, envelope.isEmpty {
                log.event(.closedAfterSignal, state.facts)
                let text: ByteString = "SMTP service not available, closing transmission channel"
                await leave(for: "signal-exit", Reply(421, "\(activeHostName): \(text)"))
                return nil
            }
            switch await hear() {
            case .octets(let octets): framer.feed(octets)
            case .stopping: isStopping = true
            case .timedOut:
                await timedOut()
                return nil
            case .ended:
                if isAnswer { return "" }
                await lostConnection()
                return nil
            }
        }
    }

    private mutating func timedOut() async {
        logIncomplete("connection lost")
        log.event(.commandTimeout, state.facts)
        await leave(
            for: "command-timeout",
            Reply(421, "\(activeHostName): SMTP command timeout - closing connection"))
    }

    private mutating func lostConnection() async {
        // A batch may end without QUIT.
        if context.isBatched, envelope.isEmpty { return }
        await leave(for: "connection-lost", Reply(421, "\(activeHostName) lost input connection"))
        if envelope.isEmpty {
            log.event(.closedByClient(duration: duration), state.facts)
        } else {
            logIncomplete("connection lost")
            log.event(.unexpectedDisconnection(error: nil, duration: duration), state.facts)
        }
    }

    /// How long the session has lasted.
    var duration: LogInterval { LogInterval(ContinuousClock.now - begun) }

    /// Tells of a transaction that the client gave up, where the log selector wants it.
    func logIncomplete(_ cause: ByteString) {
        guard !envelope.isEmpty else { return }
        log.event(
            .incompleteTransaction(
                cause: cause, sender: envelope.sender ?? "", recipients: envelope.recipients.map(\.address)),
            state.facts)
    }

    private func logNoMail() {
        guard mailCommands == 0, !context.isBatched else { return }
        log.event(
            .noMail(duration: duration, commands: state.facts.connection.smtpCommandHistory), state.facts)
    }

    // MARK: Answering

    /// Sends a reply; a client that cannot be reached ends the session.
    mutating func say(_ reply: Reply) async {
        if context.isBatched {
            guard reply.code >= 400, batchFailure == nil else { return }
            batchFailure = reply
            isOpen = false
            return
        }
        if !(await wire.write(reply.wire)) { isOpen = false }
    }

    /// Waits as an ACL wants it (`delay`).
    mutating func delay() async {
        guard state.delay > 0, !context.isRehearsal else { return }
        await pause(.seconds(state.delay))
        state.delay = 0
    }

    var log: SessionLog { SessionLog(system: system, namesConnections: isLogged) }

    var activeHostName: ByteString {
        state.facts.connection.activeHostName ?? system.settings.primaryHostName
    }
}
