import ArgumentParser
import Bytes
import Configuration
import EximLog
import Expansion
import Glibc
import MailSystem
import MailText
import SMTP
import Spooler

/// What a local caller hands in: how it is read, and what the options say.
struct LocalReception: Sendable {
    /// How mail comes in.
    enum Form: String, Sendable {
        /// One message on standard input.
        case submit
        /// An SMTP session on standard input and output (`-bs`).
        case stdio
        /// SMTP commands on standard input, without replies (`-bS`).
        case bsmtp
    }

    let source: ConfigurationSource
    let identity: CallerIdentity
    /// Who begins deliveries.
    var deliveries = Deliveries.alone

    /// Who begins deliveries.
    enum Deliveries: Sendable {
        /// A queue runner for each message.
        case alone
        /// The daemon's queue runner, which reads ids at this descriptor.
        case reported(CInt)
        /// Nobody: a queue run delivers.
        case none
    }

    /// Receives one message; the exit code is thrown.
    func submit(_ options: SubmissionOptions) async throws {
        do {
            let (context, caller) = try await start(options.local)
            let reporting = MistakeReporting(options.mistakes, context.system.configuration.main)
            let submission = Submission(
                context: context, caller: caller, request: options.request, reporting: reporting)
            let (order, waits) = try await submission.run()
            if options.printID { print(order.id.bytes) }
            if !waits { context.deliver(order) }
        } catch let error as StartError {
            throw Exit.failure(ByteString(error.description), EX_CONFIG)
        } catch let refusal as Submission.Refusal {
            throw options.mistakes.map { Self.exit(refusal, as: $0) } ?? Self.exit(refusal)
        }
    }

    /// Holds a session or reads a batch; the exit code is thrown.
    func converse(_ options: LocalOptions, isBatched: Bool) async throws {
        var session: Session
        do throws(StartError) {
            var (context, caller) = try await start(options)
            context.isBatched = isBatched
            session = Session(context, DescriptorWire(), facts(context, caller))
        } catch {
            throw Exit.failure(ByteString(error.description), EX_CONFIG)
        }
        if isBatched, let shortage = session.settings.limits.space.shortage(for: nil) {
            session.system.log.main(shortage)
            throw Exit.failure("insufficient disk space", 1, of: "exim")
        }
        await session.run()
        if isBatched { throw BatchReport(session).exit() }
        // Exim's code for a session that did not end with QUIT.
        throw session.hasQuit ? ExitCode.success : ExitCode.failure
    }

    private func start(_ options: LocalOptions) async throws(StartError) -> (SessionContext, LocalCaller) {
        ProcessLimits.prepare()
        signal(SIGPIPE, SIG_IGN)
        let system = try await MailSystem.start(source)
        let settings = try ReceptionSettings(system)
        let caller = await LocalCaller(
            identity, system, settings, fullName: options.fullName.map { ByteString($0) })
        let (starter, deliveries) = (DeliveryStarter(source), deliveries)
        let isLocalOnly = options.queueSMTP
        var context = SessionContext(
            system: system, settings: settings, acls: system.aclEvaluator(RoutingVerifier(system)),
            login: caller.login, commits: CommitGroup(system.spool, .eximOrder),
            choice: options.choice, localCaller: caller,
            deliver: { order in
                var order = order
                order.queuesSMTP = isLocalOnly
                switch deliveries {
                case .alone: starter.deliverAlone(order)
                case .reported(let runner): Self.report(order, to: runner)
                case .none: break
                }
            })
        context.claims = try options.claims(of: caller)
        context.beginsInTLS = options.tlsOnConnect
        context.dontDeliver = options.dontDeliver
        return (context, caller)
    }

    /// What the runner cannot take now waits for the next queue run.
    private static func report(_ order: DeliveryOrder, to runner: CInt) {
        let line = order.line.bytes
        unsafe line.withUnsafeBytes { _ = unsafe write(runner, $0.baseAddress, $0.count) }
    }

    private func facts(_ context: SessionContext, _ caller: LocalCaller) -> ConnectionFacts {
        var facts = ConnectionFacts()
        facts.ident = caller.login
        facts.receivedProtocol = context.isBatched ? "local-bsmtp" : "local-smtp"
        if !caller.isTrusted { facts.authenticatedID = caller.login }
        var claims = context.claims
        // The protocol of a session is what was spoken in it.
        if !context.isBatched { claims.protocolName = nil }
        claims.apply(to: &facts)
        return facts
    }

    private static func exit(_ refusal: Submission.Refusal) -> ExitCode {
        switch refusal {
        case .usage, .noRecipients, .mistake(.noRecipients, _), .mistake(.allSuppressed, _):
            Exit.failure(refusal.text, EX_USAGE)
        case .mistake: Exit.failure(refusal.text, EX_DATAERR)
        case .temporary, .noSpace: Exit.failure(refusal.text, EX_TEMPFAIL)
        }
    }

    /// Exim's exit codes and words.
    private static func exit(_ refusal: Submission.Refusal, as mode: MistakeMode) -> ExitCode {
        switch refusal {
        case .mistake(_, isMailed: true): return mode == .mailOnly ? .success : .failure
        case .mistake(let mistake, isMailed: false):
            guard mode == .print else {
                return mistake == .noRecipients || mistake == .allSuppressed ? ExitCode(2) : .failure
            }
            return Exit.failure(refusal.text, 1, of: "exim")
        case .usage, .noRecipients: return Exit.failure(refusal.text, 1, of: "exim")
        case .noSpace: return Exit.failure("insufficient disk space", 1, of: "exim")
        case .temporary: return Exit.failure(refusal.text, EX_TEMPFAIL)
        }
    }
}

/// How a batch ended (`-bS`; manual, section 48.11).
struct BatchReport {
    private let session: Session

    init(_ session: Session) { self.session = session }

    /// The exit code, after the caller has been told of a mistake: 0 when all is well, 1 when some messages were taken,
    /// 2 when none was.
    func exit() -> ExitCode {
        guard let reply = session.batchFailure else { return .success }
        let text = ByteString(reply.lines.joined(separator: "\n"))
        let line = session.lastLine
        let messages = session.messagesAccepted
        tell(
            STDOUT_FILENO,
            """
            \(reply.code) \(text)
            Transaction started in line \(session.lastMailLine)
            Error detected in line \(session.linesRead)
            \(line)

            """)
        tell(
            STDERR_FILENO,
            """
            bobbin-receiver: the batch was given up in line \(session.linesRead): \(reply.code) \(text)
            \(messages) message\(messages == 1 ? " was" : "s were") taken before; the rest was not looked at.

            """)
        return ExitCode(messages > 0 ? 1 : 2)
    }

    private func tell(_ descriptor: CInt, _ text: ByteString) {
        unsafe text.bytes.withUnsafeBytes { _ = unsafe write(descriptor, $0.baseAddress, $0.count) }
    }
}
