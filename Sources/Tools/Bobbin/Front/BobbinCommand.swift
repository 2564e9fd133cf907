import ArgumentParser

/// `bobbin`: the list of its commands.
struct BobbinCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bobbin", abstract: "A mail system around a spool that speaks Exim.",
        discussion: """
            Example: see what waits, and try to deliver it
              bobbin queue list
              bobbin run

            Called as exim, exim4, sendmail, mailq, runq or rsmtp, and as "bobbin exim ...", it takes Exim's options;
            called as exigrep, exiqgrep, exiqsumm or exiwhat, it does what those do.
            """,
        version: Version.short,
        subcommands: [
            ReceiveCommand.self, SubmitCommand.self, RunCommand.self, QueueCommand.self, StatusCommand.self,
            SpoolCommand.self,
            ConfigCommand.self, HintsCommand.self, TLSCommand.self, DMARCCommand.self, ExpandCommand.self,
            RouteCommand.self,
            VerifyCommand.self, RetryCommand.self, CheckHostCommand.self, EximCommand.self,
        ])
}

/// `bobbin exim`: for the list of commands only; `Front` takes its arguments before they are parsed.
struct EximCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "exim", abstract: "Behave as the program exim: same options, output and exit codes.",
        discussion: """
            Example: the queue, as a script for Exim expects it
              bobbin exim -C /etc/exim4/exim4.conf -bp
            """)

    @Argument(parsing: .allUnrecognized, help: "Exim's options; doc/exim-personality.md lists them.")
    var options: [String] = []
}
