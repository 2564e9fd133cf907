import ArgumentParser
import Bytes
import DMARCReports

/// `bobbin dmarc expire`.
struct DMARCExpireCommand: ConsoleCommand {
    static let configuration = CommandConfiguration(
        commandName: "expire", abstract: "Remove what is old from the store.",
        discussion: """
            Example: keep a year, and forget names that nothing refers to any more
              bobbin dmarc expire --expire 365 --alltables
            """)

    @OptionGroup var options: DMARCOptions
    @Option(help: ArgumentHelp("The age in days; else $OPENDMARC_MAXAGE, or 180.", valueName: "days"))
    var expire: Int64?
    @Flag(help: "Also remove names that nothing refers to any more.")
    var alltables = false
    @Flag(help: "Count only.")
    var dryRun = false
    @Flag(help: "Print the counts as JSON.")
    var json = false

    mutating func run(on console: Console) throws {
        let age = try age()
        let store = try options.store()
        let moment = Now.seconds - age * ReportInterval.length
        let summary = try ToolFailure.translating { () throws(DMARCError) in
            dryRun
                ? try store.expirable(before: moment)
                : try store.expire(before: moment, allTables: alltables)
        }
        console.write(json ? "\(summary.object.text)\n" : summary.text(isDryRun: dryRun))
    }

    private func age() throws(ToolFailure) -> Int64 {
        let given =
            expire.map { ByteString("\($0)" as String) } ?? ProcessVariables.value(of: "OPENDMARC_MAXAGE")
        guard let given else { return Int64(DMARCStore.defaultExpiryDays) }
        guard let days = given.decimalInteger(), (0...100_000).contains(days) else {
            throw ToolFailure(.usage, "\"\(given)\" is no age: want days, 0 to 100000")
        }
        return days
    }
}

extension ExpirySummary {
    /// One line for people.
    func text(isDryRun: Bool) -> ByteString {
        """
        \(isDryRun ? "would remove" : "removed") \(messages) messages, \(reports) marks of reports sent, \
        \(foreignReports) reports of others, \(rejected) rejected records, \(names) names

        """
    }

    /// The counts as JSON.
    var object: JSONObject {
        var object = JSONObject()
        object.add("messages", messages)
        object.add("reports", reports)
        object.add("foreign_reports", foreignReports)
        object.add("rejected", rejected)
        object.add("names", names)
        return object
    }
}
