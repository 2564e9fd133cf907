import Bytes
import Glibc

/// Appends to a mailbox file by the manual's rules (section 26.3).
struct MailboxFile {
    /// How often a file that comes and goes is opened.
    private static let maximumTurns = 10

    let order: LocalOrder
    let data: CInt
    let patience: LockPatience

    func deliver() -> LocalOutcome {
        if order.path == "/dev/null" { return .delivered }
        do throws(TransportTrouble) {
            try LocalPaths.prepareParent(of: order)
            if order.usesLockFile {
                let lock = try LockFile(for: order, patience)
                defer { _ = lock }
                return try append()
            }
            return try append()
        } catch {
            return .deferred(error)
        }
    }

    private func append() throws(TransportTrouble) -> LocalOutcome {
        let timeout = max(order.fcntlTimeout, order.flockTimeout)
        let (wait, over) = order.lockRetries.multipliedReportingOverflow(by: order.lockInterval)
        let retries = timeout > 0 && !over ? (wait - 1) / timeout + 1 : order.lockRetries
        // Who waits for the lock itself has waited already.
        let hasWaited = order.usesFcntl ? order.fcntlTimeout > 0 : order.flockTimeout > 0
        var outcome: LocalOutcome?
        let isHad = try patience.ask(
            retries: retries, interval: hasWaited ? 0 : order.lockInterval
        ) { () throws(TransportTrouble) in
            let file = try openFile()
            guard try isLocked(file.descriptor.raw) else { return false }
            outcome = try add(to: file)
            return true
        }
        guard isHad, let outcome else {
            throw TransportTrouble("failed to lock mailbox \(order.path) (fcntl/flock)", errno: -9)
        }
        return outcome
    }

    private func isLocked(_ file: CInt) throws(TransportTrouble) -> Bool {
        if order.usesFcntl, !(try waited(order.fcntlTimeout, { System.lockRecord(file) })) { return false }
        guard order.usesFlock else { return true }
        return try waited(order.flockTimeout) { System.lockFlock(file) }
    }

    /// Asks for a lock until it is had, or for so many seconds; at least once.
    private func waited(_ seconds: Int, _ lock: () -> Bool) throws(TransportTrouble) -> Bool {
        try patience.ask(retries: seconds > 0 ? 1 : 0, interval: seconds) { () throws(TransportTrouble) in
            lock()
        }
    }

    private func add(to file: borrowing OpenedMailbox) throws(TransportTrouble) -> LocalOutcome {
        if let other = try otherFormat(file) { return .found(other) }
        do throws(TransportTrouble) {
            return try write(to: file)
        } catch {
            throw file.accessed.map { error.withAge(of: $0) } ?? error
        }
    }

    /// `file_format`: what the file's beginning says of who writes to it; nil when we do.
    private func otherFormat(_ file: borrowing OpenedMailbox) throws(TransportTrouble) -> MailboxFindings? {
        guard !order.formats.isEmpty, !file.isNew, !file.isFIFO else { return nil }
        let longest = order.formats.reduce(0) { max($0, $1.start.count) }
        var start = [UInt8](repeating: 0, count: longest)
        let count: Int
        do {
            let reader = try System.openUnread(order.path, order.allowsSymlink ? 0 : O_NOFOLLOW)
            count = System.pread(reader.raw, &start, longest, at: 0)
        } catch {
            throw TransportTrouble("while opening mailbox \(order.path)", errno: error.number)
        }
        if count == 0 { return nil }
        guard let format = order.formats.first(where: { start.prefix(max(0, count)).starts(with: $0.start) })
        else { throw TransportTrouble("mailbox file format unrecognized", errno: -33) }
        if format.transport == order.transport { return nil }
        var findings = MailboxFindings()
        (findings.transport, findings.format) = (format.transport, format.start)
        return findings
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
            if before.isFIFO, order.allowsFIFO {
                return OpenedMailbox(descriptor: try openFIFO(before), isNew: false, isFIFO: true)
            }
            if let file = try openExisting(before) {
                return OpenedMailbox(descriptor: file, isNew: false, accessed: before.accessed)
            }
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
        try LocalPaths.checkCreation(
            of: order,
            saying:
                "mailbox \(order.path) does not exist, but creation outside the home directory is not permitted"
        )
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
            guard order.allowsSymlink else { throw notRegular }
            do {
                guard let target = try System.status(order.path) else { return nil }
                facts = target
            } catch {
                throw TransportTrouble("while checking mailbox \(order.path)", errno: error.number)
            }
        }
        try checkOwner(facts, "")
        if facts.links > 1 {
            throw TransportTrouble("mailbox \(order.path) has too many links (\(facts.links))", errno: -4)
        }
        guard facts.isRegular else { throw notRegular }
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

