import ArgumentParser
import Bytes
import Spooler

/// `bobbin spool requeue`.
struct SpoolRequeueCommand: ConsoleCommand {
    static let configuration = CommandConfiguration(
        commandName: "requeue", abstract: "Put messages from a directory on the queue, -D first.",
        discussion: """
            Example: give a message back after a look at it, under its own id
              bobbin spool requeue --from /var/quarantine 1xUfHo-0002UW-1v --remove
            """)

    @OptionGroup var queue: QueueOptions
    @Option(name: .long, help: ArgumentHelp("The directory that holds -D and -H.", valueName: "directory"))
    var from: String
    @Flag(name: .long, help: "Give each a fresh id, as copies of what is still on the queue need.")
    var fresh = false
    @Flag(name: .long, help: "Remove the files once the message is safely on the queue.")
    var remove = false
    @Flag(name: .long, help: "One JSON object a message: id, outcome, queued_as.")
    var json = false
    @Argument(help: ArgumentHelp("Message ids.", valueName: "id"))
    var ids: [String]

    func validate() throws {
        for id in ids where MessageID(id.utf8) == nil {
            throw ValidationError("\"\(id)\" is no message id: expected one such as 1xUfHo-0002UW-1v")
        }
    }

    mutating func run(on console: Console) throws {
        let site = try queue.site()
        guard site.isAdmin(.current()) else {
            throw ToolFailure.notAdmin(to: "put messages on the queue", site)
        }
        let requeue = MessageRequeue(
            spool: try queue.spool(of: site), directory: ByteString(from),
            identity: fresh ? .fresh(site.messageIDs) : .same, removesSource: remove)
        let failed = ids.compactMap { MessageID($0.utf8) }.filter { !requeue.run($0, json: json, console) }
            .count
        if failed > 0 { throw ToolFailure(.failure, "\(failed) of the messages were not queued") }
    }
}
