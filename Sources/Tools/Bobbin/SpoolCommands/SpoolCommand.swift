import ArgumentParser

/// `bobbin spool`.
struct SpoolCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "spool", abstract: "Check the spool's files; take messages out, and put them back.",
        discussion: """
            Example: what is not as it should be
              bobbin spool check
            """,
        subcommands: [
            SpoolCheckCommand.self, SpoolRepairCommand.self, SpoolShowCommand.self, SpoolExportCommand.self,
            SpoolRequeueCommand.self,
        ])
}
