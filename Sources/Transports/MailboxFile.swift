import Bytes
import Glibc

/// Appends to a mailbox file by the manual's rules (section 26.3).
struct MailboxFile {
    /// How often a file that comes and goes is opened.
    private static let maximumTurns = 10

    let order: LocalOrder
    let data: CInt

    func deliver() -> LocalOutcome {
        if order.path == "/dev/null" { return .delivered }
        do throws(TransportTrouble) {
            try LocalPaths.prepareParent(of: order)
            if order.usesLockFile {
                let lock = try LockFile(for: order)
                defer { _ = lock }
                try append()
            } else {
                try append()
            }
            return .delivered
        } catch {
            return .deferred(error)
        }
    }

    private func append() throws(TransportTrouble) {
        for attempt in 0...max(order.lockRetries, 0) {
            let file = try openFile()
            if isLocked(file.descriptor.raw) {
                try write(to: file.descriptor, isNew: file.isNew)
                return
            }
            if attempt < order.lockRetries { System.pause(seconds: Double(order.lockInterval)) }
        }
        throw TransportTrouble("failed to lock mailbox \(order.path) (fcntl/flock)", errno: -9)
    }

    private func isLocked(_ file: CInt) -> Bool {
        if order.usesFcntl, !System.lockRecord(file) { return false }
        return !order.usesFlock || System.lockFlock(file)
    }

    // MARK: Opening

    private func openFile() throws(TransportTrouble) -> OpenedMailbox {
        for _ in 0..<Self.maximumTurns {
            let before: FileFacts?
            do { before = try System.status(order.path, following: false) } catch {
                throw TransportTrouble("while checking mailbox \(order.path)", errno: error.number)
            }
            guard let before else {
                if let file = try create() { return OpenedMailbox(descriptor: file, isNew: true) }
                continue
            }
            if let file = try openExisting(before) { return OpenedMailbox(descriptor: file, isNew: false) }
        }
        var trouble = TransportTrouble(
            "mailbox \(order.path): existence unclear", errno: EEXIST)
        trouble.freezes = true
        throw trouble
    }

    /// Nil when the file has come into being meanwhile.
    private func create() throws(TransportTrouble) -> Descriptor? {
        if order.mustExist {
            throw TransportTrouble(
                "mailbox \(order.path) does not exist, but file_must_exist is set", errno: ENOENT)
        }
        try LocalPaths.checkCreation(of: order)
        do {
            let file = try System.open(order.path, O_WRONLY | O_APPEND | O_CREAT | O_EXCL, order.mode)
            try System.changeMode(file.raw, order.mode)
            return file
        } catch {
            if error.number == EEXIST { return nil }
            throw TransportTrouble("while creating mailbox \(order.path)", errno: error.number)
        }
    }

    /// Nil when the file has vanished meanwhile.
    private func openExisting(_ found: FileFacts) throws(TransportTrouble) -> Descriptor? {
        var facts = found
        if facts.isSymbolicLink {
            try checkOwner(facts, " (symlink)")
            guard order.allowsSymlink else {
                throw TransportTrouble("mailbox \(order.path) is a symlink", errno: -5)
            }
            do {
                guard let target = try System.status(order.path) else { return nil }
                facts = target
            } catch {
                throw TransportTrouble("while checking mailbox \(order.path)", errno: error.number)
            }
        }
        guard facts.isRegular else {
            throw TransportTrouble("mailbox \(order.path) is not a regular file", errno: -5)
        }
        try checkOwner(facts, "")
        if facts.links > 1 {
            throw TransportTrouble("mailbox \(order.path) has too many links (\(facts.links))", errno: -5)
        }
        let narrowed = try checkMode(facts)
        let file: Descriptor
        do {
            file = try System.open(order.path, O_WRONLY | O_APPEND | (order.allowsSymlink ? 0 : O_NOFOLLOW))
        } catch {
            if error.number == ENOENT { return nil }
            throw TransportTrouble("while opening mailbox \(order.path)", errno: error.number)
        }
        try checkUnchanged(file.raw, facts)
        if narrowed { try? System.changeMode(file.raw, order.mode) }
        return file
    }

    private func checkOwner(_ facts: FileFacts, _ what: ByteString) throws(TransportTrouble) {
        if order.checksOwner, facts.uid != order.uid {
            throw TransportTrouble(
                "mailbox \(order.path)\(what) has wrong uid (\(facts.uid) != \(order.uid))", errno: -6)
        }
        if order.checksGroup, facts.gid != order.gid {
            throw TransportTrouble(
                "mailbox \(order.path)\(what) has wrong gid (\(facts.gid) != \(order.gid))", errno: -6)
        }
    }

    /// True when the permissions are wider than configured and are to be narrowed.
    private func checkMode(_ facts: FileFacts) throws(TransportTrouble) -> Bool {
        let present = facts.permissions
        if present & ~order.mode != 0 { return true }
        if present != order.mode, order.failsNarrower {
            throw TransportTrouble(
                "mailbox \(order.path) has wrong mode (0\(ByteString(String(present, radix: 8))) != 0\(ByteString(String(order.mode, radix: 8))))",
                errno: -7)
        }
        return false
    }

