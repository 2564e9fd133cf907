import ArgumentParser

/// `bobbin hints`.
struct HintsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hints", abstract: "Look at the hints databases, and keep them small.",
        discussion: """
            Hints are what earlier deliveries and callouts taught: retry times, waiting messages, rates, sessions.

            Example: why nothing goes to a host, and a nightly tidying
              bobbin hints next mx.example.com
              bobbin hints tidy --older-than 30d
            """,
        subcommands: [
            HintsListCommand.self, HintsDumpCommand.self, HintsShowCommand.self, HintsNextCommand.self,
            HintsTidyCommand.self, HintsFixCommand.self, HintsImportCommand.self, HintsStatsCommand.self,
        ])
}
