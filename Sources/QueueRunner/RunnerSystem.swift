import Bytes
import ChildPrograms
import Configuration
import EximLog
import Expansion
import Filter
import Glibc
import Hints
import MailSystem
import Routing
import Spooler
import Synchronization
import Transports

/// Everything that deliveries share in this process.
///
/// A class, since each delivery keeps it: copying so many fields for each was a twentieth of a queue run's time.
final class RunnerSystem: Sendable {
    /// The most messages that are worked on at one time; those that wait for a busy host do not count.
    static let messagesInFlight = 100
    /// The most local deliveries at one time.
    static let localDeliveries = 16

    let system: MailSystem
    let source: ConfigurationSource
    let spool: Spool
    let options: RunOptions
    let transports: [ByteString: Transport]
    /// The routers, which write what filters log.
    let router: AddressRouter
    let transportEnvironment: TransportEnvironment
    let retries: HintsDatabase
    let waits: WaitDatabases
    /// The runs of transports with `max_parallel`.
    let transportTurns: TransportTurns
    let chooser: RetryChooser
    let messageSlots: Slots
    let localSlots: Slots
    /// The threads that deliveries run on.
    let loops: DeliveryLoops
    /// Makes journals durable.
    let journals: JournalGroup
    /// Makes the removal of messages durable.
    let removals: RemovalGroup
    /// How opening messages goes.
    let openings = OpeningPace()
    /// The retry records that are to go.
    let forgetting: RetryForgetting
    let stop: StopSignal
    let settings: DeliverySettings
    /// What this process is doing, for whoever asks.
    let activity: RunnerActivity

    /// Makes what a program's runs share; throws when an option that bears on safety cannot be understood.
    init(
        _ system: MailSystem, _ source: ConfigurationSource, _ options: RunOptions, _ stop: StopSignal
    ) async throws(StartError) {
        self.system = system
        self.source = source
        self.options = options
        self.stop = stop
        spool = Self.spool(of: system, options)
        transports = system.configuration.transports.mapValues { Transport($0) }
        retries = HintsDatabase(system.hints, name: "retry")
        waits = WaitDatabases(system.hints)
        chooser = RetryChooser(
            system.configuration.retryRules, expander: system.expander,
            dataExpire: system.settings.retryDataExpire, intervalMax: system.settings.retryIntervalMax)
        messageSlots = Slots(Self.messagesInFlight)
        localSlots = Slots(Self.localDeliveries)
        let owner = system.settings.owner ?? FileOwner(uid: geteuid(), gid: getegid())
        let slots = messageSlots
        loops = DeliveryLoops()
        journals = JournalGroup(system.spool)
        let log = system.log
        removals = RemovalGroup(system.spool) {
            log.panic("removed messages may come back after a crash: \(ByteString($0.description))")
        }
        forgetting = RetryForgetting()
        let waiting = ConnectionPool.Waiting(begin: { slots.give() }, end: { slots.takeBack() })
        let turns = SharedTurns(HintsDatabase(system.hints, name: "misc"))
        transportTurns = TransportTurns(turns, whileWaiting: waiting)
        var environment = TransportEnvironment(
            expander: system.expander, routing: system.router.environment,
            primaryHostName: system.settings.primaryHostName,
            mailUser: DeliveryUser(uid: owner.uid, gid: owner.gid),
            hosts: HostBook(retries, dataExpire: system.settings.retryDataExpire),
            connections: ConnectionPool(loops: loops, whileWaiting: waiting))
        environment.turns = turns
        environment.tls = system.clientTLS
        environment.authenticators = system.configuration.authenticators.compactMap {
            ClientAuthenticator($0)
        }
        environment.isForced = options.isForced || options.thaws
        environment.deliverLocalProgram = SiblingProgram.path(of: "bobbin-deliver-local")
        environment.timezone = system.configuration.main.text("timezone").flatMap { $0.isEmpty ? nil : $0 }
        environment.dsnFrom =
            system.configuration.main.template("dsn_from") ?? environment.dsnFrom
        environment.errorsReplyTo = system.configuration.main.text("errors_reply_to")
        environment.transport = { [transports] in transports[$0] }
        for transport in transports.values {
            if let problem = transport.problem { throw StartError(problem.string) }
        }
        environment.neverUsers = try await NeverUsers.numbers(system)
        environment.hostSpelling = system.settings.messageIDFormat == .short ? .upTo497 : .since498
        transportEnvironment = environment
        var router = system.router
        let program = environment.deliverLocalProgram
        router.environment.writeFilterLog = { line, user in
            guard !line.path.taint.isTainted else { return "Tainted filename" }
            let problem = await AppendOrder(path: line.path.bytes, mode: line.mode, text: line.text)
                .perform(as: user, by: program)
            guard let problem, problem == SystemErrorText.of(Int(EACCES)), let group = user.gid else {
                return problem
            }
            return "\(problem) (euid=\(user.uid) egid=\(group))"
        }
        self.router = router
        settings = DeliverySettings(system)
        activity = RunnerActivity()
    }

