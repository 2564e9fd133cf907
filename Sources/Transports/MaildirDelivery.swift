import Bytes
import Glibc
import MailText

/// Writes a message as a new file of a maildir, or of a plain directory (manual, sections 26.4 and 26.5).
struct DirectoryDelivery {
    let order: LocalOrder
    let data: CInt

    /// Does the step that is asked for.
    func perform() -> LocalOutcome {
        do throws(TransportTrouble) {
            switch order.step {
            case .whole: return try place(try write())
            case .write:
                var findings = MailboxFindings()
                findings.written = try write()
                return .found(findings)
            case .place: return try place(order.written)
            case .discard:
                System.unlink(order.written.path)
                return .delivered
            }
        } catch {
            return .deferred(aged(error))
        }
    }

    private var isMaildir: Bool { order.kind == .maildir }

    private var directory: ByteString { order.path.withoutFinalSlash }

    private var quota: DirectoryQuota { DirectoryQuota(order: order, directory: directory) }

    /// A quota's error tells how long ago the owner last read something: then `new` has changed.
    private func aged(_ trouble: TransportTrouble) -> TransportTrouble {
        guard isMaildir, let new = try? System.status(directory + "/new") else { return trouble }
        return trouble.withAge(of: new.modified)
    }

    // MARK: Directories

    private func prepare() throws(TransportTrouble) {
        guard isMaildir else {
            guard order.createsDirectory, (try? System.status(directory)) == .some(nil) else { return }
            return try create(directory)
        }
        for name in ["", "/tmp", "/new", "/cur"] as [ByteString] {
            let path = directory + name
            let facts: FileFacts?
            do { facts = try System.status(path) } catch {
                throw TransportTrouble("stat() error for \(path): \(error.text)", errno: error.number)
            }
            if let facts {
                guard facts.isDirectory else {
                    throw TransportTrouble("\(path) is not a directory", errno: -5)
                }
                continue
            }
            guard order.createsDirectory else {
                throw TransportTrouble(
                    "stat() error for \(path): \(SystemFailure(number: ENOENT).text)", errno: ENOENT)
            }
            try create(path)
        }
        try markFolder()
    }

    private func create(_ path: ByteString) throws(TransportTrouble) {
        try LocalPaths.checkCreation(
            of: order,
            saying:
                "tried to create file in \(directory), but file creation outside the home directory is not permitted"
        )
        try LocalPaths.makeDirectories(path, order, for: path)
    }

    /// `maildirfolder_create_regex`.
    private func markFolder() throws(TransportTrouble) {
        guard !order.folderPattern.isEmpty else { return }
        let pattern = try MailboxCount.compiled(order.folderPattern)
        guard (try? pattern.matches(directory)) == true else { return }
        do {
            _ = try System.open("\(directory)/maildirfolder", O_WRONLY | O_CREAT | O_NOFOLLOW, order.mode)
        } catch {
            throw TransportTrouble(
                "appendfile: failed to create maildirfolder file in \(directory) directory: \(error.text)",
                errno: error.number)
        }
    }

    // MARK: Writing

    private func uniqueName() -> ByteString {
        let now = System.moment()
        let chance = UInt16.random(in: 0...UInt16.max)
        return isMaildir
            ? "\(now.seconds).M\(now.microseconds)P\(System.processID)Q\(chance).\(order.hostName)"
            : "temp.\(System.processID).\(now.microseconds).\(chance).\(order.hostName)"
    }

    /// The message in a file with a temporary name, durable.
    private func write() throws(TransportTrouble) -> WrittenFile {
        try prepare()
        let quota = quota
        let present = try quota.present()
        let temporary: ByteString = isMaildir ? "tmp/\(uniqueName())" : "\(directory)/\(uniqueName())"
        try order.quota.check(present, name: temporary)
        let message = try FilteredMessage(order.content, data)
        for _ in 0...max(order.maildirRetries, 1) {
            var written = WrittenFile()
            written.name = uniqueName()
            written.path = isMaildir ? "\(directory)/tmp/\(written.name)" : "\(directory)/\(written.name)"
            written.mailboxSize = present.octets
            let file: Descriptor
            do { file = try System.open(written.path, O_WRONLY | O_CREAT | O_EXCL, order.mode) } catch {
                if error.number == EEXIST { continue }
                throw TransportTrouble("while creating file \(written.path)", errno: error.number)
            }
            do throws(WritingFailure) {
                var writer = MessageWriter(message.content, toFile: file.raw)
                try writer.write(bodyFrom: message.descriptor(data))
                try finish(file, &written)
            } catch {
                System.unlink(written.path)
                throw Self.trouble(error, written.path)
            }
            return written
        }
        throw TransportTrouble("failed to open a new file in \(directory): names are taken", errno: EEXIST)
    }

