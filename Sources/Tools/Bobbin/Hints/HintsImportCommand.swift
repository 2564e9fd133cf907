import ArgumentParser
import Bytes
import Hints

/// `bobbin hints import`.
struct HintsImportCommand: ConsoleCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Take hints from another directory, or from exim_dumpdb's text.",
        discussion: """
            Of two records with one key the newer one stays. The text lacks the filters of rates, TLS sessions, and
            with Exim 4.99 and earlier the records of misc; what cannot be taken is told by line.

            Example: move the retry times of an Exim with Berkeley DB
              exim_dumpdb -z /var/spool/exim4 retry | bobbin hints import --text - -z retry
            """)

    @OptionGroup var options: HintsOptions
    @OptionGroup var zoneOption: HintsZoneOption
    @Option(name: .long, help: ArgumentHelp("Directory of SQLite hints databases.", valueName: "directory"))
    var from: String?
    @Option(
        name: .long, help: ArgumentHelp("What exim_dumpdb printed; - is standard input.", valueName: "file"))
    var text: String?
    @Flag(name: [.customShort("n"), .customLong("dry-run")], help: "Read, and change nothing.")
    var dryRun = false
    @Flag(name: .long, help: "One JSON object a database; doc/bobbin-hints.md lists the keys.")
    var json = false
    @Argument(
        help: ArgumentHelp(
            "Databases; with --from none for all, with --text just one.", valueName: "database"))
    var databases: [String] = []

    func validate() throws {
        if (from == nil) == (text == nil) {
            throw ValidationError("either --from with a directory or --text with a file is expected")
        }
        if text != nil, databases.count != 1 {
            throw ValidationError("--text needs the name of one database that the text is of")
        }
    }

    mutating func run(on console: Console) async throws {
        let site = try options.site()
        var faults = 0
        if let text {
            faults = try await take(text: ByteString(text), site, console)
        } else if let from {
            for source in try Self.sources(ByteString(from), databases) {
                faults += try await take(source, site, console)
            }
        }
        if faults > 0 { throw ToolFailure(.dataError, "\(faults) records were not taken") }
    }

    private static func sources(_ directory: ByteString, _ names: [String]) throws(ToolFailure) -> [HintsBase]
    {
        do throws(HintsTrouble) {
            let all = try names.isEmpty ? HintsDirectory.names(directory) : names.map { ByteString($0) }
            return all.compactMap { HintsBase(HintsSettings(directory: directory), $0) }
        } catch {
            throw ToolFailure(.noInput, "\(error.path): \(error.reason)")
        }
    }

    private func take(text file: ByteString, _ site: HintsSite, _ console: Console) async throws(ToolFailure)
        -> Int
    {
        let base = try site.base(named: ByteString(databases[0]), mustExist: false)
        let octets = try file == "-" ? Self.input(console) : Self.contents(file)
        let text = DumpText(
            base.kind, octets, zone: zoneOption.zone, now: HintsSettings.systemSeconds())
        var report = HintsImportReport()
        if dryRun {
            report.written = text.hints.count
            report.faults = text.faults
        } else {
            report = await HintsImport(site.settings, name: base.name, kind: base.kind).take(text)
        }
        return try tell(base, report, console)
    }

    private static func input(_ console: Console) -> ByteString {
        var text = ByteString()
        while let line = console.readLine() { text += "\(line)\n" as ByteString }
        return text
    }

    private static func contents(_ file: ByteString) throws(ToolFailure) -> ByteString {
        do throws(HintsTrouble) {
            return try HintsDirectory.contents(of: file)
        } catch {
            throw ToolFailure(.noInput, "\(error.path): \(error.reason)")
        }
    }

    private func take(_ source: HintsBase, _ site: HintsSite, _ console: Console) async throws(ToolFailure)
        -> Int
    {
        let report: HintsImportReport
        do throws(HintsTrouble) {
            report = try await taken(from: source, site, console)
        } catch {
            throw ToolFailure(error)
        }
        return try tell(source, report, console)
    }

    private func taken(
        from source: HintsBase, _ site: HintsSite, _ console: Console
    ) async throws(HintsTrouble) -> HintsImportReport {
        let total = try await HintsScan(source.path).count()
        if dryRun {
            var report = HintsImportReport()
            report.written = total
            return report
        }
        var progress = HintsProgress(console, source.name, total: total)
        let target = HintsImport(site.settings, name: source.name, kind: source.kind)
        let report = try await target.take(from: source.path) { progress.show($0) }
        progress.end()
        return report
    }

    /// Prints what was done; gives how many records were not taken.
    private func tell(
        _ base: HintsBase, _ report: HintsImportReport, _ console: Console
    ) throws(ToolFailure) -> Int {
        for fault in report.faults { console.say("\(base.name): \(fault.place): \(fault.reason)\n") }
        if json {
            var object = JSONObject()
            object.add("database", base.name)
            object.add("dry_run", dryRun)
            object.add("written", report.written)
            object.add("kept", report.kept)
            object.add("faults", report.faults.count)
            console.write("\(object.text)\n")
        } else {
            console.write(
                """
                \(base.name): \(report.written) records \(dryRun ? "would be " : "")taken, \(report.kept) kept as they are, \
                \(report.faults.count) not taken

                """)
        }
        if let trouble = report.trouble { throw ToolFailure(trouble) }
        return report.faults.count
    }
}
