import ArgumentParser
import Bytes
import DMARCReports
import Spooler

/// `bobbin queue report`.
struct QueueReportCommand: ConsoleCommand {
    static let configuration = CommandConfiguration(
        commandName: "report", abstract: "What waits, how long, for whom: as text, JSON, or a page.",
        discussion: """
            Example: the whole queue, as a page for the browser
              bobbin queue report --html queue.html
            """)

    @OptionGroup var queue: QueueOptions
    @OptionGroup var selection: SelectionOptions
    @Option(help: ArgumentHelp("The most rows of a table.", valueName: "number"))
    var limit = 20
    @Option(help: ArgumentHelp("Write one self-contained page.", valueName: "file"))
    var html: String?
    @Flag(help: "Print one JSON object; doc/bobbin-queue.md lists the keys.")
    var json = false

    func validate() throws {
        if limit < 1 { throw ValidationError("--limit: want 1 or more") }
    }

    mutating func run(on console: Console) throws {
        let spool = try queue.listableSpool()
        let query = try QueueQuery(selection, spool)
        var overview = QueueOverview(now: query.now, limit: limit)
        try query.run(.arrival, make: { OverviewMessage($0, $1) }, use: { overview.add($0) })
        if let html {
            let page = QueuePage(overview, queue: spool.queue).html
            return try ToolFailure.translating { () throws(DMARCError) in
                try DescriptorInput.replace(ByteString(html), with: page)
            }
        }
        console.write(json ? "\(overview.object.text)\n" : overview.text)
    }
}
