import ArgumentParser

/// `bobbin queue freeze`.
struct QueueFreezeCommand: ConsoleCommand {
    static let configuration = CommandConfiguration(
        commandName: "freeze", abstract: "Freeze messages: they are not delivered until they are thawed.",
        discussion: """
            Example: stop everything to one domain
              bobbin queue freeze -x -r '@example\\.com$'
            """)

    @OptionGroup var edit: EditOptions

    mutating func run(on console: Console) async throws { try await edit.perform(.freeze, console) }
}
