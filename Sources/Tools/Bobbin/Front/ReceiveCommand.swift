import ArgumentParser
import Bytes
import MailSystem

/// `bobbin receive`: becomes bobbin-receiver.
struct ReceiveCommand: ConsoleCommand {
    static let configuration = CommandConfiguration(
        commandName: "receive", abstract: "Take mail over SMTP, in the foreground.",
        discussion: """
            Example: a daemon on a port of its own
              bobbin receive --listen 127.0.0.1:2525
            """)

    @OptionGroup var siteOptions: SiteOptions
    @Option(help: ArgumentHelp("Listen here instead; may be repeated.", valueName: "addr:port"))
    var listen: [String] = []
    @Option(help: ArgumentHelp("Write the process id to this file.", valueName: "file"))
    var pidFile: String?
    @Flag(help: "One SMTP session on standard input and output (-bs).")
    var stdio = false
    @Flag(help: "Batched SMTP on standard input (-bS).")
    var bsmtp = false

    func validate() throws {
        if stdio, bsmtp { throw ValidationError("--stdio and --bsmtp exclude each other: give one of them") }
        if stdio || bsmtp, !listen.isEmpty { throw ValidationError("--listen goes with the daemon only") }
    }

    mutating func run(on console: Console) throws {
        throw Sibling.receiver.execute(try siteOptions.forwarded + words, console: console)
    }

    /// The receiver's words after the configuration.
    var words: [ByteString] {
        if stdio { return ["stdio"] }
        if bsmtp { return ["bsmtp"] }
        let places = listen.flatMap { ["--listen" as ByteString, ByteString($0)] }
        return ["listen"] + places + (pidFile.map { ["--pid-file", ByteString($0)] } ?? [])
    }
}

extension SiteOptions {
    /// The same options for another program: the configuration found, not searched again.
    var forwarded: [ByteString] {
        get throws(ToolFailure) { try source().arguments.map { ByteString($0) } }
    }
}
