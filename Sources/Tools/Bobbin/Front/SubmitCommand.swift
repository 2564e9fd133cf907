import ArgumentParser
import Bytes

/// `bobbin submit`: becomes bobbin-receiver.
struct SubmitCommand: ConsoleCommand {
    static let configuration = CommandConfiguration(
        commandName: "submit", abstract: "Submit a message from standard input.",
        discussion: """
            Example: send a file to the recipients that its header names
              bobbin submit -t < message.eml
            """)

    @OptionGroup var siteOptions: SiteOptions
    @Flag(
        name: [.customShort("t"), .customLong("from-header")],
        help: "Take the recipients from To:, Cc: and Bcc:.")
    var fromHeader = false
    @Option(name: [.customShort("f"), .long], help: ArgumentHelp("Envelope sender.", valueName: "address"))
    var sender: String?
    @Option(name: [.customShort("F"), .long], help: ArgumentHelp("Full name for From:.", valueName: "name"))
    var fullName: String?
    @Flag(name: [.customShort("i"), .long], help: "A line with a single dot does not end the message.")
    var ignoreDot = false
    @Flag(help: "Leave the message on the queue; do not start a delivery.")
    var queueOnly = false
    @Argument(help: ArgumentHelp("Recipients.", valueName: "recipient"))
    var recipients: [String] = []

    mutating func run(on console: Console) throws {
        throw Sibling.receiver.execute(try siteOptions.forwarded + words, console: console)
    }

    /// The receiver's words after the configuration.
    var words: [ByteString] {
        var words: [ByteString] = ["submit"]
        if fromHeader { words.append("-t") }
        if let sender { words += ["-f", ByteString(sender)] }
        if let fullName { words += ["-F", ByteString(fullName)] }
        if ignoreDot { words.append("-i") }
        if queueOnly { words.append("--queue-only") }
        return words + (recipients.isEmpty ? [] : ["--"]) + recipients.map { ByteString($0) }
    }
}
