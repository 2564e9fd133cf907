import ACL
import Bytes
import Configuration
import EximLog
import Expansion
import MailSystem
import MailText
import SMTP
import Spooler

/// What all sessions of a process share.
///
/// A class, since every session that waits keeps it.
final class SessionContext: Sendable {
    let system: MailSystem
    let settings: ReceptionSettings
    let acls: ACLEvaluator
    /// Who owns the process, for line 2 of `-H`.
    let login: ByteString
    /// Makes messages durable.
    let commits: CommitGroup
    /// Whether messages only wait for a queue run (`queue_only`, `-odq`).
    let queueOnly: Bool
    /// The caller of a session on standard input; nil for the network.
    let localCaller: LocalCaller?
    /// Starts the delivery of a committed message.
    let deliver: @Sendable (MessageID) -> Void

    init(
        system: MailSystem, settings: ReceptionSettings, acls: ACLEvaluator, login: ByteString,
        commits: CommitGroup, queueOnly: Bool, localCaller: LocalCaller?,
        deliver: @escaping @Sendable (MessageID) -> Void
    ) {
        self.system = system
        self.settings = settings
        self.acls = acls
        self.login = login
        self.commits = commits
        self.queueOnly = queueOnly
        self.localCaller = localCaller
        self.deliver = deliver
    }
}

/// One SMTP session, from the greeting to the end of the connection.
///
/// The state lives in this value and in one task; what it says is Exim's, unless doc/deviations.md says why not.
struct Session {
    let context: SessionContext
    let wire: any Wire
    /// Facts of the connection and the message, and what ACLs left behind.
    var state: ACLState
    var phase: EnvelopePhase
    var envelope = Envelope()
    var framer = LineFramer()
    var advertised: Advertised = []
    var usedPipelining = false
    /// Whether the client may still be answered and read.
    var isOpen = true
    var isStopping = false
    var unknownCommands = 0
    var syntaxErrors = 0
    /// The names of commands, for the line that tells why a client was dropped.
    var history: [ByteString] = []
    var lastLine: ByteString = ""
    var messagesAccepted = 0
    /// Commands that carry no mail, as `smtp_accept_max_nonmail` counts them, and those that count from now on.
    var nonMailCommands = 0
    var freeNonMail: Set<ByteString> = ["RSET", "HELO", "STARTTLS", "AUTH"]
    /// MAIL commands given.
    var mailCommands = 0
    /// When the session began.
    let begun = ContinuousClock.now
    /// How many connections were open at its beginning, itself included; nil for a session on standard input.
    var connectionCount: Int?

    var system: MailSystem { context.system }
    var settings: ReceptionSettings { context.settings }

    init(_ context: SessionContext, _ wire: any Wire, _ connection: ConnectionFacts) {
        self.context = context
        self.wire = wire
        var facts = Facts()
        facts.connection = connection
        state = ACLState(facts: facts)
        phase = EnvelopePhase()
    }

    /// Runs the session to its end.
    mutating func run() async {
        await wire.setTimeout(seconds: settings.receiveTimeout)
        guard await greet() else { return }
        defer { logNoMail() }
        while isOpen, let line = await nextLine() {
            await obey(line)
        }
    }

    // MARK: Reading

    /// The next command line, or nil when the session is over.
    private mutating func nextLine() async -> ByteString? {
        while true {
            switch framer.next() {
            case .line(let line)?: return line
            case .tooLong?:
                log.event(.syntaxError(line: "", text: "too long command line"), state.facts)
                await say(Reply(500, "Line too long"))
                return nil
            case nil: break
            }
            if isStopping, envelope.isEmpty {
                await say(
                    Reply(421, "\(activeHostName): SMTP service not available, closing transmission channel"))
                return nil
            }
            switch await wire.read() {
            case .octets(let octets): framer.feed(octets)
            case .stopping: isStopping = true
            case .timedOut:
                await timedOut()
                return nil
            case .ended:
                await lostConnection()
                return nil
            }
        }
    }

    private mutating func timedOut() async {
        logIncomplete("connection lost")
        log.event(.commandTimeout, state.facts)
        await say(Reply(421, "\(activeHostName): SMTP command timeout - closing connection"))
        isOpen = false
    }

    private mutating func lostConnection() async {
        if envelope.isEmpty {
            log.event(.closedByClient(duration: duration), state.facts)
        } else {
            logIncomplete("connection lost")
            log.event(.unexpectedDisconnection(error: nil, duration: duration), state.facts)
        }
        await say(Reply(421, "\(activeHostName) lost input connection"))
        isOpen = false
    }

    /// How long the session has lasted.
    var duration: LogInterval {
        let (seconds, attoseconds) = (ContinuousClock.now - begun).components
        return LogInterval(microseconds: Int(seconds) * 1_000_000 + Int(attoseconds / 1_000_000_000_000))
    }

    /// Tells of a transaction that the client gave up, where the log selector wants it.
    func logIncomplete(_ cause: ByteString) {
        guard !envelope.isEmpty else { return }
        log.event(
            .incompleteTransaction(
                cause: cause, sender: envelope.sender ?? "", recipients: envelope.recipients.map(\.address)),
            state.facts)
    }

    private func logNoMail() {
        guard mailCommands == 0, state.facts.connection.remoteAddress != nil else { return }
        log.event(.noMail(duration: duration, commands: history), state.facts)
    }

    // MARK: Answering

    /// Sends a reply; a client that cannot be reached ends the session.
    mutating func say(_ reply: Reply) async {
        if state.delay > 0 {
            try? await Task.sleep(for: .seconds(state.delay))
            state.delay = 0
        }
        if !(await wire.write(reply.wire)) { isOpen = false }
    }

    var log: SessionLog { SessionLog(system: system) }

    var activeHostName: ByteString {
        state.facts.connection.activeHostName ?? system.settings.primaryHostName
    }
}
