import ArgumentParser
import Bytes

/// `bobbin-receiver submit`: one message on standard input.
struct SubmitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "submit",
        abstract: "Takes one message from standard input into the spool.",
        discussion: "Example: bobbin-receiver submit -f alice@example.org bob@example.net < message.txt")

    @ParentCommand var program: ReceiverProgram
    @OptionGroup var options: SubmissionOptions

    mutating func run() async throws {
        let source = try program.shared.located()
        try await LocalSocketClient(source).passOn(.submit, when: SpoolAccess.isLacking)
        try await LocalReception(source: source, identity: .own).submit(options)
    }
}

extension MistakeMode: ExpressibleByArgument {}

/// What a submission's command line says.
struct SubmissionOptions: ParsableArguments {
    @OptionGroup var local: LocalOptions

    @Flag(name: .customShort("t"), help: "Take the recipients from To:, Cc: and Bcc:.")
    var takeHeaderRecipients = false

    @Flag(name: .customShort("i"), help: "A line with a dot alone does not end the message.")
    var ignoreDots = false

    @Option(
        name: [.customShort("E"), .customLong("dsn-for")],
        help: "The message is a report about the message of this id.")
    var about: String?

    @Flag(name: .customLong("bnq", withSingleDash: true), help: "Leave addresses without a domain so.")
    var leaveUnqualified = false

    @Option(
        help:
            "How mistakes are told: print, mail, or mail-only (then the exit code is 0); with Exim's exit codes."
    )
    var mistakes: MistakeMode?

    @Flag(help: "Print the message's id.")
    var printID = false

    @Argument(help: "Recipients.")
    var recipients: [String] = []

    /// The same as a request.
    var request: Submission.Request {
        var request = Submission.Request()
        request.recipients = recipients.map { ByteString($0) }
        request.takesHeaderRecipients = takeHeaderRecipients
        request.ignoresDots = ignoreDots
        request.sender = local.sender.map { ByteString($0) }
        request.bounceOf = about.map { ByteString($0) }
        request.dontDeliver = local.dontDeliver
        request.leavesUnqualified = leaveUnqualified
        return request
    }
}
