import ArgumentParser
import Bytes
import DMARCReports

/// `bobbin dmarc import-report`.
struct DMARCImportReportCommand: ConsoleCommand {
    static let configuration = CommandConfiguration(
        commandName: "import-report", abstract: "Read aggregate reports that others sent: XML, gzip or ZIP.",
        discussion: """
            Example: all attachments that were saved in a directory
              bobbin dmarc import-report reports/*.gz reports/*.zip
            """)

    @OptionGroup var options: DMARCOptions
    @Argument(help: ArgumentHelp("Files, or - for standard input.", valueName: "file"))
    var files: [String]
    @Flag(help: "Read only; change nothing.")
    var dryRun = false
    @Flag(help: "Print one JSON object for each report.")
    var json = false

    mutating func run(on console: Console) throws {
        let store = dryRun ? nil : try options.store()
        var failures = 0
        for file in files {
            do throws(DMARCError) {
                for report in try Self.read(ByteString(file)) {
                    let isNew = try store?.add(report, now: Now.seconds) ?? true
                    console.write(json ? "\(report.object(isNew: isNew).text)\n" : report.text(isNew: isNew))
                }
            } catch {
                failures += 1
                console.say("bobbin: \(file): \(error.description)\n")
            }
        }
        if failures > 0 {
            throw ToolFailure(.dataError, "\(failures) of \(files.count) file(s) could not be read")
        }
    }

    private static func read(_ path: ByteString) throws(DMARCError) -> [ForeignReport] {
        try ForeignReportReader.reports(
            in: DescriptorInput.contents(of: path, limit: ForeignReportReader.largestFile))
    }
}

extension ForeignReport {
    private var messages: Int64 { records.reduce(0) { $0 &+ $1.count } }

    /// One line for people.
    func text(isNew: Bool) -> ByteString {
        let day = ReportInterval(containing: begin).name
        return "\(day) \(domain) by \(organization): \(messages) messages\(isNew ? "" : " (known)")\n"
    }

    /// The report's head as JSON.
    func object(isNew: Bool) -> JSONObject {
        var object = JSONObject()
        object.add("organization", organization)
        object.add("report_id", reportID)
        object.add("domain", domain)
        object.add("begin", begin)
        object.add("end", end)
        object.add("rows", records.count)
        object.add("messages", messages)
        object.add("new", isNew)
        return object
    }
}