    /// The same system with other options; connections and hints are shared.
    private init(_ other: RunnerSystem, _ options: RunOptions) {
        self.options = options
        (system, source, stop, settings) = (other.system, other.source, other.stop, other.settings)
        spool = Self.spool(of: other.system, options)
        (transports, retries, waits, chooser) = (
            other.transports, other.retries, other.waits, other.chooser
        )
        (messageSlots, localSlots, activity) = (other.messageSlots, other.localSlots, other.activity)
        (loops, journals, removals, forgetting) = (
            other.loops, other.journals, other.removals, other.forgetting
        )
        transportTurns = other.transportTurns
        router = other.router
        var environment = other.transportEnvironment
        environment.isForced = options.isForced || options.thaws
        transportEnvironment = environment
    }

    private static func spool(of system: MailSystem, _ options: RunOptions) -> Spool {
        options.queue.isEmpty ? system.spool : system.spool.named(options.queue)
    }

    /// The same with some options changed.
    func changing(_ change: (inout RunOptions) -> Void) -> RunnerSystem {
        var options = options
        change(&options)
        return RunnerSystem(self, options)
    }

    /// The same, and retry times do not count: for the first message of -R and -S.
    var forcing: RunnerSystem { changing { $0.isForced = true } }

    /// The same for the first of two stages.
    var noting: RunnerSystem { changing { $0.isFirstStage = true } }

    /// The same for reports that a run has made: messages by themselves, which nobody forces or cancels.
    var deliveringReports: RunnerSystem {
        changing {
            $0.occasion = .message
            ($0.isForced, $0.thaws, $0.cancelledBy) = (false, false, nil)
        }
    }

    var log: EximLogWriter { system.log }
    var selector: LogSelector { system.log.selector }
    var expander: Expander { system.expander }

    /// Writes a line about a message.
    func log(_ text: ByteString?, _ id: MessageID) {
        if let text { log.main(text, id: id.bytes) }
    }
}

/// The databases `wait-<transport>`, each opened once.
final class WaitDatabases: Sendable {
    private let settings: HintsSettings
    private let open = Mutex<[ByteString: WaitDatabase]>([:])

    init(_ settings: HintsSettings) { self.settings = settings }

    /// The database of a transport, for ids of that length.
    func database(_ transport: ByteString, idLength: Int) -> WaitDatabase {
        open.withLock { databases in
            if let known = databases[transport] { return known }
            let made = WaitDatabase(settings, transport: transport, idLength: idLength)
            databases[transport] = made
            return made
        }
    }
}

/// The users that nothing is delivered as: root, always, and those of `never_users`.
enum NeverUsers {
    static func numbers(_ system: MailSystem) async throws(StartError) -> Set<UInt32> {
        guard let template = system.configuration.main.template("never_users") else { return [0] }
        let list: ByteString
        do throws(ExpansionError) {
            list = try await system.expander.expand(template, Facts()).bytes
        } catch {
            throw StartError("never_users: \(error.text.string)")
        }
        let users = SystemUsers()
        var numbers: Set<UInt32> = [0]
        for name in ItemList.split(list, separator: UInt8(ascii: ":")) {
            let number =
                users.user(named: name)?.uid ?? name.decimalInteger().flatMap { UInt32(exactly: $0) }
            guard let number else { throw StartError("never_users: user \"\(name.string)\" was not found") }
            numbers.insert(number)
        }
        return numbers
    }
}

