import ArgumentParser
import Bytes

/// `bobbin retry`.
struct RetryCommand: ConsoleCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry",
        abstract: "Tell which retry rule serves an address or domain, and when it tries.",
        discussion: """
            The rules are shown in order up to the one that serves, each with its line and with why it is passed over.
            A second domain is tried on the rules beside the first: a host that mail goes to. What has been tried
            already, and when the next try comes, bobbin hints next tells.

            Example: what happens when a server of example.com answers RCPT with 452
              bobbin retry example.com rcpt_452
            """)

    @OptionGroup var siteOptions: SiteOptions
    @Option(name: [.customShort("f"), .long], help: ArgumentHelp("Envelope sender.", valueName: "address"))
    var sender: String?
    @Argument(
        help: ArgumentHelp(
            "Address or domain, perhaps a host, perhaps the name of an error.", valueName: "name"))
    var words: [String]

    mutating func run(on console: Console) async throws {
        let test = try await RetryTest(siteOptions.site())
        let sender = sender.map { $0 == "<>" ? "" : ByteString($0) }
        console.write(try await test.explanation(of: words.map { ByteString($0) }, sender: sender))
    }
}
