import ArgumentParser
import Bytes
import Configuration
import DMARCReports
import Expansion
import Glibc

/// `bobbin dmarc import`.
struct DMARCImportCommand: ConsoleCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Bring history files of Exim and OpenDMARC into the store.",
        discussion: """
            Example: what came since the last time; the file is left as it is
              bobbin dmarc import /var/spool/exim4/dmarc.history
            """)

    @OptionGroup var options: DMARCOptions
    @Argument(
        help: ArgumentHelp(
            "History files, or - for standard input; else dmarc_history_file of the configuration.",
            valueName: "file"))
    var files: [String] = []
    @Option(
        help: ArgumentHelp(
            "Into a PostgreSQL database, instead of the store: postgresql://user@host/name.",
            valueName: "postgresql:..."))
    var to: String?
    @Flag(help: "Empty each file: rename it, import it, remove it.")
    var rotate = false
    @Flag(help: "Read each file from its start, even where an earlier import got further.")
    var fromStart = false
    @Option(
        help: ArgumentHelp(
            "Append bad records to this file; else to <store>.rejected, or with --to to none.",
            valueName: "file"))
    var rejects: String?
    @Option(
        help: ArgumentHelp(
            "How long a file must rest before its last record counts as whole.", valueName: "seconds"))
    var settle: Int64 = 2
    @Flag(help: "Read only; change neither store nor files.")
    var dryRun = false
    @Flag(help: "Print the summary as JSON.")
    var json = false

    func validate() throws {
        if rotate, files.contains("-") {
            throw ValidationError("--rotate needs files: standard input cannot be renamed")
        }
        if let to, !PostgresHistory.isMeant(by: ByteString(to)) {
            throw ValidationError(
                "--to \(to): want postgresql://user@host/name, or postgresql: and libpq's words")
        }
        if to != nil, options.database != nil {
            throw ValidationError("--to and --database exclude each other")
        }
        if settle < 0 { throw ValidationError("--settle: want seconds, 0 or more") }
    }

    mutating func run(on console: Console) throws {
        let bar = ImportBar(console)
        let importer = HistoryImport(try sink(), options: try importOptions()) { bar.show($0) }
        var summary = ImportSummary()
        for file in try paths() { summary.add(try add(file, importer)) }
        bar.clear()
        console.write(json ? "\(summary.object.text)\n" : summary.text)
    }

    private func sink() throws -> any HistoryStoring {
        if dryRun { return NoStore() }
        if let to {
            return try ToolFailure.translating { () throws(DMARCError) in try PostgresHistory(ByteString(to))
            }
        }
        return try options.store()
    }

    private func paths() throws(ToolFailure) -> [ByteString] {
        if !files.isEmpty { return files.map { ByteString($0) } }
        guard
            let path = try options.siteOptions.site().configuration.main.template("dmarc_history_file")?
                .literal
        else { throw ToolFailure(.usage, "which file? name one, or set dmarc_history_file to a plain path") }
        return [path]
    }

    private func importOptions() throws(ToolFailure) -> HistoryImport.Options {
        var made = HistoryImport.Options()
        made.settle = settle
        made.fromStart = fromStart
        if !dryRun {
            if let rejects {
                made.rejectFile = ByteString(rejects)
            } else if to == nil {
                made.rejectFile = "\(try options.path()).rejected"
            }
        }
        return made
    }

    private func add(_ path: ByteString, _ importer: HistoryImport) throws(ToolFailure) -> ImportSummary {
        try ToolFailure.translating { () throws(DMARCError) in
            if path == "-" {
                return try importer.stream(named: "standard input") { () throws(DMARCError) in
                    try DescriptorInput.next(STDIN_FILENO)
                }
            }
            return rotate && !dryRun ? try importer.rotate(path) : try importer.file(path)
        }
    }
}

/// A store that takes nothing, for looking only.
private struct NoStore: HistoryStoring {
    func position(device: Int64, inode: Int64) throws(DMARCError) -> HistoryPosition? { nil }

    func commit(
        _ batch: HistoryBatch, now: Int64, setAside: ([RejectedRecord]) throws -> Void
    ) throws(DMARCError) -> BatchOutcome {
        var outcome = BatchOutcome()
        outcome.added = batch.records.count
        return outcome
    }

    func forget(_ position: HistoryPosition) throws(DMARCError) {}
}

extension ImportSummary {
    /// One line for people.
    var text: ByteString {
        var text: ByteString = "read \(read) records: \(added) new, \(known) known, \(rejected) rejected"
        if unknownLines > 0 { text += "; \(unknownLines) lines with unknown keys" as ByteString }
        if held > 0 { text += "; the last record of \(held) file(s) waits for the next import" as ByteString }
        return text + ByteString("\n")
    }

    /// The summary as JSON.
    var object: JSONObject {
        var object = JSONObject()
        object.add("read", read)
        object.add("added", added)
        object.add("known", known)
        object.add("rejected", rejected)
        object.add("unknown_lines", unknownLines)
        object.add("octets", octets)
        object.add("held", held)
        return object
    }
}
