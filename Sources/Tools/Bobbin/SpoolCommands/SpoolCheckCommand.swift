import ArgumentParser
import Bytes
import Spooler

/// `bobbin spool check`.
struct SpoolCheckCommand: ConsoleCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Tell of every file of the spool that is not as it should be.",
        discussion: """
            Ends with status 65 when something was found.

            Example: everything, however young
              bobbin spool check --older 0
            """)

    @OptionGroup var queue: QueueOptions
    @Option(
        name: [.customShort("o"), .customLong("older")],
        help: ArgumentHelp("Regard unfinished files only from this age on.", valueName: "seconds"))
    var age: Int64 = 3600
    @Flag(name: .long, help: "One JSON object a finding: id, kind, path, detail, repairable.")
    var json = false

    mutating func run(on console: Console) throws {
        let findings = try SpoolFindings.all(in: queue.listableSpool(), olderThan: age)
        for finding in findings { console.write(finding.line(asJSON: json)) }
        if !findings.isEmpty {
            throw ToolFailure(.dataError, "\(findings.count) findings; see \"bobbin spool repair\"")
        }
    }
}
