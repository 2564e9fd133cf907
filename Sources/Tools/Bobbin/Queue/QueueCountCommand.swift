import ArgumentParser
import Bytes
import Spooler

/// `bobbin queue count`.
struct QueueCountCommand: ConsoleCommand {
    static let configuration = CommandConfiguration(
        commandName: "count", abstract: "Count messages; without selection nothing is opened.",
        discussion: """
            Example: how many frozen messages there are
              bobbin queue count -z
            """)

    @OptionGroup var queue: QueueOptions
    @OptionGroup var selection: SelectionOptions
    @Flag(name: .long, help: "Print {\"count\":n}.")
    var json = false

    mutating func run(on console: Console) throws {
        let count = try count(queue.listableSpool())
        var object = JSONObject()
        object.add("count", count)
        console.write(json ? "\(object.text)\n" : "\(count)\n")
    }

    private func count(_ spool: Spool) throws(ToolFailure) -> Int {
        do throws(SpoolError) {
            if selection.isEmpty { return try spool.count() }
        } catch {
            throw ToolFailure(error)
        }
        return try QueueQuery(selection, spool).count()
    }
}
