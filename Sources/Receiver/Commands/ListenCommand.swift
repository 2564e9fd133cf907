import ArgumentParser
import Bytes
import Configuration
import Glibc
import MailSystem
import NIOCore

/// `bobbin-receiver listen`: the daemon.
struct ListenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "listen",
        abstract: "Listens for SMTP connections, in the foreground, until SIGTERM.",
        discussion: "Example: bobbin-receiver listen --listen 127.0.0.1:2525 --pid-file /run/bobbin.pid")

    @ParentCommand var program: ReceiverProgram

    @Option(help: "An address and port to listen on, instead of local_interfaces; may be repeated.")
    var listen: [String] = []

    @Option(name: .customLong("interfaces"), help: "Addresses or ports as Exim's -oX takes them.")
    var interfaces: String?

    @Option(help: "A file that gets the process id.")
    var pidFile: String?

    @Option(
        name: .customLong("run-word"),
        help:
            "A word for the queue runner that makes queue runs, such as --run-word=--every --run-word=30m; may be repeated."
    )
    var runWords: [String] = []

    @Flag(help: "Only queue what comes in; a queue run delivers it.")
    var queueOnly = false

    @Flag(help: "Begin with TLS at every port, as at those of tls_on_connect_ports.")
    var tlsOnConnect = false

    mutating func run() async throws {
        do throws(StartError) {
            try await Daemon(source: try program.shared.source(), command: self).run()
        } catch {
            throw Exit.failure(ByteString(error.description), EX_CONFIG)
        }
    }

    /// The interval of queue runs; nil when there are none.
    var runInterval: ByteString? {
        guard let place = runWords.firstIndex(of: "--every") else { return nil }
        return runWords.dropFirst(place + 1).first.map { ByteString($0) }
    }

    /// Whether the command line says where to listen.
    var hasOwnPlaces: Bool { !listen.isEmpty || interfaces != nil }

    /// Where to listen.
    func addresses(_ system: MailSystem) throws(StartError) -> [ListeningAddress] {
        if listen.isEmpty {
            return try ListeningAddress.configured(
                system.configuration.main, override: interfaces.map { ByteString($0) })
        }
        var result: [ListeningAddress] = []
        for text in listen {
            guard let address = ListeningAddress(ByteString(text)) else {
                throw StartError("--listen \(text): expected ADDRESS:PORT, such as 127.0.0.1:2525")
            }
            result.append(address)
        }
        return result
    }
}
