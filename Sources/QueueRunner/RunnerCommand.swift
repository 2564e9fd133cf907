import ArgumentParser
import Bytes
import Configuration
import Dispatch
import Glibc
import MailSystem
import Spooler

/// `bobbin-queuerunner`: delivers what is on the queue.
@main
struct RunnerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bobbin-queuerunner", abstract: "Delivers messages that are on the queue.",
        discussion: """
            Without options one pass over the queue is made; safe from cron, beside other runners and beside an Exim.
            Example: bobbin-queuerunner -C /etc/exim4/exim4.conf --every 15m
            """)

    static func main() async {
        await main(ConfigurationSource.separated(CommandLine.arguments.dropFirst()))
    }

    @Option(
        name: .customShort("C", allowingJoined: true),
        help: "The configuration file (Exim's language); the first that exists of a list.")
    var configuration: String?

    @Option(
        name: .customShort("D", allowingJoined: true), parsing: .singleValue,
        help: "A macro that the file cannot change: NAME=text.")
    var define: [String] = []

    @Flag(help: "Try now, whatever the retry times say.")
    var force = false

    @Flag(help: "The same, and thaw frozen messages.")
    var forceFrozen = false

    @Flag(help: "Only messages that have not been tried yet.")
    var firstTime = false

    @Flag(help: "Only local deliveries.")
    var localOnly = false

    @Option(help: "The named queue.")
    var queue = ""

    @Option(help: "Make a pass at this interval, such as 5m, until stopped.")
    var every: String?

    @Option(
        name: .customLong("message"), parsing: .singleValue,
        help: "Only this message; may be given several times.")
    var messages: [String] = []

    @Option(help: "Only messages with a waiting recipient that contains this.")
    var recipient: String?

    @Option(help: "Only messages whose sender contains this.")
    var sender: String?

    @Flag(help: "Take message ids from standard input, one a line, until it ends.")
    var fromStdin = false

    @Option(help: "The first id to look at.")
    var start: String?

    @Option(help: "The last id to look at.")
    var stop: String?

    @Flag(
        name: [.customShort("N"), .customLong("no-delivery")],
        help: "Deliver nothing for real, but go all the way.")
    var noDelivery = false

    mutating func run() async throws {
        OpenFiles.allowMany()
        let signal = StopSignal()
        signal.listen()
        do {
            let source = try ConfigurationSource.locate(
                files: configuration.map { ByteString($0) }, definitions: define.map { ByteString($0) })
            let system = try await MailSystem.start(source)
            try await run(RunnerSystem(system, source, try options(), signal))
        } catch let error as StartError {
            Self.complain(error.description)
            throw ExitCode(EX_CONFIG)
        }
    }

    private func run(_ runner: RunnerSystem) async throws {
        if fromStdin {
            await QueueRun(runner).deliver(InputIDs.stream())
        } else if !messages.isEmpty {
            await QueueRun(runner).deliver(try ids())
        } else if let every {
            guard let seconds = EximInterval.parse(ByteString(every)), seconds > 0 else {
                throw ValidationError("--every: \"\(every)\" is no interval such as 5m")
            }
            try await repeatRuns(runner, seconds)
        } else {
            await QueueRun(runner).walk()
        }
    }

    private func repeatRuns(_ runner: RunnerSystem, _ seconds: Int64) async throws {
        while !runner.stop.isAsked {
            await QueueRun(runner).walk()
            var left = seconds
            while left > 0, !runner.stop.isAsked {
                try await Task.sleep(for: .seconds(1))
                left -= 1
            }
        }
    }

    private func ids() throws -> [MessageID] {
        try messages.map { text in
            guard let id = MessageID(ByteString(text)) else {
                throw ValidationError("\"\(text)\" is not a message id (16 or 23 characters)")
            }
            return id
        }
    }

    private func options() throws -> RunOptions {
        var options = RunOptions()
        options.isForced = force
        options.thaws = forceFrozen
        options.firstTimeOnly = firstTime
        options.localOnly = localOnly
        options.queue = ByteString(queue)
        options.recipient = recipient.map { ByteString($0) }
        options.sender = sender.map { ByteString($0) }
        options.start = start.map { ByteString($0) }
        options.stop = stop.map { ByteString($0) }
        options.isDryRun = noDelivery
        options.regardsRoutingRetries = !fromStdin && messages.isEmpty
        return options
    }

    private static func complain(_ text: String) {
        let line = "bobbin-queuerunner: \(text)\n"
        unsafe line.withCString { pointer in _ = unsafe write(STDERR_FILENO, pointer, strlen(pointer)) }
    }
}

/// How many files this process may have open.
enum OpenFiles {
    /// Asks for as many as the system lets us have: each message in flight holds a few.
    static func allowMany() {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}

/// Message ids from standard input.
enum InputIDs {
    /// The ids, one a line; a line that is no id is passed over.
    static func stream() -> AsyncStream<MessageID> {
        let (stream, continuation) = AsyncStream.makeStream(of: MessageID.self)
        let reader = DispatchQueue(label: "stdin")
        reader.async {
            while let line = readLine(strippingNewline: true) {
                if let id = MessageID(ByteString(line)) { continuation.yield(id) }
            }
            continuation.finish()
        }
        return stream
    }
}
