package import Bytes
package import Configuration
package import Expansion

/// A transport instance: its driver and what it was configured to do.
package struct Transport: Sendable {
    /// What a transport does.
    enum Driver: Sendable {
        case appendfile(AppendfileSettings)
        case autoreply(AutoreplySettings)
        case lmtp(LMTPSettings)
        case pipe(PipeSettings)
        case queuefile(directory: Template)
        case smtp(SMTPSettings)
        /// Known to Exim, not done here: what comes to it is deferred.
        case unavailable(ByteString)
    }

    /// The instance's name.
    package let name: ByteString
    let generic: TransportSettings
    let driver: Driver

    /// Decodes a block.
    package init(_ block: OptionBlock) {
        name = block.name
        generic = TransportSettings(block)
        switch block.driver {
        case "appendfile": driver = .appendfile(AppendfileSettings(block))
        case "autoreply": driver = .autoreply(AutoreplySettings(block))
        case "lmtp": driver = .lmtp(LMTPSettings(block))
        case "pipe": driver = .pipe(PipeSettings(block))
        case "queuefile":
            driver =
                block.template("directory").map { .queuefile(directory: $0) } ?? .unavailable("queuefile")
        case "smtp": driver = .smtp(SMTPSettings(block))
        default: driver = .unavailable(block.driver)
        }
    }

    /// Whether it sends to hosts.
    package var isRemote: Bool { if case .smtp = driver { true } else { false } }
    /// Whether it gives messages to another program's directory (queuefile).
    package var handsOver: Bool { if case .queuefile = driver { true } else { false } }

    /// The most addresses of one call: `max_rcpt` is for transactions, this for calls; 0 is no limit.
    package var batchLimit: Int {
        switch driver {
        case .appendfile(let settings): settings.batchMax
        case .lmtp(let settings): settings.batchMax
        case .pipe(let settings): settings.batchMax
        case .queuefile, .smtp: 0
        case .autoreply, .unavailable: 1
        }
    }

    /// `max_parallel`: how many runs of it there may be at one time, over all processes; 0 is no limit.
    ///
    /// Throws why it cannot be told.
    package func parallelLimit(
        _ facts: Facts, _ expander: Expander
    ) async throws(TransportTrouble) -> Int {
        guard let template = generic.maximumParallel else { return 0 }
        do {
            return try await expander.expandToInteger(template, facts)
        } catch {
            throw TransportTrouble(error.text, errno: -1).panicking
        }
    }

    /// The errno of a command that cannot be expanded.
    var commandErrno: Int32 { if case .pipe = driver { 0 } else { -1 } }

    /// What is wrong with the options together, in Exim's words; nil when nothing is.
    package var problem: ByteString? {
        guard case .pipe(let settings) = driver else { return nil }
        return settings.problem(of: name)
    }

    /// `retry_use_local_part`; smtp keys its records by hosts instead.
    package var retryUsesLocalPart: Bool { generic.retryUsesLocalPart ?? !isRemote }

    /// Whether addresses of different domains may go in one call (`multi_domain`, for smtp alone a question).
    package var multiDomain: Template? {
        if case .smtp(let settings) = driver { settings.multiDomain } else { nil }
    }

    /// Whether the options name `$local_part` or `$domain`, so that addresses that differ in it go apart.
    package var dependsOnLocalPart: Bool { mentions("local_part") }

    /// See `dependsOnLocalPart`.
    package var dependsOnDomain: Bool { mentions("domain") }

    /// `batch_id`: addresses for which it comes to different texts go apart.
    package var batchID: Template? {
        switch driver {
        case .appendfile(let settings): settings.batchID
        case .lmtp(let settings): settings.batchID
        case .pipe(let settings): settings.batchID
        case .autoreply, .queuefile, .smtp, .unavailable: nil
        }
    }

    private func mentions(_ variable: ByteString) -> Bool {
        switch driver {
        case .appendfile(let settings): settings.mentions(variable)
        case .lmtp(let settings): settings.mentions(variable)
        case .pipe(let settings): settings.mentions(variable)
        case .autoreply, .queuefile, .smtp, .unavailable: false
        }
    }

    /// The driver's name when it is one that this program has not.
    package var unavailableDriver: ByteString? {
        if case .unavailable(let driver) = driver { driver } else { nil }
    }
}

/// The generic options of transports (manual, chapter 24).
struct TransportSettings: Sendable {
    let headersToAdd: Template?
    let headersToRemove: Template?
    let addsReturnPath: Bool
    let addsEnvelopeTo: Bool
    let addsDeliveryDate: Bool
    let returnPath: Template?
    let sizeLimit: Template?
    let maximumParallel: Template?
    let user: Template?
    let group: Template?
    let initializesGroups: Bool
    let homeDirectory: Template?
    let currentDirectory: Template?
    let bodyOnly: Bool
    let headersOnly: Bool
    let includesAffixes: Bool
    let retryUsesLocalPart: Bool?
    let disablesLogging: Bool
    let filter: Template?
    let filterTimeout: Int64

