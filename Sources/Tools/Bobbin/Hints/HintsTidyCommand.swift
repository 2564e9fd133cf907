import ArgumentParser
import Bytes
import Hints

/// `bobbin hints tidy`.
struct HintsTidyCommand: ConsoleCommand {
    static let configuration = CommandConfiguration(
        commandName: "tidy", abstract: "Remove from hints databases what is of no more use.",
        discussion: """
            Old records go, messages that are gone, TLS sessions whose tickets are over, rates that have decayed,
            and counts that a crash left over. Safe while everything runs, a real Exim too. One summary line a
            database.

            Example: what a tidying would do, without doing it
              bobbin hints tidy --dry-run --verbose
            """)

    @OptionGroup var options: HintsOptions
    @Option(
        name: .customLong("older-than"),
        help: ArgumentHelp("Records written longer ago go.", valueName: "time"))
    var olderThan = "30d"
    @Option(
        name: .customLong("ticket-lifetime"),
        help: ArgumentHelp("How long a TLS ticket is good that does not tell.", valueName: "time"))
    var ticketLifetime = "2h"
    @Flag(name: .long, help: "Give freed space back to the file system; locks each database meanwhile.")
    var vacuum = false
    @Flag(name: [.customShort("n"), .customLong("dry-run")], help: "Change nothing.")
    var dryRun = false
    @Flag(name: [.customShort("v"), .long], help: "A line for each change.")
    var verbose = false
    @Flag(name: .long, help: "One JSON object a database; doc/bobbin-hints.md lists the keys.")
    var json = false
    @Argument(help: ArgumentHelp("Databases; none for all.", valueName: "database"))
    var databases: [String] = []

    func validate() throws {
        for time in [olderThan, ticketLifetime] where HintsTime.seconds(span: ByteString(time)) == nil {
            throw ValidationError("\"\(time)\" is no time: one such as 30d, 12h or 1h30m is expected")
        }
    }

    mutating func run(on console: Console) async throws {
        let site = try options.site()
        let messages = QueuedMessages(spool: site.spool)
        var failure: ToolFailure?
        for base in try site.databases(databases) {
            do throws(ToolFailure) {
                try await tidy(base, site, messages, console)
            } catch {
                console.say("bobbin: \(error.message)\n")
                failure = error
            }
        }
        if let failure { throw ToolFailure(failure.status, "not all databases could be tidied") }
    }

    private var choices: HintsTidy.Options {
        var choices = HintsTidy.Options()
        choices.olderThan = HintsTime.seconds(span: ByteString(olderThan)) ?? choices.olderThan
        choices.ticketLifetime = HintsTime.seconds(span: ByteString(ticketLifetime)) ?? choices.ticketLifetime
        choices.isDryRun = dryRun
        return choices
    }

    private func tidy(
        _ base: HintsBase, _ site: HintsSite, _ messages: QueuedMessages, _ console: Console
    ) async throws(ToolFailure) {
        let tidy = HintsTidy(site.settings, name: base.name, kind: base.kind, options: choices)
        let report: HintsTidyReport
        do throws(HintsTrouble) {
            var progress = HintsProgress(console, base.name, total: try await base.opened().count())
            report = try await tidy.run(isQueued: { messages.contains($0) }) { event in
                if case .progress(let count) = event {
                    progress.show(count)
                } else if verbose, !json {
                    console.write("\(event.text)\n")
                }
            }
            progress.end()
        } catch {
            throw ToolFailure(error)
        }
        console.write(json ? "\(object(base, report).text)\n" : line(base, report))
        if let trouble = report.trouble { throw ToolFailure(trouble) }
        guard vacuum, !dryRun else { return }
        if case .givenUp(let trouble) = await tidy.vacuum() { throw ToolFailure(trouble) }
    }

    private func line(_ base: HintsBase, _ report: HintsTidyReport) -> ByteString {
        let reasons = HintsTidyReason.allCases.compactMap { reason -> ByteString? in
            report.deleted[reason].map { "\($0) \(reason.text)" }
        }
        let details: ByteString = reasons.isEmpty ? "" : " (\(reasons.joined(separator: ", ")))"
        return """
            \(base.name): \(report.scanned) records\(dryRun ? ", would be" : ""): \(report.deletedCount) \
            deleted\(details), \(report.updated) updated, \(report.corrupted) damaged

            """
    }

    private func object(_ base: HintsBase, _ report: HintsTidyReport) -> JSONObject {
        var object = JSONObject()
        object.add("database", base.name)
        object.add("dry_run", dryRun)
        object.add("records", report.scanned)
        object.add("deleted", report.deletedCount)
        for reason in HintsTidyReason.allCases {
            object.add("deleted_" + reason.rawValue.replacing(" ", with: "_"), report.deleted[reason] ?? 0)
        }
        object.add("updated", report.updated)
        object.add("renamed", report.renamed)
        object.add("damaged", report.corrupted)
        if let trouble = report.trouble { object.add("error", ByteString(trouble.description)) }
        return object
    }
}
