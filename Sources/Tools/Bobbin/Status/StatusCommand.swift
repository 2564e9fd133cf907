import ArgumentParser
import Bytes
import MailSystem
import Spooler

/// `bobbin status`.
struct StatusCommand: ConsoleCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Tell what receivers and queue runners are doing now, as exiwhat does.",
        discussion: """
            Example: who is connected
              bobbin status --json | grep incoming
            """)

    @OptionGroup var siteOptions: SiteOptions
    @Flag(name: .long, help: "One JSON object a line; doc/bobbin-status.md lists the keys.")
    var json = false

    mutating func run(on console: Console) throws {
        let site = try siteOptions.site()
        guard site.mayList(.current()) else { throw ToolFailure.notAdmin(to: "see what programs do", site) }
        let (reports, failures) = StatusReport.all(of: site.spool.directory)
        let text = StatusText(reports: reports)
        console.write(json ? text.json : text.plain)
        for failure in failures { console.say("bobbin: status/\(failure)\n") }
        if !failures.isEmpty {
            throw ToolFailure(.failure, "\(failures.count) of the programs did not answer")
        }
    }
}

/// What programs are doing, for people and for programs.
struct StatusText: Sendable {
    let reports: [StatusReport]

    /// Lines as exiwhat prints them: the process, and what it does.
    var plain: ByteString {
        reports.reduce(into: ByteString()) { text, report in
            for line in report.lines { text += "\(report.pid) \(line.text)\n" as ByteString }
        }
    }

    /// A line for each thing that is being done.
    var json: ByteString {
        reports.reduce(into: ByteString()) { text, report in
            for line in report.lines {
                var object = JSONObject()
                object.add("program", report.program)
                object.add("pid", report.pid)
                object.add("since", line.since)
                object.add("message", line.message.isEmpty ? nil : line.message)
                object.add("peer", line.peer.isEmpty ? nil : line.peer)
                object.add("text", line.text)
                text += object.text + ByteString("\n")
            }
        }
    }
}
