import ArgumentParser
import Bytes
import Glibc
import MailSystem
import Spooler

/// `bobbin-receiver submit`: one message on standard input.
struct SubmitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "submit",
        abstract: "Takes one message from standard input into the spool.",
        discussion: "Example: bobbin-receiver submit -f alice@example.org bob@example.net < message.txt")

    @ParentCommand var program: ReceiverProgram

    @Flag(name: .customShort("t"), help: "Take the recipients from To:, Cc: and Bcc:.")
    var takeHeaderRecipients = false

    @Option(name: .customShort("f"), help: "The envelope sender (trusted callers; '<>' for everybody).")
    var sender: String?

    @Option(name: .customShort("F"), help: "The caller's full name for a From: line.")
    var fullName: String?

    @Flag(name: .customShort("i"), help: "A line with a dot alone does not end the message.")
    var ignoreDots = false

    @Option(
        name: [.customShort("E"), .customLong("dsn-for")],
        help: "The message is a report about the message of this id.")
    var about: String?

    @Flag(name: .customShort("N"), help: "Never really deliver the message.")
    var dontDeliver = false

    @Flag(help: "Only queue it; a queue run delivers it.")
    var queueOnly = false

    @Flag(help: "Print the message's id.")
    var printID = false

    @Argument(help: "Recipients.")
    var recipients: [String] = []

    mutating func run() async throws {
        do {
            try await submit()
        } catch let error as StartError {
            throw Exit.failure(ByteString(error.description), EX_CONFIG)
        } catch let refusal as Submission.Refusal {
            throw Self.exit(refusal)
        }
    }

    private func submit() async throws {
        ProcessLimits.prepare()
        let source = try program.shared.source()
        let system = try await MailSystem.start(source)
        let settings = ReceptionSettings(system)
        let caller = await LocalCaller.current(system, settings, fullName: fullName.map { ByteString($0) })
        let starter = DeliveryStarter(source)
        let context = SessionContext(
            system: system, settings: settings, acls: system.aclEvaluator(RoutingVerifier(system)),
            login: caller.login, commits: CommitGroup(system.spool, .eximOrder),
            queueOnly: queueOnly || settings.queueOnly, localCaller: caller,
            deliver: { starter.deliverAlone($0) })
        let (id, waits) = try await Submission(context: context, caller: caller, request: request).run()
        if printID { print(id.bytes) }
        if !waits { context.deliver(id) }
    }

    private var request: Submission.Request {
        var request = Submission.Request()
        request.recipients = recipients.map { ByteString($0) }
        request.takesHeaderRecipients = takeHeaderRecipients
        request.ignoresDots = ignoreDots
        request.sender = sender.map { ByteString($0) }
        request.bounceOf = about.map { ByteString($0) }
        request.dontDeliver = dontDeliver
        return request
    }

    private static func exit(_ refusal: Submission.Refusal) -> ExitCode {
        switch refusal {
        case .usage(let text): Exit.failure(text, EX_USAGE)
        case .noRecipients: Exit.failure("no recipients: name some, or use -t and a To: line", EX_USAGE)
        case .badAddresses(let list): Exit.failure("bad address: \(list.joined(separator: "; "))", EX_DATAERR)
        case .rejected(let text): Exit.failure(text, EX_DATAERR)
        case .temporary(let text): Exit.failure(text, EX_TEMPFAIL)
        }
    }
}
