import ACL
import ArgumentParser
import Bytes
import EximLog
import Expansion
import Glibc
import MailSystem
import MailText
import Spooler
import Synchronization

/// `bobbin-receiver rehearse`: a session as if from another host, in which nothing is accepted for real
/// (`-bh`, `-bhc`, `bobbin check-host`).
struct RehearseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rehearse",
        abstract: "Holds an SMTP session as if from another host; nothing is accepted for real.",
        discussion: "Example: bobbin-receiver rehearse 192.0.2.1 < session.txt")

    @ParentCommand var program: ReceiverProgram
    @OptionGroup var options: LocalOptions
    @Argument(help: "The host's address, perhaps with a port: 192.0.2.1, [192.0.2.1]:1234.")
    var address: String
    @Flag(help: "Make callouts.")
    var callouts = false
    @Option(help: "Say this in EHLO, and the rest of a session, instead of reading one from standard input.")
    var helo: String?
    @Option(help: "The envelope sender of that session; empty for a bounce.")
    var from = ""
    @Option(help: "A recipient of that session; may be repeated.")
    var to: [String] = []
    @Flag(help: "Show every step, not just those that decide.")
    var steps = false

    mutating func run() async throws {
        let script = helo.map { SessionScript(helo: $0, sender: from, recipients: to, showsSteps: steps) }
        let isGood: Bool
        do throws(StartError) {
            isGood = try await Rehearsing(
                source: program.shared.source(), address: ByteString(address), options: options,
                makesCallouts: callouts
            ).run(script)
        } catch {
            throw Exit.failure(ByteString(error.description), EX_CONFIG)
        }
        throw isGood ? ExitCode.success : ExitCode.failure
    }
}

/// Holds a session that is only to see what would happen.
struct Rehearsing {
    let source: ConfigurationSource
    let address: ByteString
    let options: LocalOptions
    let makesCallouts: Bool

    /// Holds the session that is read from standard input, or a script's; false when a command of that was refused.
    func run(_ script: SessionScript?) async throws(StartError) -> Bool {
        ProcessLimits.prepare()
        signal(SIGPIPE, SIG_IGN)
        guard let (host, port) = PeerClaims.place(address) else {
            throw StartError("\"\(address.string)\" is not a valid IP address for the -bh option")
        }
        let report = script.map { SessionReport(showsSteps: $0.showsSteps) }
        let trace = TraceWriter(report)
        let rehearsal = Rehearsal(observer: trace, makesCallouts: makesCallouts)
        let system = try await MailSystem.start(source, rehearsal: rehearsal)
        trace.attach(SessionLog(system: system))
        let settings = try ReceptionSettings(system)
        var context = SessionContext(
            system: system, settings: settings, acls: system.aclEvaluator(RoutingVerifier(system)),
            login: "", commits: CommitGroup(system.spool, .eximOrder), choice: .queue, localCaller: nil,
            deliver: { _ in })
        context.isRehearsal = true
        var facts = ConnectionFacts()
        try options.rehearsed.apply(to: &facts)
        facts.remoteAddress = host
        facts.remotePort = port ?? 0
        if let script, let report {
            let wire = ScriptWire(script, report)
            var session = Session(context, wire, facts)
            await session.run()
            wire.settle()
            return report.finish()
        }
        let wire = DescriptorWire()
        _ = await wire.write(
            """

            **** SMTP testing session as if from host \(host.text)
            **** but without any ident (RFC 1413) callback.
            **** This is not for real!
            \n
            """)
        var session = Session(context, wire, facts)
        await session.run()
        return true
    }
}

/// Writes what ACLs do as Exim does with `-bh`, or gives it to a report.
final class TraceWriter: ACLObserver {
    private let report: SessionReport?
    private let writer = Mutex<SessionLog?>(nil)

    init(_ report: SessionReport?) { self.report = report }

    /// Begins to write lines of the log; before that there are none.
    func attach(_ log: SessionLog) { writer.withLock { $0 = log } }

    func note(_ step: ByteString) {
        if let report { return report.note(step) }
        let line: ByteString = ">>> \(step)\n"
        unsafe line.bytes.withUnsafeBytes { _ = unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    func log(_ line: ACLState.LogLine, _ facts: Facts) { writer.withLock(\.self)?.write(line, facts) }
}
