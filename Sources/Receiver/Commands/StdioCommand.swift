import ArgumentParser
import Bytes
import Configuration
import Expansion
import Glibc
import MailSystem
import Spooler

/// `bobbin-receiver stdio`: one SMTP session on standard input and output (`-bs`).
struct StdioCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stdio",
        abstract: "Runs one SMTP session on standard input and output.",
        discussion: "Example: bobbin-receiver stdio < session.txt")

    @ParentCommand var program: ReceiverProgram

    @Option(
        help: "The client's address, as a super-server knows it: ADDRESS or ADDRESS:PORT (trusted callers).")
    var host: String?

    @Flag(help: "Only queue what comes in; a queue run delivers it.")
    var queueOnly = false

    mutating func run() async throws {
        do throws(StartError) {
            try await session()
        } catch {
            throw Exit.failure(ByteString(error.description), EX_CONFIG)
        }
    }

    private func session() async throws(StartError) {
        ProcessLimits.prepare()
        let source = try program.shared.source()
        let system = try await MailSystem.start(source)
        let settings = ReceptionSettings(system)
        let caller = await LocalCaller.current(system, settings, fullName: nil)
        let starter = DeliveryStarter(source)
        let context = SessionContext(
            system: system, settings: settings, acls: system.aclEvaluator(RoutingVerifier(system)),
            login: caller.login, commits: CommitGroup(system.spool, .eximOrder),
            queueOnly: queueOnly || settings.queueOnly, localCaller: caller,
            deliver: { starter.deliverAlone($0) })
        var session = Session(context, DescriptorWire(), try connection(caller))
        await session.run()
    }

    private func connection(_ caller: LocalCaller) throws(StartError) -> ConnectionFacts {
        var facts = ConnectionFacts()
        guard let host else {
            facts.ident = caller.login
            facts.receivedProtocol = "local-smtp"
            return facts
        }
        guard caller.isTrusted else { throw StartError("--host: only trusted users may name the client") }
        let address =
            IPAddress(ByteString(host)).map { ($0, 0) }
            ?? ListeningAddress(ByteString(host)).flatMap { parsed in
                IPAddress(ByteString(parsed.host)).map { ($0, parsed.port) }
            }
        guard let (ip, port) = address else { throw StartError("--host \(host): expected an IP address") }
        facts.remoteAddress = ip
        facts.remotePort = port
        return facts
    }
}
