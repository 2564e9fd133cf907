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
    /// `quota`; 0 is none.
    package var quota = 0
    /// `quota_is_inclusive`.
    package var quotaIsInclusive = true
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
}