    init(_ block: OptionBlock) {
        headersToAdd = block.template("headers_add")
        headersToRemove = block.template("headers_remove")
        addsReturnPath = block.flag("return_path_add") ?? false
        addsEnvelopeTo = block.flag("envelope_to_add") ?? false
        addsDeliveryDate = block.flag("delivery_date_add") ?? false
        returnPath = block.template("return_path")
        sizeLimit = block.template("message_size_limit")
        maximumParallel = block.template("max_parallel")
        user = block.template("user")
        group = block.template("group")
        initializesGroups = block.flag("initgroups") ?? false
        homeDirectory = block.template("home_directory")
        currentDirectory = block.template("current_directory")
        bodyOnly = block.flag("body_only") ?? false
        headersOnly = block.flag("headers_only") ?? false
        includesAffixes = block.flag("rcpt_include_affixes") ?? false
        retryUsesLocalPart = block.flag("retry_use_local_part")
        disablesLogging = block.flag("disable_logging") ?? false
        filter = block.template("transport_filter")
        filterTimeout = block.seconds("transport_filter_timeout") ?? 300
    }
}

/// The options of the appendfile transport (manual, section 26.2).
struct AppendfileSettings: Sendable {
    let file: Template?
    let directory: Template?
    let isMaildir: Bool
    let maildirTag: Template?
    let maildirRetries: Int
    let createsDirectory: Bool
    let directoryMode: UInt32
    let mode: UInt32
    let failsNarrower: Bool
    let createFile: ByteString
    let mustExist: Bool
    let allowsSymlink: Bool
    let checksOwner: Bool
    let checksGroup: Bool
    let messagePrefix: Template?
    let messageSuffix: Template?
    let checkString: ByteString?
    let escapeString: ByteString?
    let usesCRLF: Bool
    let usesLockFile: Bool
    let usesFcntl: Bool
    let usesFlock: Bool
    let lockRetries: Int
    let lockInterval: Int64
    let lockFileMode: UInt32
    let lockFileTimeout: Int64
    let fcntlTimeout: Int64
    let flockTimeout: Int64
    let quota: Template?
    let quotaIsInclusive: Bool
    let batchMax: Int
    let batchID: Template?

    init(_ block: OptionBlock) {
        file = block.template("file")
        directory = block.template("directory")
        isMaildir = block.flag("maildir_format") ?? false
        maildirTag = block.template("maildir_tag")
        maildirRetries = Int(block.number("maildir_retries") ?? 10)
        createsDirectory = block.flag("create_directory") ?? true
        directoryMode = UInt32(clamping: block.number("directory_mode") ?? 0o700)
        mode = UInt32(clamping: block.number("mode") ?? 0o600)
        failsNarrower = block.flag("mode_fail_narrower") ?? true
        createFile = block.text("create_file") ?? "anywhere"
        mustExist = block.flag("file_must_exist") ?? false
        allowsSymlink = block.flag("allow_symlink") ?? false
        checksOwner = block.flag("check_owner") ?? true
        checksGroup = block.flag("check_group") ?? false
        messagePrefix = block.template("message_prefix")
        messageSuffix = block.template("message_suffix")
        checkString = block.text("check_string")
        escapeString = block.text("escape_string")
        usesCRLF = block.flag("use_crlf") ?? false
        usesLockFile = block.flag("use_lockfile") ?? true
        usesFcntl = block.flag("use_fcntl_lock") ?? true
        usesFlock = block.flag("use_flock_lock") ?? false
        lockRetries = Int(block.number("lock_retries") ?? 10)
        lockInterval = block.seconds("lock_interval") ?? 3
        lockFileMode = UInt32(clamping: block.number("lockfile_mode") ?? 0o600)
        lockFileTimeout = block.seconds("lockfile_timeout") ?? 1800
        fcntlTimeout = block.seconds("lock_fcntl_timeout") ?? 0
        flockTimeout = block.seconds("lock_flock_timeout") ?? 0
        quota = block.template("quota")
        quotaIsInclusive = block.flag("quota_is_inclusive") ?? true
        batchMax = Int(block.number("batch_max") ?? 1)
        batchID = block.template("batch_id")
    }

    func mentions(_ variable: ByteString) -> Bool {
        let templates = [file, directory, messagePrefix, messageSuffix, maildirTag, quota]
        return MentionedVariables.contain(variable, in: templates.map { $0?.source })
    }
}

/// Which variables an option's text names.
enum MentionedVariables {
    /// Whether one of the texts names the variable.
    static func contain(_ variable: ByteString, in texts: [ByteString?]) -> Bool {
        texts.contains { text in
            guard let text else { return false }
            return text.contains("$\(variable)" as ByteString) || text.contains("${\(variable)" as ByteString)
        }
    }
}
