import ArgumentParser
import Bytes
import Spooler

/// `bobbin spool export`.
struct SpoolExportCommand: ConsoleCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Copy messages, -D first, to a directory for another program.",
        discussion: """
            The messages stay on the queue. What "spool requeue" takes back is what this writes.

            Example: keep a copy of everything that is frozen
              bobbin spool export --to /var/quarantine -z
            """)

    @OptionGroup var queue: QueueOptions
    @OptionGroup var selection: SelectionOptions
    @Option(name: .long, help: ArgumentHelp("The directory; it must exist.", valueName: "directory"))
    var to: String
    @Flag(name: .long, help: "Hard links instead of copies, where the file system is the same.")
    var link = false
    @Flag(name: .long, help: "One JSON object a message: id, outcome.")
    var json = false

    mutating func run(on console: Console) throws {
        let export = MessageExport(
            spool: try queue.changeableSpool(), directory: ByteString(to), style: link ? .linked : .copied)
        var ids: [MessageID] = []
        try QueueQuery(selection, export.spool).run(.arrival, make: { id, _ in id }, use: { ids.append($0) })
        let failed = ids.filter { !export.run($0, json: json, console) }.count
        if failed > 0 { throw ToolFailure(.failure, "\(failed) of the messages could not be exported") }
    }
}
