import ArgumentParser
import Bytes
import Configuration
import Dispatch
import EximLog
import Glibc
import MailSystem
import MailText
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
        if let keeper = RunnerKeeper(CommandLine.arguments) { Glibc.exit(keeper.run()) }
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

    @OptionGroup var selection: SelectionArguments

    @Option(help: "Start a run at this interval, such as 5m, until stopped.")
    var every: String?

    @Option(
        name: .customLong("message"), parsing: .singleValue,
        help: "Only this message; may be given several times.")
    var messages: [String] = []

    @Flag(help: "Take message ids from standard input, one a line, until it ends.")
    var fromStdin = false

    @Flag(help: "With --from-stdin: start the runner again when it is killed, or told to begin anew.")
    var keep = false

    @Flag(help: .hidden)
    var kept = false

    @Option(help: .hidden)
    var replaces: String?

    @Option(help: "A file that gets the process id, with --every.")
    var pidFile: String?

    @Flag(
        name: [.customShort("N"), .customLong("no-delivery")],
        help: "Deliver nothing for real, but go all the way.")
    var noDelivery = false

    func validate() throws {
        if let every, (EximInterval.parse(ByteString(every)) ?? 0) <= 0 {
            throw ValidationError("--every: \"\(every)\" is no interval such as 5m")
        }
        for text in messages where MessageID(ByteString(text)) == nil {
            throw ValidationError("\"\(text)\" is not a message id (16 or 23 characters)")
        }
    }

    mutating func run() async throws {
        OpenFiles.allowMany()
        let signal = StopSignal()
        signal.listen()
        do {
            let source = try ConfigurationSource.locate(
                files: configuration.map { ByteString($0) }, definitions: define.map { ByteString($0) })
            let system = try await MailSystem.start(source)
            try await run(RunnerSystem(system, source, try options(system.log), signal))
        } catch let error as StartError {
            Self.complain(error.description)
            throw ExitCode(EX_CONFIG)
        }
        guard signal.restarts else { return }
        if kept { throw ExitCode(CInt(RunnerKeeper.replacedCode)) }
        if every != nil || fromStdin { Self.beginAnew() }
    }

    private func run(_ runner: RunnerSystem) async throws {
        let status = RunnerStatus(runner, every: every, isFed: fromStdin)
        defer { status.close() }
        if fromStdin {
            await runFed(runner)
        } else if !messages.isEmpty {
            await QueueRun(runner).deliver(messages.compactMap { MessageID(ByteString($0)) })
        } else if let interval {
            let pidFile = ProcessIDFile(pidFile, otherwise: runner.system.settings.pidFilePath)
            try pidFile?.write()
            announce(runner, interval)
            await RunSchedule(runner: runner, interval: interval).run()
            if runner.stop.restarts { runner.log.main("pid \(getpid()): SIGHUP received: re-exec daemon") }
            if !runner.stop.restarts { pidFile?.remove() }
        } else {
            await QueueRun(runner).walk()
        }
    }

    private var interval: Int64? { every.flatMap { EximInterval.parse(ByteString($0)) } }

    /// For a daemon: delivers messages as their ids come, and makes passes where an interval is given.
    ///
    /// The end of the ids is the end of the daemon; what is in hand is finished.
    private func runFed(_ runner: RunnerSystem) async {
        let immediate = runner.changing { $0 = RunOptions(immediateOf: $0) }
        if let replaces { runner.log.panic("\(ByteString(replaces)); another takes its place") }
        await withDiscardingTaskGroup { group in
            // What had been handed to the one that was killed has not been tried yet.
            if replaces != nil {
                group.addTask { await QueueRun(immediate.changing { $0.firstTimeOnly = true }).walk() }
            }
            if let interval {
                group.addTask { await RunSchedule(runner: runner, interval: interval).run() }
            }
            await QueueRun(immediate).deliver(InputIDs.stream(runner.stop, isKept: kept))
            runner.stop.ask()
        }
    }

    /// The line with which a daemon begins.
    private func announce(_ runner: RunnerSystem, _ interval: Int64) {
        let text = EximInterval.format(interval)
        runner.log.main(
            "\(runner.system.settings.product) daemon started: pid=\(getpid()), -q\(text), not listening for SMTP"
        )
    }

    private func options(_ log: EximLogWriter) throws -> RunOptions {
        var options = RunOptions()
        do throws(PatternError) {
            options = try selection.options()
        } catch {
            let text =
                "regular expression error: \(error.words) while compiling \(error.pattern)" as ByteString
            log.panic(text)
            Self.complain(text.string)
            throw ExitCode(1)
        }
        options.isDryRun = noDelivery
        options.occasion = messages.isEmpty ? .queueRun : .message
        if selection.cancel { options.cancelledBy = MailUser.caller?.login ?? "uid\(getuid())" }
        return options
    }

    /// Runs the same program with the same words, so that it reads its configuration anew.
    private static func beginAnew() {
        var words = unsafe CommandLine.arguments.map { unsafe strdup($0) } + [nil]
        unsafe execv("/proc/self/exe", &words)
        complain("cannot begin anew: \(unsafe String(cString: strerror(errno)))")
    }

    private static func complain(_ text: String) {
        let line = "bobbin-queuerunner: \(text)\n"
        unsafe line.withCString { pointer in _ = unsafe write(STDERR_FILENO, pointer, strlen(pointer)) }
    }
}

