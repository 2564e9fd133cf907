import ArgumentParser
import MailSystem

/// `bobbin config default`.
struct ConfigDefaultCommand: ConsoleCommand {
    static let configuration = CommandConfiguration(
        commandName: "default", abstract: "Print the configuration that is built in.",
        discussion: """
            Example: begin one of your own
              bobbin config default > bobbin.conf
            """)

    mutating func run(on console: Console) throws { console.write(ConfigurationSource.builtInText()) }
}
