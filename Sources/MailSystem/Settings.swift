package import Bytes
import Configuration
package import DNS
package import EximLog
import Expansion
import Glibc
package import Hints
package import Lookups
import MailText
package import Spooler

/// The main options that every program needs, expanded once and typed.
package struct Settings: Sendable {
    /// `primary_hostname`, or the machine's full name.
    package var primaryHostName: ByteString
    /// `qualify_domain`: added to senders and header addresses without a domain.
    package var qualifyDomain: ByteString
    /// `qualify_recipient`: added to recipients without a domain.
    package var qualifyRecipient: ByteString
    /// The spool of the default queue, with its owner and layout.
    package var spool: Spool
    /// `exim_user` and `exim_group`: who owns what is written; nil leaves it to the process.
    package var owner: FileOwner?
    /// `message_id_format`: which generation of ids is made (ours; both are read).
    package var messageIDFormat: MessageID.Format
    /// `commit_sharing`: how the receiver makes messages durable (ours).
    package var commitSharing: CommitSharing
    /// `localhost_number`.
    package var localhostNumber: Int?
    /// `log_selector`.
    package var logSelector: LogSelector
    /// `timezone = UTC`, `log_timezone`, selector `millisec`.
    package var logTimestamp: LogTimestamp
    /// `log_file_path`, expanded.
    package var logPath: ByteString
    /// `sqlite_dbfile` and `sqlite_lock_timeout`.
    package var sqlite: SQLiteSearch.Options
    /// How the DNS is asked.
    package var resolver: ResolverSettings
    /// `pid_file_path`; nil where it is not set.
    package var pidFilePath: ByteString?
    /// `hints_layout`: which record layout hints files get (ours); nil for what each file holds.
    package var hintsLayout: HintsLayout?
    /// `hints_directory` (ours), or where in the spool our databases may lie.
    package var hintsDirectory: ByteString
    /// `hints_backend` (ours): where hints lie that several machines may share.
    package var hintsBackend: HintsBackend
    /// `retry_data_expire` in seconds.
    package var retryDataExpire: Int64
    /// `retry_interval_max` in seconds, at most a day.
    package var retryIntervalMax: Int64
    /// `submission_socket` (ours): where the receiver takes mail from ordinary users; nil for nowhere.
    package var submissionSocket: ByteString?
    /// The name and version in Received: lines and greetings.
    package var product: ByteString = "Bobbin 0.1"

    init(_ configuration: Configuration, _ expander: Expander) async throws(StartError) {
        let main = configuration.main
        let reader = OptionExpansion(main: main, expander: expander)
        primaryHostName = expander.environment.settings.primaryHostName
        qualifyDomain = expander.environment.settings.qualifyDomain
        qualifyRecipient = expander.environment.settings.qualifyRecipient
        let directory = try await reader.text("spool_directory") ?? "/var/spool/bobbin"
        owner = try Self.owner(main, spoolDirectory: directory)
        var spool = Spool(
            directory: directory, isSplit: main.flag("split_spool_directory") ?? false, owner: owner)
        spool.writesMessageLogs = main.flag("message_logs") ?? true
        spool.preservesMessageLogs = main.flag("preserve_message_logs") ?? false
        self.spool = spool
        messageIDFormat = try Self.idFormat(main)
        commitSharing = try Self.sharing(main)
        localhostNumber = try await Self.number(
            reader, "localhost_number", upTo: messageIDFormat == .short ? 16 : 16)
        logSelector = try Self.selector(main)
        logTimestamp = LogTimestamp(
            usesUTC: ProcessZone(main) == .utc,
            showsZone: main.flag("log_timezone") ?? false, showsMilliseconds: logSelector.has(.millisec))
        logPath = try await reader.text("log_file_path") ?? ""
        sqlite = SQLiteSearch.Options(
            file: main.text("sqlite_dbfile"),
            lockTimeout: main.seconds("sqlite_lock_timeout").map { Int($0) } ?? 5)
        pidFilePath = try await reader.text("pid_file_path")
        resolver = try Self.resolver(main)
        hintsLayout = try Self.layout(main)
        hintsDirectory = try await reader.text("hints_directory") ?? HintsDirectory.usable("\(directory)/db")
        hintsBackend = try Self.backend(main)
        submissionSocket = try await Self.socket(reader, directory)
        retryDataExpire = main.seconds("retry_data_expire") ?? 7 * 86_400
        retryIntervalMax = min(main.seconds("retry_interval_max") ?? 86_400, 86_400)
    }

    /// Makes the spool directory for its owner when root starts on a machine that has none yet.
    func makeSpoolDirectory() throws(StartError) {
        guard let owner, MailUser.owner(of: spool.directory) == nil else { return }
        let path = spool.directory.string
        guard unsafe mkdir(path, 0o751) == 0, unsafe chown(path, owner.uid, owner.gid) == 0 else {
            throw StartError(
                "spool_directory \(path): cannot be made (\(unsafe String(cString: strerror(errno)))); make it for the mail user"
            )
        }
    }

    /// Where and how the hints databases are kept; what goes wrong with them is logged.
    func hints(notices log: EximLogWriter) -> HintsSettings {
        var hints = HintsSettings(directory: hintsDirectory)
        hints.layout = hintsLayout
        hints.backend = hintsBackend
        hints.owner = owner.map { HintsSettings.Owner(user: $0.uid, group: $0.gid) }
        hints.notice = { log.main("hints database: \(String(describing: $0))") }
        return hints
    }

    func makeLog(_ main: OptionBlock, showsOnly: Bool = false) throws(StartError) -> EximLogWriter {
        let path: LogPath
        do {
            path = try LogPath(parsing: logPath, spoolDirectory: spool.directory)
        } catch {
            throw StartError("log_file_path: \(error)")
        }
        var options = EximLogWriter.Options(path: path, selector: logSelector, timestamp: logTimestamp)
        options.owner = owner.map { EximLogWriter.Owner(user: $0.uid, group: $0.gid) }
        options.showsOnly = showsOnly
        options.writesRejectLog = main.flag("write_rejectlog") ?? true
        options.syslog = try Self.syslog(main)
        return EximLogWriter(options: options)
    }

    private static func syslog(_ main: OptionBlock) throws(StartError) -> SyslogOptions {
        var options = SyslogOptions()
        if let name = main.text("syslog_facility") {
            guard let facility = SyslogOptions.facility(named: name) else {
                throw StartError(
                    "syslog_facility: \"\(name)\" is none that syslog knows, such as mail or local0")
            }
            options.facility = facility
        }
        if let name = main.text("syslog_processname") {
            guard name.count <= 32 else {
                throw StartError("syslog_processname: \"\(name)\" is longer than 32 characters")
            }
            options.name = name
        }
        options.showsTimestamp = main.flag("syslog_timestamp") ?? true
        options.showsPID = main.flag("syslog_pid") ?? true
        options.duplicates = main.flag("syslog_duplication") ?? true
        return options
    }

    /// Who owns spool and logs: `exim_user`, or whoever owns the spool directory, when we are root.
    ///
    /// A configuration written for an Exim need not set `exim_user`, since that Exim has it built in; the
    /// spool directory tells it all the same.
    private static func owner(_ main: OptionBlock, spoolDirectory: ByteString) throws(StartError)
        -> FileOwner?
    {
        guard MailUser.isRoot else { return nil }
        let present = MailUser.owner(of: spoolDirectory)
        var uid = present?.uid
        var gid = present?.gid
        if let name = main.text("exim_user") {
            guard let account = MailUser.account(named: name) else {
                throw StartError("exim_user: there is no user \"\(name)\" on this machine")
            }
            (uid, gid) = (account.uid, account.gid)
        }
        if let name = main.text("exim_group") {
            guard let group = MailUser.groupNumber(named: name) else {
                throw StartError("exim_group: there is no group \"\(name)\" on this machine")
            }
            gid = group
        }
        guard let uid, let gid else { return nil }
        return FileOwner(uid: uid, gid: gid)
    }

    private static func idFormat(_ main: OptionBlock) throws(StartError) -> MessageID.Format {
        switch main.text("message_id_format") ?? "long" {
        case "long": return .long
        case "short": return .short
        case let other: throw StartError("message_id_format: \"\(other)\" is neither \"long\" nor \"short\"")
        }
    }

    static func socket(_ reader: OptionExpansion, _ spool: ByteString) async throws(StartError) -> ByteString?
    {
        let path = try await reader.text("submission_socket") ?? "\(spool)/receiver.socket"
        guard path.isEmpty || path.first == UInt8(ascii: "/") else {
            throw StartError("submission_socket: \"\(path)\" is no absolute path")
        }
        return path.isEmpty ? nil : path
    }

    private static func sharing(_ main: OptionBlock) throws(StartError) -> CommitSharing {
        switch main.text("commit_sharing") ?? "logged" {
        case "logged": return .logged
        case "always_logged": return .alwaysLogged
        case "batched": return .batched
        case "exim": return .eximOrder
        case let other:
            throw StartError(
                "commit_sharing: \"\(other)\" is none of \"logged\", \"always_logged\", \"batched\", \"exim\""
            )
        }
    }

    private static func layout(_ main: OptionBlock) throws(StartError) -> HintsLayout? {
        switch main.text("hints_layout") ?? "auto" {
        case "auto": return nil
        case "released": return .released
        case "versioned": return .versioned
        case let other:
            throw StartError("hints_layout: \"\(other)\" is none of \"auto\", \"released\", \"versioned\"")
        }
    }

    private static func backend(_ main: OptionBlock) throws(StartError) -> HintsBackend {
        do throws(HintsBackendError) {
            return try main.text("hints_backend").map { text throws(HintsBackendError) in
                try HintsBackend(parsing: text)
            } ?? .sqlite
        } catch {
            throw StartError("hints_backend: \(error.description)")
        }
    }

    private static func selector(_ main: OptionBlock) throws(StartError) -> LogSelector {
        do {
            return try LogSelector(
                parsing: main.text("log_selector") ?? "",
                topBitPrints: main.flag("print_topbitchars") ?? false)
        } catch {
            throw StartError(error.description)
        }
    }

    private static func number(
        _ reader: OptionExpansion, _ option: ByteString, upTo most: Int64
    ) async throws(StartError) -> Int? {
        guard let text = try await reader.text(option) else { return nil }
        guard let number = text.decimalInteger(), number >= 0, number <= most else {
            throw StartError("\(option): \"\(text)\" is not a number from 0 to \(most)")
        }
        return Int(number)
    }

    private static func resolver(_ main: OptionBlock) throws(StartError) -> ResolverSettings {
        var settings = ResolverSettings()
        if let pattern = main.text("dns_check_names_pattern") {
            settings.mayAsk = try usualNames(pattern)
        }
        settings.hostsFile = "/etc/hosts"
        // As Exim's: 0 asks for no DNSSEC, 1 insists on it.
        switch main.number("dns_dnssec_ok") {
        case 0?: settings.anchors = .none
        case 1?: settings.anchors = .root
        default: break
        }
        // An empty value turns validation off.
        if let file = main.text("dns_trust_anchor_file") {
            settings.anchors = file.isEmpty ? .none : .file(file)
        }
        if let domains = main.text("dns_insecure_domains") {
            settings.insecureDomains += ItemList.split(domains, separator: UInt8(ascii: ":"))
        }
        if let servers = main.text("dns_forwarders") {
            let items = servers.split { $0.isASCIISpace || $0 == UInt8(ascii: ",") }.map { ByteString($0) }
            settings.servers = .forward(items)
        }
        return settings
    }
}

extension Settings {
    /// Which names may be asked for, by `dns_check_names_pattern`; all, where it is empty.
    private static func usualNames(
        _ pattern: ByteString
    ) throws(StartError) -> @Sendable (ByteString) -> Bool {
        guard !pattern.isEmpty else { return { _ in true } }
        do {
            let compiled = try PCRE2Pattern.compile(pattern)
            // A name on which the pattern gives up is none that is usual.
            return { name in (try? compiled.matches(name)) ?? false }
        } catch {
            throw StartError("dns_check_names_pattern: \(error.words)")
        }
    }
}

/// Expands main options that are expanded once, at start.
struct OptionExpansion {
    let main: OptionBlock
    let expander: Expander

    /// The option's value, or nil when it is not set.
    func text(_ option: ByteString) async throws(StartError) -> ByteString? {
        guard let template = main.template(option) else { return nil }
        do {
            return try await expander.expand(template, Facts()).bytes
        } catch {
            let place = main.values[option]?.place.description ?? ""
            throw StartError("\(place): failed to expand \(option): \(error.text)")
        }
    }
}