/// Which messages a run takes, and how.
struct SelectionArguments: ParsableArguments {
    @Flag(help: "Try now, whatever the retry times say.")
    var force = false

    @Flag(help: "The same, and thaw frozen messages.")
    var forceFrozen = false

    @Flag(help: "Only messages that have not been tried yet.")
    var firstTime = false

    @Flag(help: "Only local deliveries.")
    var localOnly = false

    @Flag(help: "Of the messages named, leave to a queue run what would go to other hosts.")
    var queueSMTP = false

    @Flag(help: "Route everything first, then deliver: hosts get all their messages together.")
    var twoStage = false

    @Flag(help: "Give the messages named up: what remains fails, and the sender is told.")
    var cancel = false

    @Option(help: "The named queue.")
    var queue = ""

    @Option(help: "Only messages with a waiting recipient that contains this.")
    var recipient: String?

    @Option(help: "Only messages with a waiting recipient that matches this regular expression.")
    var recipientPattern: String?

    @Option(help: "Only messages whose sender contains this.")
    var sender: String?

    @Option(help: "Only messages whose sender matches this regular expression.")
    var senderPattern: String?

    @Option(help: "The first id to look at.")
    var start: String?

    @Option(help: "The last id to look at.")
    var stop: String?

    /// The same as options of a run.
    func options() throws(PatternError) -> RunOptions {
        var options = RunOptions()
        options.isForced = force
        options.thaws = forceFrozen || cancel
        options.firstTimeOnly = firstTime
        options.localOnly = localOnly
        options.isTwoStage = twoStage
        options.queuesSMTP = queueSMTP
        options.queue = ByteString(queue)
        options.recipient = try Self.search(recipient, recipientPattern)
        options.sender = try Self.search(sender, senderPattern)
        options.start = start.map { ByteString($0) }
        options.stop = stop.map { ByteString($0) }
        return options
    }

    private static func search(_ text: String?, _ pattern: String?) throws(PatternError) -> AddressSearch? {
        if let pattern { return try AddressSearch(pattern: ByteString(pattern)) }
        return text.map { AddressSearch(ByteString($0)) }
    }
}

extension RunOptions {
    /// The options for new messages of a daemon whose queue runs have those given.
    init(immediateOf runs: RunOptions) {
        self.init()
        queue = runs.queue
        isDryRun = runs.isDryRun
        occasion = .message
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
