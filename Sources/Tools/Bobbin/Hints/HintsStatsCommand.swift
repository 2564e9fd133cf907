import ArgumentParser
import Bytes
import Hints

/// `bobbin hints stats`.
struct HintsStatsCommand: ConsoleCommand {
    static let configuration = CommandConfiguration(
        commandName: "stats", abstract: "Count what hints databases hold.",
        discussion: """
            Example: how many rates have decayed and only take up space
              bobbin hints stats ratelimit
            """)

    @OptionGroup var options: HintsOptions
    @OptionGroup var zoneOption: HintsZoneOption
    @Flag(name: .long, help: "One JSON object a database; doc/bobbin-hints.md lists the keys.")
    var json = false
    @Argument(help: ArgumentHelp("Databases; none for all.", valueName: "database"))
    var databases: [String] = []

    mutating func run(on console: Console) async throws {
        let now = HintsSettings.systemSeconds()
        for base in try options.site().databases(databases) {
            var statistics = HintsStatistics(base.kind, layout: try base.scan().layout, now: now)
            try await base.rows { row, _ in statistics.add(row) }
            console.write(json ? "\(object(base, statistics).text)\n" : lines(base, statistics))
        }
    }

    private func object(_ base: HintsBase, _ statistics: HintsStatistics) -> JSONObject {
        var object = JSONObject()
        object.add("database", base.name)
        object.add("layout", HintsListEntry.word(statistics.layout))
        object.add("records", statistics.records)
        object.add("damaged", statistics.damaged)
        object.add("octets", statistics.octets)
        object.add("file_size", base.size)
        object.add("oldest", statistics.oldest)
        object.add("newest", statistics.newest)
        for (name, count) in statistics.counts {
            object.add(name.lowercased().replacing(" ", with: "_"), count)
        }
        return object
    }

    private func lines(_ base: HintsBase, _ statistics: HintsStatistics) -> ByteString {
        var lines: ByteString = "\(base.name): \(statistics.records) records, \(statistics.octets) octets"
        if let size = base.size { lines += " in a file of \(size)" as ByteString }
        lines += ByteString("\n")
        if statistics.damaged > 0 { lines += "\(statistics.damaged, width: 10) damaged\n" as ByteString }
        for (name, count) in statistics.counts where count > 0 {
            lines += "\(count, width: 10) \(name)\n" as ByteString
        }
        if let oldest = statistics.oldest, let newest = statistics.newest {
            let zone = zoneOption.zone
            lines +=
                "  written from \(HintsTime.text(oldest, zone)) to \(HintsTime.text(newest, zone))\n"
                as ByteString
        }
        return lines
    }
}
