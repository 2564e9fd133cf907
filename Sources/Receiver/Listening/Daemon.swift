import ACL
import Bytes
import Configuration
import EximLog
import Expansion
import Glibc
import MailSystem
import NIOCore
import NIOPosix
import Spooler

/// The receiving daemon, from its start to its graceful end.
struct Daemon {
    /// How long sessions may take to end after SIGTERM, in seconds.
    static let patience = 60

    let source: ConfigurationSource
    let command: ListenCommand

    func run() async throws(StartError) {
        ProcessLimits.prepare()
        let system = try await MailSystem.start(source)
        let settings = try ReceptionSettings(system)
        let log = SessionLog(system: system)
        // The queue runner may need root's rights, for deliveries as other users; sessions never do.
        let runner =
            needsRunner(system, settings) || !command.runWords.isEmpty
            ? DeliveryStarter(source).startRunner(log, command.runWords) : nil
        let context = context(system, settings, commitGroup(system, log), runner)
        // Bound by root; nobody is let in before `run`, when root's rights are gone.
        var sockets: [ListeningSocket] = []
        for address in try command.addresses(system) {
            sockets.append(try await settings.patience.bind(address, backlog: settings.backlog, log))
        }
        // Ports of one's own make a daemon that is not the site's (manual, option pid_file_path).
        let pidFile = ProcessIDFile(
            command.pidFile, otherwise: command.hasOwnPlaces ? nil : system.settings.pidFilePath)
        let door = localDoor(system, log)
        let signals = Signals.arrivals(of: [SIGTERM, SIGINT, SIGHUP])
        try pidFile?.write()
        announce(sockets, context, log)
        // Sessions need none of root's rights, and none begins before this.
        try Privileges.drop(to: system.settings.owner)
        door?.open(runner)
        await ServiceCheck(context, log).run()
        // What is open now stays open; the rest of the descriptors is for sessions.
        let listener = Listener(context: context, log: log, reserve: .ofProcess())
        let status = statusSocket(sockets, listener, context)
        let bound = sockets
        await serve(sockets, listener, signals, door) { await reload(listener, runner, bound) }
        await listener.current.forgetTurns()
        await context.commits.finish()
        status?.close()
        await runner?.finish()
        pidFile?.remove()
    }

    /// Runs the servers; at a signal stops accepting, and lets sessions end.
    private func serve(
        _ sockets: [ListeningSocket], _ listener: Listener, _ signals: AsyncStream<CInt>, _ door: LocalDoor?,
        _ reload: @escaping @Sendable () async -> Void
    ) async {
        await withTaskGroup(of: Void.self) { group in
            for socket in sockets { group.addTask { await listener.run(socket) } }
            group.addTask { await stop(at: signals, sockets, listener, door, reload: reload) }
            await group.waitForAll()
        }
    }

    private func stop(
        at signals: AsyncStream<CInt>, _ sockets: [ListeningSocket], _ listener: Listener, _ door: LocalDoor?,
        reload: @Sendable () async -> Void
    ) async {
        for await signal in signals {
            if signal == SIGHUP {
                await reload()
                continue
            }
            door?.shut()
            listener.sessions.stop()
            for socket in sockets { socket.close() }
            break
        }
        // Sessions that have not ended in time are cut off; nothing that was accepted is lost by that.
        Task {
            try? await Task.sleep(for: .seconds(Self.patience))
            listener.sessions.abort()
        }
    }

    private func context(
        _ system: MailSystem, _ settings: ReceptionSettings, _ commits: CommitGroup, _ runner: RunnerProcess?
    ) -> SessionContext {
        var context = SessionContext(
            system: system, settings: settings, acls: system.aclEvaluator(RoutingVerifier(system)),
            login: owner(system), commits: commits, choice: command.queueOnly ? .queue : .standard,
            localCaller: nil, deliver: { runner?.deliver($0) })
        context.beginsInTLS = command.tlsOnConnect
        return context
    }

    /// Reads the configuration anew (SIGHUP): for sessions that begin from now on, and for the queue runner.
    ///
    /// A configuration that cannot be used changes nothing, and the log says why.
    private func reload(_ listener: Listener, _ runner: RunnerProcess?, _ sockets: [ListeningSocket]) async {
        let old = listener.current.context
        old.system.log.main("pid \(getpid()): SIGHUP received: re-exec daemon")
        do throws(StartError) {
            let configuration = try source.read()
            // The zone belongs to the process, and other threads read it.
            guard configuration.main.text("timezone") == old.system.configuration.main.text("timezone") else {
                throw StartError("another timezone needs a restart")
            }
            let system = try await MailSystem.start(configuration)
            guard system.spool.directory == old.system.spool.directory else {
                throw StartError("another spool_directory needs a restart")
            }
            let new = context(system, try ReceptionSettings(system), old.commits, runner)
            listener.current.replace(by: new)
            runner?.restart()
            let log = SessionLog(system: system)
            announce(sockets, new, log)
            await ServiceCheck(new, log).run()
        } catch {
            old.system.log.panic(
                "the new configuration is not used, the old one stays: \(ByteString(error.description))")
        }
    }

