import ArgumentParser

/// `bobbin queue remove`.
struct QueueRemoveCommand: ConsoleCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Remove messages without a bounce; this cannot be undone.",
        discussion: """
            Example: remove the frozen bounces
              bobbin queue remove -z -f '^<>$'
            """)

    @OptionGroup var edit: EditOptions

    mutating func run(on console: Console) async throws { try await edit.perform(.remove, console) }
}