    private static func trouble(_ failure: WritingFailure, _ path: ByteString) -> TransportTrouble {
        let isFull = failure.number == ENOSPC || failure.number == EDQUOT
        return TransportTrouble(
            isFull
                ? "mailbox is full (quota exceeded while writing to file \(path))"
                : "while writing to \(path)",
            errno: failure.number)
    }

    private func finish(
        _ file: borrowing Descriptor, _ written: inout WrittenFile
    ) throws(WritingFailure) {
        do throws(SystemFailure) {
            try System.changeMode(file.raw, order.mode)
            try System.sync(file.raw)
            let facts = try System.status(file.raw)
            (written.inode, written.size) = (facts.inode, facts.size)
        } catch {
            throw .failed(error.number)
        }
    }

    // MARK: Naming

    private func place(_ written: WrittenFile) throws(TransportTrouble) -> LocalOutcome {
        let name: ByteString =
            isMaildir
            ? "\(directory)/new/\(written.name)"
            : "\(directory)/\(order.finalName.isEmpty ? Self.finalName(written.inode) : order.finalName)"
        do throws(SystemFailure) {
            if isMaildir { try placeTagged(written.path, name) } else { try Self.give(written.path, name) }
            try System.syncDirectory(isMaildir ? "\(directory)/new" : directory)
        } catch {
            System.unlink(written.path)
            throw TransportTrouble("while renaming \(written.path) as \(name)", errno: error.number)
        }
        quota.add(written.size)
        if let name = order.comsatName { Comsat.notify(name, at: -1) }
        guard order.quota.isExceeded(from: written.mailboxSize, by: written.size) else { return .delivered }
        var findings = MailboxFindings()
        findings.isExceeded = true
        return .found(findings)
    }

    private func placeTagged(_ temporary: ByteString, _ name: ByteString) throws(SystemFailure) {
        do {
            try System.rename(temporary, name + order.maildirTag)
        } catch {
            guard error.number == ENAMETOOLONG, !order.maildirTag.isEmpty else { throw error }
            try System.rename(temporary, name)
        }
    }

    /// Exim's default of `directory_file`: `q${base62:$tod_epoch}-$inode`.
    private static func finalName(_ inode: UInt64) -> ByteString {
        "q\(Base62.encode(UInt64(clamping: System.moment().seconds), width: 6))-\(inode)"
    }

    /// Renames, but never over what is there.
    private static func give(_ temporary: ByteString, _ name: ByteString) throws(SystemFailure) {
        guard System.link(temporary, name) else { throw .last }
        System.unlink(temporary)
    }
}

/// The quota of a mailbox of many files.
struct DirectoryQuota {
    let order: LocalOrder
    let directory: ByteString

    private var isMaildir: Bool { order.kind == .maildir }

    /// `quota_directory`, or the delivery directory; above a folder of Maildir++.
    private var root: ByteString {
        if !order.quota.directory.isEmpty { return order.quota.directory.withoutFinalSlash }
        let isFolder = isMaildir && (try? System.status(directory + "/maildirfolder")) != .some(nil)
        return isFolder ? LocalPaths.parent(of: directory) : directory
    }

    private func sizeFile(_ root: ByteString) -> MaildirSizeFile? {
        guard isMaildir, order.quota.usesSizeFile else { return nil }
        return MaildirSizeFile(root: root, order: order, directory: directory)
    }

    /// Whether the directory is one of those that `maildir_quota_directory_regex` leaves out.
    private func isExcluded(_ root: ByteString) throws(TransportTrouble) -> Bool {
        let above: ByteString = "\(root)/"
        guard isMaildir, order.quota.usesSizeFile, directory.starts(with: above) else { return false }
        let name = ByteString(directory.dropFirst(above.count))
        let pattern = try MailboxCount.compiled(order.quota.directoryPattern)
        do { return try !pattern.matches(name) } catch {
            throw TransportTrouble("appendfile: \(error.words) while matching \(name)", errno: -1)
        }
    }

    /// How much there is before the delivery; what nobody asks for is not counted.
    ///
    /// What is found out is kept in a maildirsize file, unless `isKept` says no.
    func present(keeping isKept: Bool = true) throws(TransportTrouble) -> MailboxAmount {
        let (quota, root) = (order.quota, root)
        if try isExcluded(root) { return MailboxAmount(octets: .min, files: .min) }
        var amount = MailboxAmount()
        if let file = sizeFile(root) {
            amount = try file.present(keeping: isKept)
        } else if quota.isNeeded, quota.knownSize == nil || quota.files.value > 0 && quota.knownFiles == nil {
            var count = try MailboxCount(sizePattern: quota.sizePattern)
            amount = count.everything(in: root)
        }
        return MailboxAmount(
            octets: quota.knownSize ?? amount.octets, files: quota.knownFiles ?? amount.files)
    }

    /// Notes a message more in the maildirsize file, where there is one.
    func add(_ octets: Int64) {
        let root = root
        guard (try? isExcluded(root)) == false else { return }
        sizeFile(root)?.add(octets)
    }
}
