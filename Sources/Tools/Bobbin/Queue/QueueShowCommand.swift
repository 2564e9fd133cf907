import ArgumentParser
import Bytes
import Spooler

/// `bobbin queue show`.
struct QueueShowCommand: ConsoleCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show one message: its entry and header lines, or one of its files.",
        discussion: """
            Example: the message as it would be sent
              bobbin queue show --message 1xUfHo-0002UW-1v
            """)

    /// What is shown.
    enum Part: String, EnumerableFlag {
        case entry, message, headerFile, body, log

        static func help(for value: Part) -> ArgumentHelp? {
            switch value {
            case .entry: "The entry of the listing, and the header lines (the default)."
            case .message: "Header lines and body, as they would be sent (-Mvc)."
            case .headerFile: "The file -H as it is (-Mvh)."
            case .body: "The file -D as it is (-Mvb)."
            case .log: "The message's own log (-Mvl)."
            }
        }
    }

    @OptionGroup var queue: QueueOptions
    @Flag(exclusivity: .exclusive) var part: Part = .entry
    @Flag(name: .long, help: "Everything that the header file says, as one JSON object.")
    var json = false
    @Argument(help: ArgumentHelp("The message.", valueName: "id"))
    var id: String

    mutating func run(on console: Console) throws {
        let spool = try queue.listableSpool()
        guard let id = MessageID(id.utf8) else {
            throw ToolFailure(.usage, "\"\(id)\" is no message id: expected one such as 1xUfHo-0002UW-1v")
        }
        console.write(try MessageView(spool: spool, now: Clock.now()).text(of: id, json ? nil : part))
    }
}