    private var notRegular: TransportTrouble {
        TransportTrouble("mailbox \(order.path) is not a regular file", errno: -4)
    }

    /// `allow_fifo`: what is written goes to whoever reads at the other end.
    private func openFIFO(_ facts: FileFacts) throws(TransportTrouble) -> Descriptor {
        try checkOwner(facts, "")
        do throws(SystemFailure) {
            // A FIFO that nobody reads cannot be opened so.
            let file = try System.open(order.path, O_WRONLY | O_NONBLOCK | O_NOFOLLOW)
            guard try System.status(file.raw).isFIFO else { throw SystemFailure(number: ENXIO) }
            _ = fcntl(file.raw, F_SETFL, O_WRONLY)
            return file
        } catch {
            throw TransportTrouble(
                "while opening named pipe \(order.path) (could mean no process is reading it)",
                errno: error.number)
        }
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
                "mailbox \(order.path) has the wrong mode \(ByteString(String(present, radix: 8))) (\(ByteString(String(order.mode, radix: 8))) expected)",
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

    private func write(to mailbox: borrowing OpenedMailbox) throws(TransportTrouble) -> LocalOutcome {
        let file = mailbox.descriptor.raw
        let size: Int64
        do { size = mailbox.isFIFO ? 0 : try System.status(file).size } catch {
            throw TransportTrouble("while checking mailbox \(order.path)", errno: error.number)
        }
        let present = order.quota.knownSize ?? size
        if !mailbox.isFIFO {
            try order.quota.check(MailboxAmount(octets: present), name: order.path)
        }
        let message = try FilteredMessage(order.content, data)
        let written: Int64
        do throws(WritingFailure) {
            var writer = MessageWriter(message.content, toFile: file)
            try writer.write(bodyFrom: message.descriptor(data))
            written = Int64(writer.size)
            if !mailbox.isFIFO { try Self.store(file) }
            if mailbox.isNew { try Self.store(directory: LocalPaths.parent(of: order.path)) }
        } catch {
            if !mailbox.isFIFO { System.truncate(file, to: size) }
            let isFull = error.number == ENOSPC || error.number == EDQUOT
            throw TransportTrouble(
                isFull
                    ? "mailbox is full (quota exceeded while writing to file \(order.path))"
                    : "while writing to \(order.path)", errno: error.number)
        }
        if let name = order.comsatName { Comsat.notify(name, at: size) }
        guard order.quota.isExceeded(from: present, by: written) else { return .delivered }
        var findings = MailboxFindings()
        findings.isExceeded = true
        return .found(findings)
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
    /// When it was last read; nil for one that is new.
    var accessed: Int64?
    /// Whether it is a named pipe.
    var isFIFO = false

    init(descriptor: consuming Descriptor, isNew: Bool, accessed: Int64? = nil, isFIFO: Bool = false) {
        self.descriptor = descriptor
        (self.isNew, self.accessed, self.isFIFO) = (isNew, accessed, isFIFO)
    }
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
        try checkCreation(
            of: order,
            saying:
                "mailbox \(order.path) does not exist, but creation outside the home directory is not permitted"
        )
        try makeDirectories(directory, order, for: order.path)
    }

    /// Makes a directory and those above it; an error names what they are for.
    static func makeDirectories(
        _ path: ByteString, _ order: LocalOrder, for purpose: ByteString
    ) throws(TransportTrouble) {
        var place = 1
        while place <= path.count {
            let end = path[place...].firstIndex(of: UInt8(ascii: "/")) ?? path.count
            let part = ByteString(path[..<end])
            place = end + 1
            guard (try? System.status(part)) == .some(nil) else { continue }
            do { try System.makeDirectory(part, order.directoryMode) } catch {
                throw TransportTrouble(
                    "failed to create directories for \(purpose): \(error.text)", errno: error.number)
            }
        }
    }

    /// `create_file`: where a new file or directory may be.
    static func checkCreation(
        of order: LocalOrder, saying words: @autoclosure () -> ByteString
    ) throws(TransportTrouble) {
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
                order.path.starts(with: "\(order.createFile.withoutFinalSlash)/" as ByteString)
                && !order.path.contains("/../" as ByteString)
        }
        if !isAllowed { throw TransportTrouble(words(), errno: -34) }
    }
}

extension ByteString {
    /// A path as one may add `/name` to it.
    var withoutFinalSlash: ByteString {
        count > 1 && last == UInt8(ascii: "/") ? ByteString(dropLast()) : self
    }
}
