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
        signal(SIGPIPE, SIG_IGN)
        let system = try await MailSystem.start(source)
        let settings = ReceptionSettings(system)
        let log = SessionLog(system: system)
        // The queue runner may need root's rights, for deliveries as other users; sessions never do.
        let runner = needsRunner(system, settings) ? DeliveryStarter(source).startRunner(log) : nil
        let context = SessionContext(
            system: system, settings: settings, acls: system.aclEvaluator(RoutingVerifier(system)),
            login: owner(system), commits: commitGroup(system, log),
            choice: command.queueOnly ? .queue : .standard, localCaller: nil, deliver: { runner?.deliver($0) }
        )
        let listener = Listener(context: context, log: log)
        var servers: [any Channel] = []
        for address in try command.addresses(system) { servers.append(try await listener.bind(address)) }
        let door = localDoor(system, log)
        let signals = Signals.arrivals(of: [SIGTERM, SIGINT])
        try writePID()
        announce(servers, system, log)
        // Sessions need none of root's rights, and none begins before this.
        try Privileges.drop(to: system.settings.owner)
        door?.open(runner)
        await serve(servers, listener, signals, door)
        await context.commits.finish()
        await runner?.finish()
        if let file = command.pidFile { unsafe unlink(file) }
    }

    /// Runs the servers; at a signal stops accepting, and lets sessions end.
    private func serve(
        _ servers: [any Channel], _ listener: Listener, _ signals: AsyncStream<CInt>, _ door: LocalDoor?
    ) async {
        await withTaskGroup(of: Void.self) { group in
            for server in servers { group.addTask { await listener.run(server) } }
            group.addTask { await stop(at: signals, servers, listener, door) }
            await group.waitForAll()
        }
    }

    private func stop(
        at signals: AsyncStream<CInt>, _ servers: [any Channel], _ listener: Listener, _ door: LocalDoor?
    ) async {
        for await _ in signals {
            door?.shut()
            listener.sessions.stop()
            for server in servers { server.close(promise: nil) }
            break
        }
        // Sessions that have not ended in time are cut off; nothing that was accepted is lost by that.
        Task {
            try? await Task.sleep(for: .seconds(Self.patience))
            listener.sessions.abort()
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
            log.panic("the commit log is not used: \(ByteString(error.description))")
        case .messageLog(let id, let error):
            log.panic("message log: \(ByteString(error.description))", id: id.bytes)
        }
    }

    private func owner(_ system: MailSystem) -> ByteString {
        let uid = system.settings.owner?.uid ?? geteuid()
        return MailUser.account(of: uid)?.login ?? "uid\(uid)"
    }

    private func writePID() throws(StartError) {
        guard let file = command.pidFile else { return }
        let descriptor = unsafe open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw StartError("--pid-file \(file): \(unsafe String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        let text = "\(getpid())\n" as ByteString
        unsafe text.bytes.withUnsafeBytes { _ = unsafe write(descriptor, $0.baseAddress, $0.count) }
    }

    private func announce(_ servers: [any Channel], _ system: MailSystem, _ log: SessionLog) {
        let places = servers.compactMap { server -> ByteString? in
            guard let address = server.localAddress, let ip = address.ipAddress,
                let port = address.port
            else { return nil }
            return "[\(ip)]:\(port)"
        }
        let list = places.joined(separator: " ")
        log.main(
            "\(system.settings.product) daemon started: pid=\(getpid()), no queue runs, listening for SMTP on \(list)"
        )
        system.logNotices()
        let line = "listening on \(list)\n" as ByteString
        unsafe line.bytes.withUnsafeBytes { _ = unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}
