import ArgumentParser
import Bytes
import Spooler

/// `bobbin run`: becomes bobbin-queuerunner.
struct RunCommand: ConsoleCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Deliver what is on the queue, in one pass or again and again.",
        discussion: """
            Example: a line of crontab
              */5 * * * *  bobbin run
            """)

    @OptionGroup var queue: QueueOptions
    @Flag(help: "Regard no retry times.")
    var force = false
    @Flag(help: "Regard no retry times, and thaw frozen messages.")
    var forceFrozen = false
    @Flag(help: "Only messages that were never tried.")
    var firstTime = false
    @Flag(help: "Only local deliveries.")
    var localOnly = false
    @Flag(help: "Route everything first, then deliver: each host gets all its messages together.")
    var twoStage = false
    @Flag(name: [.customShort("N"), .long], help: "Deliver nothing for real, but go all the way.")
    var noDelivery = false
    @Option(help: ArgumentHelp("Start a run every so often, such as 5m.", valueName: "interval"))
    var every: String?
    @Option(
        name: .customLong("message"),
        help: ArgumentHelp("Only this message; may be repeated.", valueName: "id"))
    var messages: [String] = []
    @Option(
        help: ArgumentHelp(
            "Only messages with a recipient still to be served that contains this.", valueName: "text"))
    var recipient: String?
    @Option(help: ArgumentHelp("The same with a regular expression.", valueName: "regexp"))
    var recipientPattern: String?
    @Option(help: ArgumentHelp("Only messages whose sender contains this.", valueName: "text"))
    var sender: String?
    @Option(help: ArgumentHelp("The same with a regular expression.", valueName: "regexp"))
    var senderPattern: String?
    @Option(help: ArgumentHelp("The first id to regard.", valueName: "id"))
    var start: String?
    @Option(help: ArgumentHelp("The last id to regard.", valueName: "id"))
    var stop: String?

    func validate() throws {
        for id in messages + [start, stop].compactMap(\.self) where MessageID(id.utf8) == nil {
            throw ValidationError("\"\(id)\" is no message id: expected one such as 1xUfHo-0002UW-1v")
        }
    }

    mutating func run(on console: Console) throws {
        throw Sibling.queueRunner.execute(try queue.siteOptions.forwarded + words, console: console)
    }

    /// The runner's words after the configuration.
    var words: [ByteString] {
        var words: [ByteString] = []
        if force { words.append("--force") }
        if forceFrozen { words.append("--force-frozen") }
        if firstTime { words.append("--first-time") }
        if localOnly { words.append("--local-only") }
        if twoStage { words.append("--two-stage") }
        if noDelivery { words.append("--no-delivery") }
        if !queue.queue.isEmpty { words += ["--queue", ByteString(queue.queue)] }
        for id in messages { words += ["--message", ByteString(id)] }
        let others: [(ByteString, String?)] = [
            ("--every", every), ("--recipient", recipient), ("--recipient-pattern", recipientPattern),
            ("--sender", sender), ("--sender-pattern", senderPattern), ("--start", start), ("--stop", stop),
        ]
        for (option, value) in others { if let value { words.append("\(option)=\(value)") } }
        return words
    }
}