    /// Whether messages are delivered at once, or ETRN may ask for deliveries.
    private func needsRunner(_ system: MailSystem, _ settings: ReceptionSettings) -> Bool {
        guard !command.queueOnly else { return false }
        let hasETRN = system.configuration.main.template(ACLMoment.etrn.option) != nil
        return hasETRN || !settings.queueing.queueOnly
    }

    /// The local socket; without it ordinary users cannot hand in mail, and the log says why.
    private func localDoor(_ system: MailSystem, _ log: SessionLog) -> LocalDoor? {
        guard let path = system.settings.submissionSocket else { return nil }
        do throws(StartError) {
            let door = try LocalDoor(at: path, source)
            if !LocalSocket.isReachable(path) {
                log.main("local socket \(path): ordinary users cannot reach it; chmod o+x its directory")
            }
            return door
        } catch {
            log.main("no local socket: \(ByteString(error.description))")
            return nil
        }
    }

    private func commitGroup(_ system: MailSystem, _ log: SessionLog) -> CommitGroup {
        let sharing = system.settings.commitSharing
        let group = CommitGroup(system.spool, sharing) { Self.tell($0, log) }
        if sharing != .eximOrder, !group.isShared {
            log.main(
                "commit_sharing: messages are committed each for itself, since the spool directory cannot be opened or the kernel is older than Linux 5.8"
            )
        }
        return group
    }

    private static func tell(_ notice: CommitGroup.Notice, _ log: SessionLog) {
        switch notice {
        case .recovered(let recovery):
            for (id, text) in recovery.logLines { log.main(text, id: id.bytes) }
        case .unsettled(let id, let error):
            log.panic(
                "accepted, but not on the queue yet: \(ByteString(error.description)); it is safe in the commit log, and tried again",
                id: id.bytes)
        case .logFailed(let error):
            log.panic(
                "the commit log cannot be used now, mail is taken without it: \(ByteString(error.description))"
            )
        case .logElsewhere:
            log.main("another process has the commit log: mail is taken without it until that one ends")
        case .messageLog(let id, let error):
            log.panic("message log: \(ByteString(error.description))", id: id.bytes)
        }
    }

    private func owner(_ system: MailSystem) -> ByteString {
        let uid = system.settings.owner?.uid ?? geteuid()
        return MailUser.account(of: uid)?.login ?? "uid\(uid)"
    }

    /// Tells whoever asks which sessions there are (doc/bobbin-status.md).
    private func statusSocket(
        _ sockets: [ListeningSocket], _ listener: Listener, _ context: SessionContext
    ) -> StatusSocket? {
        let since = SpoolTime.now().seconds
        let (sessions, system) = (listener.sessions, context.system)
        let text: ByteString = "daemon: \(queueRuns), listening \(Self.services(sockets, context))"
        return StatusSocket(
            program: "bobbin-receiver", spool: system.spool.directory, owner: system.settings.owner
        ) {
            [StatusLine(since: since, text: text)] + sessions.statusLines
        }
    }

    private var queueRuns: ByteString {
        command.runInterval.flatMap(EximInterval.parse).map { "-q\(EximInterval.format($0))" }
            ?? "no queue runs"
    }

    /// The places of SMTP, and of those where TLS comes first.
    private static func services(_ sockets: [ListeningSocket], _ context: SessionContext) -> ByteString {
        let secure = sockets.filter { context.beginsWithTLS(at: $0.local.port) }
        let clear = sockets.filter { !context.beginsWithTLS(at: $0.local.port) }
        let parts: [(ByteString, [ListeningSocket])] = [("SMTP", clear), ("SMTPS", secure)]
        let texts = parts.filter { !$0.1.isEmpty }.map { "for \($0.0) on \(places($0.1))" as ByteString }
        return ByteString(texts.joined(separator: " and "))
    }

    private static func places(_ sockets: [ListeningSocket]) -> ByteString {
        let places = sockets.compactMap { socket -> ByteString? in
            guard let ip = socket.local.ipAddress, let port = socket.local.port else { return nil }
            return "[\(ip)]:\(port)"
        }
        return places.joined(separator: " ")
    }

    private func announce(_ sockets: [ListeningSocket], _ context: SessionContext, _ log: SessionLog) {
        ServiceCheck(context, log).warn()
        let product = context.system.settings.product
        let services = Self.services(sockets, context)
        log.main("\(product) daemon started: pid=\(getpid()), \(queueRuns), listening \(services)")
        context.system.logNotices()
        let line = "listening on \(Self.places(sockets))\n" as ByteString
        unsafe line.bytes.withUnsafeBytes { _ = unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}
