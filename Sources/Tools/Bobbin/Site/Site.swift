import Bytes
import Configuration
import EximLog
import Expansion
import MailSystem
import MailText
import Spooler

/// What the tools for queue and spool need of a configuration: the spool, the logs, and who may do what.
///
/// This is the one place that reads main options for them; no resolver and no hints are started.
struct Site: Sendable {
    /// Where the configuration came from.
    let source: ConfigurationSource
    /// What it says.
    let configuration: Configuration
    /// The default queue.
    let spool: Spool
    /// Who the mail system runs as: `exim_user` and `exim_group`, else whoever owns the spool; nil when neither is known.
    let mailUser: FileOwner?
    /// The numbers of `admin_groups`.
    let adminGroups: [UInt32]
    /// The logs.
    let log: EximLogWriter

    /// Reads the configuration that a source names.
    init(_ source: ConfigurationSource) throws(ToolFailure) {
        self.source = source
        do {
            configuration = try source.read()
        } catch {
            throw ToolFailure(error)
        }
        let main = configuration.main
        let directory = try Self.spoolDirectory(configuration)
        mailUser = try Self.mailUser(main, directory)
        var spool = Spool(
            directory: directory, isSplit: main.flag("split_spool_directory") ?? false,
            owner: MailUser.isRoot ? mailUser : nil)
        spool.writesMessageLogs = main.flag("message_logs") ?? true
        spool.preservesMessageLogs = main.flag("preserve_message_logs") ?? false
        self.spool = spool
        adminGroups = Self.groups(main.template("admin_groups")?.source ?? "")
        log = try Self.makeLog(main, directory, spool.owner)
    }

    /// Whether the caller may list and change the queue (manual, section 5.2).
    ///
    /// Where nobody is known to own the spool it is the caller's own.
    func isAdmin(_ caller: Caller) -> Bool {
        guard let mailUser, !caller.isRoot, caller.uid != mailUser.uid else { return true }
        return caller.isMember(ofAny: [mailUser.gid] + adminGroups)
    }

    /// Whether the caller may list the queue (`queue_list_requires_admin`).
    func mayList(_ caller: Caller) -> Bool {
        !(configuration.main.flag("queue_list_requires_admin") ?? true) || isAdmin(caller)
    }

    /// Whether the caller may start deliveries (`prod_requires_admin`).
    func mayProd(_ caller: Caller) -> Bool {
        !(configuration.main.flag("prod_requires_admin") ?? true) || isAdmin(caller)
    }

    /// Whether the caller may try expansions and addresses (`commandline_checks_require_admin`).
    func mayCheck(_ caller: Caller) -> Bool {
        !(configuration.main.flag("commandline_checks_require_admin") ?? false) || isAdmin(caller)
    }

    /// What addresses may look like here.
    var addressRules: AddressRules {
        let main = configuration.main
        return AddressRules(
            allowsDomainLiterals: main.flag("allow_domain_literals") ?? false,
            stripsExcessAngleBrackets: main.flag("strip_excess_angle_brackets") ?? false,
            stripsTrailingDot: main.flag("strip_trailing_dot") ?? false)
    }
}

extension Site {
    /// The path that a main option names; nil where it is not set.
    ///
    /// - Throws: for a value that only an expansion could tell.
    func path(_ option: ByteString) throws(ToolFailure) -> ByteString? {
        let main = configuration.main
        guard let template = main.template(option) else { return nil }
        let text = template.source
            .replacing(ByteString("${spool_directory}"), with: spool.directory)
            .replacing(ByteString("$spool_directory"), with: spool.directory)
        return try Self.plain(Template(text), option, main)
    }
}

// MARK: - Reading options

extension Site {
    private static func spoolDirectory(_ configuration: Configuration) throws(ToolFailure) -> ByteString {
        guard let template = configuration.main.template("spool_directory") else {
            return "/var/spool/bobbin"
        }
        return try plain(template, "spool_directory", configuration.main)
    }

    /// The text of an option that is nearly always plain; `$primary_hostname` is known without expansion.
    private static func plain(
        _ template: Template, _ option: ByteString, _ main: OptionBlock
    ) throws(ToolFailure) -> ByteString {
        if let literal = template.literal { return literal }
        let text = template.source
            .replacing(ByteString("${primary_hostname}"), with: hostName(main))
            .replacing(ByteString("$primary_hostname"), with: hostName(main))
        if let literal = Template(text).literal { return literal }
        let place = main.values[option]?.place.description ?? "main options"
        throw ToolFailure(
            .configuration,
            """
            \(place): \(option) = \(template.source): the queue tools expand nothing but $primary_hostname here; \
            write the path out
            """)
    }

    private static func hostName(_ main: OptionBlock) -> ByteString {
        main.text("primary_hostname") ?? HostName.current
    }

    private static func mailUser(_ main: OptionBlock, _ directory: ByteString) throws(ToolFailure)
        -> FileOwner?
    {
        let present = MailUser.owner(of: directory)
        var (uid, gid) = (present?.uid, present?.gid)
        if let name = main.text("exim_user") {
            guard let account = MailUser.account(named: name) else {
                throw ToolFailure(.configuration, "exim_user: there is no user \"\(name)\" on this machine")
            }
            (uid, gid) = (account.uid, account.gid)
        }
        if let name = main.text("exim_group") {
            guard let group = MailUser.groupNumber(named: name) else {
                throw ToolFailure(.configuration, "exim_group: there is no group \"\(name)\" on this machine")
            }
            gid = group
        }
        guard let uid, let gid else { return nil }
        return FileOwner(uid: uid, gid: gid)
    }

    private static func groups(_ list: ByteString) -> [UInt32] {
        list.split(separator: UInt8(ascii: ":")).compactMap {
            MailUser.groupNumber(named: ByteString($0.trimmed()))
        }
    }

    private static func makeLog(
        _ main: OptionBlock, _ directory: ByteString, _ owner: FileOwner?
    ) throws(ToolFailure) -> EximLogWriter {
        let selector: LogSelector
        let path: LogPath
        do {
            selector = try LogSelector(
                parsing: main.text("log_selector") ?? "",
                topBitPrints: main.flag("print_topbitchars") ?? false)
        } catch {
            throw ToolFailure(.configuration, ByteString(error.description))
        }
        let value = try main.template("log_file_path").map { template throws(ToolFailure) in
            try plain(template, "log_file_path", main)
        }
        do {
            path = try LogPath(parsing: value ?? "", spoolDirectory: directory)
        } catch {
            throw ToolFailure(.configuration, "log_file_path: \(String(describing: error))")
        }
        let zone = ProcessZone(main)
        zone.apply()
        let stamp = LogTimestamp(
            usesUTC: zone == .utc, showsZone: main.flag("log_timezone") ?? false)
        var options = EximLogWriter.Options(path: path, selector: selector, timestamp: stamp)
        options.owner = owner.map { EximLogWriter.Owner(user: $0.uid, group: $0.gid) }
        return EximLogWriter(options: options)
    }
}

extension Site {
    /// Makes message ids, in the form that `message_id_format` and `localhost_number` ask for.
    var messageIDs: MessageIDGenerator {
        let main = configuration.main
        let number = main.template("localhost_number")?.literal?.decimalInteger()
        return MessageIDGenerator(
            format: main.text("message_id_format") == "short" ? .short : .long,
            localhostNumber: number.flatMap { Int(exactly: $0) }, processID: MailUser.processID,
            clock: SpoolTime.now)
    }
}
