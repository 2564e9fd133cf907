package import Bytes

/// One local delivery with everything expanded and settled: what a process of another user can do without a configuration.
package struct LocalOrder: Sendable, Hashable {
    /// What is written to.
    package enum Kind: UInt8, Sendable {
        /// A file that messages are appended to.
        case mailbox = 0
        /// A maildir.
        case maildir = 1
        /// A directory that gets a file a message.
        case directory = 2
    }

    /// How much of a delivery into a new file is done.
    package enum Step: UInt8, Sendable {
        /// All of it.
        case whole = 0
        /// The file is written under a temporary name.
        case write = 1
        /// It gets its name.
        case place = 2
        /// It goes.
        case discard = 3
    }

    /// A format of mailbox files (`file_format`).
    package struct FileFormat: Sendable, Hashable {
        /// How such a file begins.
        package var start: ByteString
        /// The transport that writes to it.
        package var transport: ByteString

        /// Makes a format.
        package init(start: ByteString, transport: ByteString) {
            (self.start, self.transport) = (start, transport)
        }
    }

    /// The transport's name, for texts.
    package var transport: ByteString
    /// What is written to.
    package var kind: Kind
    /// The file or directory.
    package var path: ByteString
    /// The user and group that own what is made.
    package var uid: UInt32
    /// See `uid`.
    package var gid: UInt32
    /// What is written.
    package var content = MessageContent()
    /// `mode`.
    package var mode: UInt32 = 0o600
    /// `mode_fail_narrower`.
    package var failsNarrower = true
    /// `directory_mode`.
    package var directoryMode: UInt32 = 0o700
    /// `create_directory`.
    package var createsDirectory = true
    /// `create_file`.
    package var createFile: ByteString = "anywhere"
    /// `$home`, for `create_file`.
    package var home: ByteString = ""
    /// `file_must_exist`.
    package var mustExist = false
    /// `allow_symlink`.
    package var allowsSymlink = false
    /// `check_owner`.
    package var checksOwner = true
    /// `check_group`.
    package var checksGroup = false
    /// `use_lockfile`.
    package var usesLockFile = true
    /// `use_fcntl_lock`.
    package var usesFcntl = true
    /// `use_flock_lock`.
    package var usesFlock = false
    /// `lock_retries`.
    package var lockRetries = 10
    /// `lock_interval` in seconds.
    package var lockInterval = 3
    /// `lockfile_mode`.
    package var lockFileMode: UInt32 = 0o600
    /// `lockfile_timeout` in seconds.
    package var lockFileTimeout = 1800
    /// `lock_fcntl_timeout` in seconds; 0 asks once and waits between the attempts.
    package var fcntlTimeout = 0
    /// `lock_flock_timeout` in seconds, likewise.
    package var flockTimeout = 0
    /// `allow_fifo`.
    package var allowsFIFO = false
    /// How large the mailbox may grow.
    package var quota = QuotaOrder()
    /// `file_format`: how files begin, and which transport writes to such.
    package var formats: [FileFormat] = []
    /// The local part to tell comsat of (`notify_comsat`); nil for none.
    package var comsatName: ByteString?
    /// `maildirfolder_create_regex`; empty for none.
    package var folderPattern: ByteString = ""
    /// Whether all is done at once, or the new file's name comes later.
    package var step = Step.whole
    /// For the steps that follow the writing: the file.
    package var written = WrittenFile()
    /// For `place`: the file's name in a plain directory.
    package var finalName: ByteString = ""
    /// `maildir_tag`, expanded.
    package var maildirTag: ByteString = ""
    /// `maildir_retries`.
    package var maildirRetries = 10
    /// The host's name, for unique file names.
    package var hostName: ByteString

    /// Makes an order; the rest is set afterwards.
    package init(
        transport: ByteString, kind: Kind, path: ByteString, uid: UInt32, gid: UInt32, hostName: ByteString
    ) {
        self.transport = transport
        self.kind = kind
        self.path = path
        self.uid = uid
        self.gid = gid
        self.hostName = hostName
    }
}

/// What came of a local delivery.
package enum LocalOutcome: Sendable, Hashable {
    /// Written and durable.
    case delivered
    /// Not now.
    case deferred(TransportTrouble)
    /// Something that the transport goes on with.
    case found(MailboxFindings)
}

/// A file that has all of a message, under a name that is not its last one.
package struct WrittenFile: Sendable, Hashable {
    /// The temporary path.
    package var path: ByteString = ""
    /// The name that it is to have in a maildir, before its tag.
    package var name: ByteString = ""
    /// `$inode`.
    package var inode: UInt64 = 0
    /// Its octets.
    package var size: Int64 = 0
    /// What the mailbox held before.
    package var mailboxSize: Int64 = 0

    /// No file.
    package init() {}
}

/// What a delivery to a mailbox tells beyond that it is done.
package struct MailboxFindings: Sendable, Hashable {
    /// Whether the mailbox has passed `quota_warn_threshold`; the message is written and durable.
    package var isExceeded = false
    /// The file that waits for its name; nothing is delivered yet.
    package var written: WrittenFile?
    /// The transport that this file's format is for; nothing is delivered yet.
    package var transport: ByteString?
    /// How a file of that format begins.
    package var format: ByteString = ""

    /// Nothing found.
    package init() {}
}
