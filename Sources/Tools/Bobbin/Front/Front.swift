import ArgumentParser
import Bytes
import MailSystem

/// Chooses between Exim's personality and the commands of `bobbin`, and turns failures into exit codes.
struct Front: Sendable {
    let console: Console

    /// Runs the command that the words name; the first word is the name by which the program was called.
    func run(_ words: [ByteString]) async -> ExitStatus {
        let name = Personality.lastComponent(of: words.first ?? "bobbin")
        let arguments = Array(words.dropFirst())
        if let personality = Personality(calledAs: name) {
            return await EximProgram(personality, console).run(arguments)
        }
        if let program = HintsPersonality(calledAs: name) { return await program.run(arguments, on: console) }
        if let program = arguments.first.flatMap(HintsPersonality.init(calledAs:)) {
            return await program.run(Array(arguments.dropFirst()), on: console)
        }
        if let status = runUtility(name, arguments) { return status }
        if let first = arguments.first, let status = runUtility(first, Array(arguments.dropFirst())) {
            return status
        }
        if arguments.first == "exim" {
            return await EximProgram(.exim, console).run(Array(arguments.dropFirst()))
        }
        return await runCommand(ConfigurationSource.separated(arguments.map(\.string)))
    }

    /// Runs one of Exim's utilities; nil when the name is none of theirs.
    private func runUtility(_ name: ByteString, _ words: [ByteString]) -> ExitStatus? {
        switch name {
        case "exiqgrep": Exiqgrep(console: console).run(words)
        case "exiqsumm": Exiqsumm(console: console).run(words)
        case "exigrep": Exigrep(console: console).run(words)
        case "exim_lock": EximLock(console: console).run(words)
        case "exiwhat": exiwhat(words)
        default: nil
        }
    }

    /// What our programs are doing; it takes no words but those that name a configuration.
    private func exiwhat(_ words: [ByteString]) -> ExitStatus {
        do {
            var command = try StatusCommand.parse(words.map(\.string))
            try command.run(on: console)
            return .success
        } catch let failure as ToolFailure {
            console.say("exiwhat: \(failure.message)\n")
            return .failure
        } catch {
            return report(error)
        }
    }

    private func runCommand(_ arguments: [String]) async -> ExitStatus {
        do {
            var command = try BobbinCommand.parseAsRoot(arguments)
            if var waiting = command as? any ConsoleCommand {
                try await waiting.run(on: console)
            } else {
                try command.run()
            }
            return .success
        } catch let failure as ToolFailure {
            console.say("bobbin: \(failure.message)\n")
            return failure.status
        } catch {
            return report(error)
        }
    }

    /// Prints ArgumentParser's own errors and its help.
    private func report(_ error: any Error) -> ExitStatus {
        let text = ByteString(BobbinCommand.fullMessage(for: error))
        let isHelp = BobbinCommand.exitCode(for: error) == .success
        let line = text.isEmpty ? text : "\(text)\n"
        if isHelp { console.write(line) } else { console.say(line) }
        return isHelp ? .success : .usage
    }
}

/// A command that writes to the console given, so that tests can read what it writes.
protocol ConsoleCommand: ParsableCommand {
    /// Does the work; throws `ToolFailure` with the exit status.
    mutating func run(on console: Console) async throws
}
