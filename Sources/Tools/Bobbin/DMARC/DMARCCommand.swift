import ArgumentParser

/// `bobbin dmarc`.
struct DMARCCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dmarc", abstract: "Keep DMARC history, report to domains, and read what others report.",
        discussion: """
            Example: what a daily job does
              bobbin dmarc import --rotate
              bobbin dmarc report
              bobbin dmarc expire
            """,
        subcommands: [
            DMARCImportCommand.self, DMARCReportCommand.self, DMARCStatsCommand.self,
            DMARCImportReportCommand.self, DMARCExpireCommand.self, DMARCShowCommand.self,
        ])
}