/// Main options that bear on deliveries, with the manual's defaults.
struct DeliverySettings: Sendable {
    let autoThaw: Int64
    let ignoreBounceErrorsAfter: Int64
    let timeoutFrozenAfter: Int64
    let receivedHeadersMax: Int
    let remoteMaxParallel: Int
    let delayWarning: [Int64]
    let delayWarningCondition: Template
    let holdDomains: ListText?
    let bounceReturnsBody: Bool
    let bounceSizeLimit: Int
    let bounceLineLimit: Int
    let dsnFrom: Template
    let bounceText: ByteString?
    let bounceAuthentication: ByteString?
    let errorsReplyTo: ByteString?
    let runsInOrder: Bool
    let queuesOnly: Bool
    let queueDomains: ListText?
    /// `remote_sort_domains`.
    let remoteOrder: Template?
    let queueSMTPDomains: ListText?
    /// Files of `queue_only_file` that ask for remote deliveries to wait.
    let queueSMTPFiles: [ByteString]
    /// Whether a message with one recipient needs no journal; not in Exim's own order (`commit_sharing = exim`).
    let removalIsEnough: Bool
    let freezeTell: ByteString?
    let systemFilter: SystemFilterSettings
    let errorsCopy: ByteString?
    let bounceFile: Template?
    let warningFile: Template?
    /// The greatest load of a run, in thousandths; nil for none.
    let loadMax: Int64?

    init(_ system: MailSystem) {
        let main = system.configuration.main
        autoThaw = main.seconds("auto_thaw") ?? 0
        ignoreBounceErrorsAfter = main.seconds("ignore_bounce_errors_after") ?? 10 * 604_800
        timeoutFrozenAfter = main.seconds("timeout_frozen_after") ?? 0
        receivedHeadersMax = Int(main.number("received_headers_max") ?? 30)
        remoteMaxParallel = Int(main.number("remote_max_parallel") ?? 4)
        delayWarning = main.intervals("delay_warning") ?? [86_400]
        delayWarningCondition = main.template("delay_warning_condition") ?? Self.defaultCondition
        holdDomains = main.list("hold_domains")
        bounceReturnsBody = main.flag("bounce_return_body") ?? true
        bounceSizeLimit = Int(main.bounceReturnSizeLimit)
        bounceLineLimit = Int(main.number("bounce_return_linesize_limit") ?? 998)
        dsnFrom = main.template("dsn_from") ?? "Mail Delivery System <Mailer-Daemon@$qualify_domain>"
        bounceText = main.text("bounce_message_text")
        bounceAuthentication = main.text("bounce_sender_authentication")
        errorsReplyTo = main.text("errors_reply_to")
        runsInOrder = main.flag("queue_run_in_order") ?? false
        queuesOnly = main.flag("queue_only") ?? false
        queueDomains = main.list("queue_domains")
        remoteOrder = main.template("remote_sort_domains")
        queueSMTPDomains = main.list("queue_smtp_domains")
        queueSMTPFiles = QueueOnlyFiles(main).forRemoteDeliveries
        removalIsEnough = system.settings.commitSharing != .eximOrder
        freezeTell = main.text("freeze_tell")
        systemFilter = SystemFilterSettings(main)
        errorsCopy = main.template("errors_copy")?.source
        bounceFile = main.template("bounce_message_file")
        warningFile = main.template("warn_message_file")
        loadMax = main.number("deliver_queue_load_max")
    }

    /// The manual's default of `delay_warning_condition`.
    private static let defaultCondition = Template(
        "${if or {{ !eq{$h_list-id:$h_list-post:$h_list-subscribe:}{} }"
            + ByteString("{ match{$h_precedence:}{(?i)bulk|list|junk} }")
            + ByteString("{ match{$h_auto-submitted:}{(?i)auto-generated|auto-replied} }} {no}{yes}}"))
}
