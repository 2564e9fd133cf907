import ArgumentParser
import Bytes
import Spooler

/// `bobbin spool show`.
struct SpoolShowCommand: ConsoleCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show everything that a message's header file says.",
        discussion: """
            Example: the names of a message's variables, with jq
              bobbin spool show --json 1xUfHo-0002UW-1v | jq -r '.variables[].name'
            """)

    @OptionGroup var queue: QueueOptions
    @Flag(name: .long, help: "One JSON object; doc/bobbin-spool.md lists the keys.")
    var json = false
    @Argument(help: ArgumentHelp("The message.", valueName: "id"))
    var id: String

    mutating func run(on console: Console) throws {
        let spool = try queue.listableSpool()
        guard let id = MessageID(id.utf8) else {
            throw ToolFailure(.usage, "\"\(id)\" is no message id: expected one such as 1xUfHo-0002UW-1v")
        }
        let view = MessageView(spool: spool, now: Clock.now())
        console.write(try json ? view.text(of: id, nil) : view.annotated(id))
    }
}

extension MessageView {
    /// The header file field by field, for people; a refused one with its error.
    func annotated(_ id: MessageID) throws(ToolFailure) -> ByteString {
        let reading: StoredReading
        do throws(SpoolError) { reading = try spool.read(id) } catch { throw ToolFailure(error) }
        switch reading {
        case .gone: throw ToolFailure(.noInput, "no such message on the queue: \(id.bytes)")
        case .malformed(let message):
            throw ToolFailure(
                .dataError,
                "\(String(describing: message.error)); \"bobbin queue show --header-file\" shows it as it is")
        case .message(let message): return HeaderFileText(message, now: now).text
        }
    }
}
