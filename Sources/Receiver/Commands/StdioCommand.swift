import ArgumentParser
import Bytes
import Glibc

/// `bobbin-receiver stdio`: one SMTP session on standard input and output (`-bs`).
struct StdioCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stdio",
        abstract: "Runs one SMTP session on standard input and output.",
        discussion: "Example: bobbin-receiver stdio < session.txt")

    @ParentCommand var program: ReceiverProgram
    @OptionGroup var options: LocalOptions

    mutating func run() async throws {
        let source = try program.shared.located()
        try await LocalSocketClient(source).passOn(.stdio, when: SpoolAccess.isLacking)
        try await LocalReception(source: source, identity: .own).converse(options, isBatched: false)
    }
}

/// `bobbin-receiver bsmtp`: SMTP commands on standard input, without replies (`-bS`).
struct BatchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bsmtp",
        abstract: "Reads SMTP commands from standard input; only a mistake is answered.",
        discussion: "Example: bobbin-receiver bsmtp < batch.txt")

    @ParentCommand var program: ReceiverProgram
    @OptionGroup var options: LocalOptions

    mutating func run() async throws {
        let source = try program.shared.located()
        try await LocalSocketClient(source).passOn(.bsmtp, when: SpoolAccess.isLacking)
        try await LocalReception(source: source, identity: .own).converse(options, isBatched: true)
    }
}

/// `bobbin-receiver local`: what the daemon starts for a caller at its local socket; not for people.
struct LocalCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "local", abstract: "Serves one caller at the local socket.", shouldDisplay: false)

    @ParentCommand var program: ReceiverProgram
    @Flag(help: "Report messages to deliver on descriptor 4.")
    var runner = false

    mutating func run() async throws {
        let guest = try LocalGuest.arrived()
        var code: ExitCode
        do {
            try await serve(guest)
            code = .success
        } catch let exit as ExitCode {
            code = exit
        } catch {
            // What the command line of the caller lacks, in the parser's words.
            code = Exit.failure(ByteString(SubmissionOptions.message(for: error)), EX_USAGE)
        }
        guest.leave(code.rawValue)
    }

    private func serve(_ guest: LocalGuest) async throws {
        let reception = LocalReception(
            source: try program.shared.located(), identity: guest.identity,
            deliveries: runner ? .reported(LocalGuest.runnerNumber) : .none)
        switch guest.form {
        case .submit: try await reception.submit(try SubmissionOptions.parse(guest.words))
        case .stdio: try await reception.converse(try LocalOptions.parse(guest.words), isBatched: false)
        case .bsmtp: try await reception.converse(try LocalOptions.parse(guest.words), isBatched: true)
        }
    }
}
