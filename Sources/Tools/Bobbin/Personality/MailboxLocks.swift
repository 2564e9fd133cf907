import Bytes
import Glibc

/// The file that is linked to the name of a lock file.
struct HitchingPost {
    /// The lock file's name.
    let lockName: ByteString
    /// Its own name.
    let name: ByteString

    init(_ mailbox: ByteString) {
        lockName = "\(mailbox).lock"
        var host = [CChar](repeating: 0, count: 256)
        _ = unsafe gethostname(&host, host.count - 1)
        let hostName = ByteString(host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) })
        let (time, process) = (UInt32(truncatingIfNeeded: time(nil)), UInt32(bitPattern: getpid()))
        name = "\(lockName).\(hostName).\(Self.hex(time)).\(Self.hex(process))"
    }

    private static func hex(_ number: UInt32) -> ByteString {
        let digits = ByteString(String(number, radix: 16))
        return ByteString(repeatElement(UInt8(ascii: "0"), count: 8 - digits.count)) + digits
    }
}

/// The locks on a mailbox that `exim_lock` holds.
struct MailboxLocks {
    /// How a try ended.
    enum Outcome {
        case held(MailboxLocks)
        /// Somebody else has a lock.
        case elsewhere
        /// It will never go.
        case impossible
    }

    private let file: ByteString
    private var lockFile: ByteString?
    private var mailbox: CInt?
    private var sharing: (path: ByteString, descriptor: CInt)?
    private let kinds: EximLockRequest

    private init(_ request: EximLockRequest) {
        (file, kinds) = (request.file, request)
    }

    /// Tries once; everything that was taken before a failure is given back.
    static func taken(
        _ request: EximLockRequest, _ post: HitchingPost?, _ voice: EximLockVoice
    ) -> Outcome {
        var locks = MailboxLocks(request)
        if let post {
            if let failure = locks.makeLockFile(post, voice) { return failure }
        }
        guard request.usesFcntl || request.usesFlock else { return .held(locks) }
        if let failure = locks.lockMailbox(voice) { return failure }
        if request.usesMBX, let failure = locks.lockSharing(voice) { return failure }
        return .held(locks)
    }

    /// Gives everything back, and says so.
    func release(_ voice: EximLockVoice) {
        if let (path, descriptor) = sharing {
            if let mailbox, lock(mailbox, exclusive: true, voice, tries: true) {
                unlink(path)
                voice.remark("\(path) unlinked - no sharers")
            } else {
                voice.remark("\(path) not unlinked - unable to get exclusive mailbox lock")
            }
            close(descriptor)
            voice.remark("\(path) closed")
        }
        if let mailbox {
            close(mailbox)
            voice.remark("\(file) closed")
        }
        if let lockFile {
            unlink(lockFile)
            voice.remark("lock file removed")
        }
    }

    private mutating func makeLockFile(_ post: HitchingPost, _ voice: EximLockVoice) -> Outcome? {
        voice.detail("creating lock file")
        let descriptor = unsafe open(post.name.string, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o440)
        guard descriptor >= 0 else {
            voice.refusal("failed to create hitching post \(post.name)")
            return .impossible
        }
        // Over NFS the call may fail though it was done: the count of links tells.
        let linked = unsafe link(post.name.string, post.lockName.string) == 0
        var status = stat()
        let isDone = unsafe linked || (fstat(descriptor, &status) == 0 && status.st_nlink == 2)
        close(descriptor)
        unlink(post.name)
        guard isDone else {
            voice.complain("failed to link hitching post to lock file")
            return .elsewhere
        }
        lockFile = post.lockName
        voice.remark("lock file successfully created")
        return nil
    }

