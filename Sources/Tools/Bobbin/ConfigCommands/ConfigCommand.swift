import ArgumentParser

/// `bobbin config`.
struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Check and show the configuration.",
        discussion: """
            Example: before a change goes live
              bobbin config check -C new.conf
            """,
        subcommands: [
            ConfigCheckCommand.self, ConfigShowCommand.self, ConfigOptionsCommand.self,
            ConfigDefaultCommand.self,
        ])
}