    private func checkUnchanged(_ file: CInt, _ facts: FileFacts) throws(TransportTrouble) {
        let now = try? System.status(file)
        guard let now, now.inode == facts.inode, now.device == facts.device, now.isRegular,
            now.uid == facts.uid
        else {
            var trouble = TransportTrouble("opened mailbox \(order.path) is not what it was", errno: -5)
            trouble.freezes = true
            throw trouble
        }
    }

    // MARK: Writing

    private func write(to file: borrowing Descriptor, isNew: Bool) throws(TransportTrouble) {
        let size: Int64
        do { size = try System.status(file.raw).size } catch {
            throw TransportTrouble("while checking mailbox \(order.path)", errno: error.number)
        }
        try LocalQuota.check(order, present: size, name: order.path)
        let message = try FilteredMessage(order.content, data)
        do throws(WritingFailure) {
            var writer = MessageWriter(message.content, toFile: file.raw)
            try writer.write(bodyFrom: message.descriptor(data))
            try Self.store(file.raw)
            if isNew { try Self.store(directory: LocalPaths.parent(of: order.path)) }
        } catch {
            System.truncate(file.raw, to: size)
            let isFull = error.number == ENOSPC || error.number == EDQUOT
            throw TransportTrouble(
                isFull
                    ? "mailbox is full (quota exceeded while writing to file \(order.path))"
                    : "while writing to \(order.path)", errno: error.number)
        }
    }

    private static func store(_ file: CInt) throws(WritingFailure) {
        do { try System.sync(file) } catch { throw .failed(error.number) }
    }

    private static func store(directory: ByteString) throws(WritingFailure) {
        do { try System.syncDirectory(directory) } catch { throw .failed(error.number) }
    }
}

/// A mailbox file that is open for appending.
private struct OpenedMailbox: ~Copyable {
    let descriptor: Descriptor
    /// Whether it was made just now.
    let isNew: Bool
}

/// Paths of local deliveries: what may be made where.
enum LocalPaths {
    static func parent(of path: ByteString) -> ByteString {
        guard let cut = path.cutAtLast(UInt8(ascii: "/")), !cut.before.isEmpty else { return "/" }
        return ByteString(cut.before)
    }

    /// Whether a command may work in a directory.
    static func checkWorkingDirectory(_ path: ByteString) throws(TransportTrouble) {
        guard !System.mayEnter(path) else { return }
        let failure = SystemFailure.last
        throw TransportTrouble("failed to chdir to \(path)", errno: failure.number)
    }

    /// Makes the missing directories above a file, where the transport may.
    static func prepareParent(of order: LocalOrder) throws(TransportTrouble) {
        let directory = parent(of: order.path)
        guard order.createsDirectory, (try? System.status(directory)) == .some(nil) else { return }
        try checkCreation(of: order)
        try makeDirectories(directory, order)
    }

    static func makeDirectories(_ path: ByteString, _ order: LocalOrder) throws(TransportTrouble) {
        var place = 1
        while place <= path.count {
            let end = path[place...].firstIndex(of: UInt8(ascii: "/")) ?? path.count
            let part = ByteString(path[..<end])
            place = end + 1
            guard (try? System.status(part)) == .some(nil) else { continue }
            do { try System.makeDirectory(part, order.directoryMode) } catch {
                throw TransportTrouble(
                    "failed to create directories for \(path): \(error.text)", errno: error.number)
            }
        }
    }

    /// `create_file`: where a new file or directory may be.
    static func checkCreation(of order: LocalOrder) throws(TransportTrouble) {
        let isAllowed: Bool
        switch order.createFile {
        case "anywhere": isAllowed = true
        case "belowhome":
            isAllowed =
                !order.home.isEmpty && order.path.starts(with: "\(order.home)/" as ByteString)
                && !order.path.contains("/../" as ByteString)
        case "inhome": isAllowed = !order.home.isEmpty && parent(of: order.path) == order.home
        default:
            isAllowed =
                order.path.starts(with: order.createFile) && !order.path.contains("/../" as ByteString)
        }
        if !isAllowed {
            throw TransportTrouble(
                "mailbox \(order.path) has wrong place: create_file is \(order.createFile)", errno: -11)
        }
    }
}

/// `quota`: how large a mailbox may grow.
enum LocalQuota {
    static func check(_ order: LocalOrder, present: Int64, name: ByteString) throws(TransportTrouble) {
        guard order.quota > 0 else { return }
        let message = Int64(
            order.content.prefix.count + order.content.head.count + order.content.bodySize
                + order.content.suffix.count)
        let reached = order.quotaIsInclusive ? present + message : present
        if reached > Int64(order.quota) {
            throw TransportTrouble(
                "mailbox is full (MTA-imposed quota exceeded while writing to \(name))", errno: -22)
        }
    }
}
