import Bytes
import Configuration
import Expansion

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
    let quota: QuotaSettings
    let usesBSMTP: Bool
    let allowsFIFO: Bool
    let notifiesComsat: Bool
    let directoryFile: Template?
    let fileFormat: ByteString?
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
        usesFlock = block.flag("use_flock_lock") ?? false
        usesFcntl = block.flag("use_fcntl_lock") ?? !usesFlock
        lockRetries = Int(block.number("lock_retries") ?? 10)
        lockInterval = block.seconds("lock_interval") ?? 3
        lockFileMode = UInt32(clamping: block.number("lockfile_mode") ?? 0o600)
        lockFileTimeout = block.seconds("lockfile_timeout") ?? 1800
        fcntlTimeout = block.seconds("lock_fcntl_timeout") ?? 0
        flockTimeout = block.seconds("lock_flock_timeout") ?? 0
        quota = QuotaSettings(block)
        usesBSMTP = block.flag("use_bsmtp") ?? false
        allowsFIFO = block.flag("allow_fifo") ?? false
        notifiesComsat = block.flag("notify_comsat") ?? false
        directoryFile = block.template("directory_file")
        fileFormat = block.text("file_format")
        batchMax = Int(block.number("batch_max") ?? 1)
        batchID = block.template("batch_id")
    }

    func mentions(_ variable: ByteString) -> Bool {
        let templates = [file, directory, messagePrefix, messageSuffix, maildirTag, directoryFile]
        return MentionedVariables.contain(variable, in: (templates + quota.templates).map { $0?.source })
    }
}

/// The options that limit mailboxes (manual, section 26.2, the quota options).
struct QuotaSettings: Sendable {
    let size: Template?
    let fileCount: Template?
    let isInclusive: Bool
    let directory: Template?
    let sizePattern: ByteString?
    let knownSize: Template?
    let knownFileCount: Template?
    let warnThreshold: Template?
    let warnMessage: Template
    let usesSizeFile: Template?
    let directoryPattern: ByteString
    let folderPattern: ByteString?

    /// The manual's default of `quota_warn_message`.
    private static let defaultWarning: Template = """
        To: $local_part@$domain
        Subject: Your mailbox

        This message is automatically created by mail delivery software.

        The size of your mailbox has exceeded a warning threshold that is
        set by the system administrator.

        """

    init(_ block: OptionBlock) {
        size = block.template("quota")
        fileCount = block.template("quota_filecount")
        isInclusive = block.flag("quota_is_inclusive") ?? true
        directory = block.template("quota_directory")
        sizePattern = block.text("quota_size_regex")
        knownSize = block.template("mailbox_size")
        knownFileCount = block.template("mailbox_filecount")
        warnThreshold = block.template("quota_warn_threshold")
        warnMessage = block.template("quota_warn_message") ?? Self.defaultWarning
        usesSizeFile =
            block.template("maildir_use_size_file")
            ?? (block.flag("maildir_use_size_file") == true ? "yes" : nil)
        directoryPattern = block.text("maildir_quota_directory_regex") ?? #"^(?:cur|new|\..*)$"#
        folderPattern = block.text("maildirfolder_create_regex")
    }

    /// All that is expanded before a delivery.
    var templates: [Template?] {
        [size, fileCount, directory, knownSize, knownFileCount, warnThreshold, usesSizeFile]
    }
}
