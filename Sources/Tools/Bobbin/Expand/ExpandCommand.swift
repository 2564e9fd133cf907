import ArgumentParser
import Bytes
import Spooler

/// `bobbin expand`.
struct ExpandCommand: ConsoleCommand {
    static let configuration = CommandConfiguration(
        commandName: "expand", abstract: "Expand strings as exim -be does.",
        discussion: """
            Without strings, lines of standard input are expanded.

            Example: what a lookup finds
              bobbin expand '${lookup{alice}lsearch{/etc/aliases}}'
            """)

    @OptionGroup var queue: QueueOptions
    @Option(help: ArgumentHelp("Load this message, for variables such as $sender_address.", valueName: "id"))
    var message: String?
    @Argument(help: ArgumentHelp("Strings.", valueName: "string"))
    var strings: [String] = []

    mutating func run(on console: Console) async throws {
        let site = try queue.site()
        var bench = try await ExpansionBench(site, caller: .current())
        if let message {
            guard let id = MessageID(message.utf8) else {
                throw ToolFailure(
                    .usage, "\"\(message)\" is no message id: expected one such as 1xUfHo-0002UW-1v")
            }
            try bench.load(id, from: queue.spool(of: site))
        }
        await bench.expand(strings.map { ByteString($0) }, on: console)
    }
}
