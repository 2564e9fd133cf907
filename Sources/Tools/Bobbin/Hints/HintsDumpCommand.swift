import ArgumentParser
import Bytes
import Hints

/// `bobbin hints dump`.
struct HintsDumpCommand: ConsoleCommand {
    static let configuration = CommandConfiguration(
        commandName: "dump", abstract: "Print the records of hints databases, as exim_dumpdb does.",
        discussion: """
            Without names, all databases. The records of misc are shown as a whole, and the true epoch of a filter,
            which the exim_dumpdb of Exim 4.99 and earlier does not do.

            Example: hosts that are past their final cutoff, as JSON Lines
              bobbin hints dump retry --expired --json
            """)

    @OptionGroup var options: HintsOptions
    @OptionGroup var choice: HintsFilterOptions
    @OptionGroup var zoneOption: HintsZoneOption
    @Flag(name: [.customShort("k"), .customLong("keys")], help: "Keys only.")
    var keys = false
    @Flag(name: .long, help: "One JSON object a record; doc/bobbin-hints.md lists the keys.")
    var json = false
    @Argument(help: ArgumentHelp("Databases.", valueName: "database"))
    var databases: [String] = []

    mutating func run(on console: Console) async throws {
        let (filter, now) = (choice.filter, HintsSettings.systemSeconds())
        var isGood = true
        for base in try options.site().databases(databases) {
            try await base.rows { row, layout in
                guard filter.matches(row, base.kind, layout: layout, now: now) else { return }
                if json {
                    console.write("\(HintRecordJSON.object(row, base, layout).text)\n")
                } else {
                    isGood = print(row, base, layout, console) && isGood
                }
            }
        }
        guard isGood else {
            throw ToolFailure(.dataError, "some records are damaged; bobbin hints stats counts them")
        }
    }

    /// Whether the record is whole.
    private func print(_ row: HintsRow, _ base: HintsBase, _ layout: HintsLayout, _ console: Console) -> Bool
    {
        var dump = HintsDump(base.kind, layout: layout, zone: zoneOption.zone, asExim: false)
        dump.keysOnly = keys
        let piece = dump.piece(row)
        console.write(piece.text)
        if !piece.complaint.isEmpty { console.say(piece.complaint) }
        return piece.complaint.isEmpty
    }
}

/// `bobbin hints show`.
struct HintsShowCommand: ConsoleCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show one record of a hints database.",
        discussion: """
            Example: what is known of a host
              bobbin hints show retry T:mx.example.com:192.0.2.1
            """)

    @OptionGroup var options: HintsOptions
    @OptionGroup var zoneOption: HintsZoneOption
    @Flag(name: .long, help: "One JSON object.")
    var json = false
    @Argument(help: "Database.")
    var database: String
    @Argument(help: "Key, as dump shows it.")
    var key: String

    mutating func run(on console: Console) async throws {
        let base = try options.site().base(named: ByteString(database))
        let scan = try base.scan()
        let key = ByteString(key)
        guard let octets = try await octets(key, scan) else {
            throw ToolFailure(
                .noInput, "\(database) has no record \"\(key)\": \"bobbin hints dump -k\" lists the keys")
        }
        let row = HintsRow(key: key, octets: octets)
        if json {
            console.write("\(HintRecordJSON.object(row, base, scan.layout).text)\n")
            return
        }
        let fix = HintsFix(base.kind, layout: scan.layout, zone: zoneOption.zone)
        console.write("written \(fix.text(of: key, octets))")
    }

    private func octets(_ key: ByteString, _ scan: HintsScan) async throws(ToolFailure) -> ByteString? {
        do throws(HintsTrouble) { return try await scan.octets(key) } catch { throw ToolFailure(error) }
    }
}
