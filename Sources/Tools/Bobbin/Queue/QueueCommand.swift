import ArgumentParser

/// `bobbin queue`.
struct QueueCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "queue", abstract: "Look at the messages on the queue, and change them.",
        discussion: """
            Example: freeze everything from one sender, and look at what is frozen
              bobbin queue freeze -f '<spammer@example.com>'
              bobbin queue list -z
            """,
        subcommands: [
            QueueListCommand.self, QueueCountCommand.self, QueueSummaryCommand.self, QueueReportCommand.self,
            QueueWatchCommand.self,
            QueueShowCommand.self, QueueFreezeCommand.self,
            QueueThawCommand.self, QueueRemoveCommand.self,
        ])
}