    private mutating func lockMailbox(_ voice: EximLockVoice) -> Outcome? {
        let descriptor = unsafe open(file.string, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else {
            voice.refusal("failed to open \(file) for writing")
            removeLockFile(voice)
            return .impossible
        }
        guard lock(descriptor, exclusive: !kinds.usesMBX, voice, tries: false) else {
            close(descriptor)
            voice.complain("file closed")
            removeLockFile(voice)
            return .elsewhere
        }
        mailbox = descriptor
        return nil
    }

    private mutating func removeLockFile(_ voice: EximLockVoice) {
        guard let lockFile else { return }
        unlink(lockFile)
        voice.remark("lock file removed")
    }

    /// The exclusive lock on a file in `/tmp` that everybody takes who works on the mailbox by MBX rules.
    private mutating func lockSharing(_ voice: EximLockVoice) -> Outcome? {
        var status = stat()
        guard let mailbox, unsafe fstat(mailbox, &status) == 0 else { return .impossible }
        let path: ByteString =
            "/tmp/.\(String(status.st_dev, radix: 16)).\(String(status.st_ino, radix: 16))"
        func failed(_ outcome: Outcome, _ text: ByteString) -> Outcome {
            close(mailbox)
            voice.complain(text)
            removeLockFile(voice)
            return outcome
        }
        // Never through a link: the name is in a directory where everybody may write.
        let descriptor = unsafe open(path.string, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            if errno == ELOOP {
                voice.complain("symbolic link on lock name \(path)")
            } else {
                voice.refusal("failed to open mbx lock file \(path)")
            }
            return failed(.impossible, "\(file) closed")
        }
        var found = stat()
        guard unsafe fstat(descriptor, &found) == 0, found.st_nlink == 1 else {
            close(descriptor)
            voice.complain("hard link to lock name \(path)")
            return failed(.impossible, "\(file) closed")
        }
        guard lock(descriptor, exclusive: true, voice, tries: false, suffix: " to mbx lock file \(path)")
        else {
            close(descriptor)
            voice.complain("\(path) closed")
            return failed(.elsewhere, "file closed")
        }
        sharing = (path, descriptor)
        return nil
    }

    /// Takes the kinds of lock that are asked for; with `tries`, success is not told.
    private func lock(
        _ descriptor: CInt, exclusive: Bool, _ voice: EximLockVoice, tries: Bool, suffix: ByteString = ""
    ) -> Bool {
        for (isWanted, name) in [(kinds.usesFcntl, "fcntl()"), (kinds.usesFlock, "flock()")]
            as [(Bool, ByteString)]
        where isWanted {
            guard
                waited({
                    name == "fcntl()" ? fcntlLock(descriptor, exclusive) : flockLock(descriptor, exclusive)
                })
            else {
                voice.refusal("\(name) failed")
                return false
            }
            // Exim's program calls each shared lock by this name.
            let kind: ByteString = exclusive ? "\(name) lock" : "fcntl() read lock"
            if !tries { voice.remark("\(kind) successfully applied\(suffix)") }
        }
        return true
    }

    /// Tries at once, or for as long as `-timeout` says; then `errno` is what an alarm would leave.
    private func waited(_ attempt: () -> Bool) -> Bool {
        if attempt() { return true }
        guard kinds.timeout > 0, errno == EAGAIN || errno == EACCES else { return false }
        let deadline = ContinuousClock.now + .seconds(kinds.timeout)
        while ContinuousClock.now < deadline {
            usleep(20_000)
            if attempt() { return true }
        }
        errno = EINTR
        return false
    }

    private func fcntlLock(_ descriptor: CInt, _ exclusive: Bool) -> Bool {
        var range = flock()
        range.l_type = Int16(exclusive ? F_WRLCK : F_RDLCK)
        range.l_whence = Int16(SEEK_SET)
        return unsafe fcntl(descriptor, F_SETLK, &range) == 0
    }

    private func flockLock(_ descriptor: CInt, _ exclusive: Bool) -> Bool {
        flock(descriptor, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0
    }

    private func unlink(_ path: ByteString) { _ = unsafe Glibc.unlink(path.string) }
}
