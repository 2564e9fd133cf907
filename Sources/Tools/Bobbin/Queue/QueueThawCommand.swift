import ArgumentParser

/// `bobbin queue thaw`.
struct QueueThawCommand: ConsoleCommand {
    static let configuration = CommandConfiguration(
        commandName: "thaw", abstract: "Thaw messages: the next queue run tries them.",
        discussion: """
            Example: thaw all that is frozen
              bobbin queue thaw -z
            """)

    @OptionGroup var edit: EditOptions

    mutating func run(on console: Console) async throws { try await edit.perform(.thaw, console) }
}
