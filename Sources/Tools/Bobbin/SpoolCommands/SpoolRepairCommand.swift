import ArgumentParser
import Bytes
import Spooler

/// `bobbin spool repair`.
struct SpoolRepairCommand: ConsoleCommand {
    static let configuration = CommandConfiguration(
        commandName: "repair", abstract: "Put right what can be put right without losing mail.",
        discussion: """
            Brings onto the queue what a receiver that was killed had accepted into its commit log; removes what crashes left over, and sorts trees; each under the message's lock, after looking again. The rest is left to people.

            Example: after a crash of the machine
              bobbin spool repair
            """)

    @OptionGroup var queue: QueueOptions
    @Option(
        name: [.customShort("o"), .customLong("older")],
        help: ArgumentHelp("Regard unfinished files only from this age on.", valueName: "seconds"))
    var age: Int64 = 86_400
    @Flag(name: .long, help: "One JSON object a finding, with the outcome.")
    var json = false

    private func recoverCommits(_ spool: Spool, _ console: Console) throws(ToolFailure) {
        do throws(SpoolError) {
            for (id, text) in try spool.recoverCommits()?.logLines ?? [] {
                console.say("\(id.bytes) \(text)\n")
            }
        } catch {
            throw ToolFailure(
                .ioError, "the commit log cannot be recovered, and is kept: \(error.description)")
        }
    }

    mutating func run(on console: Console) throws {
        let spool = try queue.changeableSpool()
        var left = 0
        try recoverCommits(spool, console)
        for finding in try SpoolFindings.all(in: spool, olderThan: age) {
            let outcome = try SpoolFindings.repair(finding, in: spool)
            if outcome == .held || outcome == .leftToPeople { left += 1 }
            console.write(finding.line(asJSON: json, outcome))
        }
        if left > 0 {
            throw ToolFailure(
                .dataError, "\(left) findings are left; look at them with \"bobbin spool show\"")
        }
    }
}

extension QueueOptions {
    /// The queue, if the caller may change it.
    func changeableSpool() throws(ToolFailure) -> Spool {
        let site = try site()
        guard site.isAdmin(.current()) else { throw .notAdmin(to: "change the spool", site) }
        return try spool(of: site)
    }
}
