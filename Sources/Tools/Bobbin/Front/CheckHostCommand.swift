import ArgumentParser
import Bytes

/// `bobbin check-host`: becomes bobbin-receiver.
struct CheckHostCommand: ConsoleCommand {
    static let configuration = CommandConfiguration(
        commandName: "check-host",
        abstract: "Tell whether a host may bring mail, and which line of an ACL decides.",
        discussion: """
            Holds an SMTP session as if from the address: connection, EHLO, and with recipients MAIL and RCPT. Nothing is
            accepted, logged or delivered; rates and sightings count. Ends with status 1 when something was refused.

            Example: may this host relay
              bobbin check-host 192.0.2.7 --sender a@example.org --recipient b@example.net
            """)

    @OptionGroup var siteOptions: SiteOptions
    @Argument(help: "The host's address, perhaps with a port: 192.0.2.7, [192.0.2.7]:1234.")
    var address: String
    @Option(help: ArgumentHelp("What it says in EHLO; its address if not given.", valueName: "name"))
    var helo: String?
    @Option(
        name: [.customShort("f"), .long],
        help: ArgumentHelp("Envelope sender; a bounce if not given.", valueName: "address"))
    var sender = ""
    @Option(help: ArgumentHelp("Recipient; may be repeated.", valueName: "address"))
    var recipient: [String] = []
    @Flag(help: "Make callouts where an ACL asks for them.")
    var callouts = false
    @Flag(help: "Show every statement and condition, not just those that decide.")
    var steps = false

    mutating func run(on console: Console) throws {
        throw Sibling.receiver.execute(try siteOptions.forwarded + words, console: console)
    }

    /// The receiver's words after the configuration.
    var words: [ByteString] {
        var words: [ByteString] = ["rehearse", "--helo=\(ByteString(helo ?? "[\(address)]"))"]
        if !sender.isEmpty { words.append("--from=\(ByteString(sender))") }
        words += recipient.map { "--to=\(ByteString($0))" }
        if callouts { words.append("--callouts") }
        if steps { words.append("--steps") }
        return words + [ByteString(address)]
    }
}
