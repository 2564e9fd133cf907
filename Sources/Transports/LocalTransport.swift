import Bytes
import Expansion
import Routing

/// The appendfile transport: settles everything, then delivers here or in a process of another user.
struct LocalTransport {
    let settings: AppendfileSettings
    var scene: DeliveryScene

    /// What came of it; `lines` are for the log.
    struct Result {
        var verdict: TransportVerdict
        var lines: [TransportLogLine] = []
        /// Whether the mailbox has passed `quota_warn_threshold`.
        var isExceeded = false
        /// The transport that the mailbox's format is for.
        var other: MailboxFindings?
    }

    /// Delivers one group of addresses; all share the outcome.
    mutating func deliver() async -> Result {
        do throws(TransportTrouble) {
            if let tooBig = try await scene.checkSize() { return Result(verdict: .failed(tooBig)) }
            let doer = LocalDoer(scene: scene)
            let user = try await doer.user()
            if let (trouble, line) = doer.refusal(of: user) {
                return Result(verdict: .deferred(trouble), lines: [line])
            }
            var order = try await order(user)
            if scene.message.isDryRun { return Result(verdict: .delivered(confirmation: nil)) }
            var report = await doer.perform(.file(order), user)
            if let written = report.mailbox?.written {
                report = try await place(written, &order) { await doer.perform(.file($0), user) }
            }
            var result = Result(verdict: report.verdict(0))
            result.isExceeded = report.mailbox?.isExceeded ?? false
            if report.mailbox?.transport != nil { result.other = report.mailbox }
            return result
        } catch {
            return Result(verdict: .deferred(error))
        }
    }

    /// Gives a written file its name, which is expanded only now; without one it goes.
    private mutating func place(
        _ written: WrittenFile, _ order: inout LocalOrder, _ perform: (LocalOrder) async -> LocalReport
    ) async throws(TransportTrouble) -> LocalReport {
        order.written = written
        do throws(TransportTrouble) {
            if order.kind == .maildir {
                order.maildirTag = try await tag(messageSize: Int(written.size))
            } else {
                order.finalName = try await fileName(inode: written.inode)
            }
        } catch {
            order.step = .discard
            _ = await perform(order)
            throw error
        }
        order.step = .place
        return await perform(order)
    }

    // MARK: The order

    private mutating func order(_ user: DeliveryUser) async throws(TransportTrouble) -> LocalOrder {
        let (path, kind) = try await MailboxPlace(
            settings: settings, options: scene.options, instruction: scene.items.first?.instruction
        ).found()
        let identity =
            System.effectiveUser == 0
            ? (user.uid, user.gid ?? 0) : (System.effectiveUser, System.effectiveGroup)
        var order = LocalOrder(
            transport: scene.transport.name, kind: kind, path: path, uid: identity.0, gid: identity.1,
            hostName: scene.environment.primaryHostName)
        order.home = scene.facts.address.home?.bytes ?? ""
        copySettings(to: &order)
        try await setContent(&order)
        order.quota = try await QuotaReading(
            settings: settings.quota, options: scene.options, messageSize: Int64(scene.message.size)
        ).order()
        order.formats = Self.formats(settings.fileFormat)
        if settings.notifiesComsat { order.comsatName = scene.facts.address.localPart?.bytes }
        try await setName(&order)
        return order
    }

    /// The pairs of `file_format`; a half one counts for nothing.
    private static func formats(_ list: ByteString?) -> [LocalOrder.FileFormat] {
        let words = ItemList.split(list, separator: UInt8(ascii: ":"))
        return stride(from: 0, to: words.count - 1, by: 2).map {
            LocalOrder.FileFormat(start: words[$0], transport: words[$0 + 1])
        }
    }

    // MARK: The new file's name

    /// Settles the name, where it can be known before the file is written.
    private func setName(_ order: inout LocalOrder) async throws(TransportTrouble) {
        switch order.kind {
        case .mailbox: return
        case .directory: if settings.directoryFile != nil { order.step = .write }
        case .maildir:
            guard settings.maildirTag != nil else { return }
            if let size = order.content.knownSize {
                order.maildirTag = try await tag(messageSize: size)
            } else {
                order.step = .write
            }
        }
    }

    /// `maildir_tag`; a forced failure is no tag.
    private func tag(messageSize: Int) async throws(TransportTrouble) -> ByteString {
        guard let template = settings.maildirTag else { return "" }
        var facts = scene.facts
        facts.message.size = messageSize
        let value: ByteString
        do throws(TransportTrouble) {
            value = try await scene.expand(template, saying: "maildir_tag", facts).bytes
        } catch {
            if error.isForced { return "" }
            throw error
        }
        let tag = ByteString(value.filter { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "/") })
        return tag.first?.isASCIIAlphanumeric == true ? ":\(tag)" : tag
    }

    /// `directory_file`.
    private func fileName(inode: UInt64) async throws(TransportTrouble) -> ByteString {
        guard let template = settings.directoryFile else { return "" }
        var facts = scene.facts
        facts.address.inode = inode
        let name = try await scene.expand(template, saying: "directory_file", errno: 0, facts)
        // A path out of the directory may come from the configuration, never from an address.
        guard name.taint.isTainted, name.bytes.contains(UInt8(ascii: "/")) else { return name.bytes }
        throw TransportTrouble(
            "Tainted '\(name.bytes)' (directory_file for \(scene.transport.name) transport) not permitted",
            errno: -1)
    }

    private func copySettings(to order: inout LocalOrder) {
        order.mode = scene.items.first?.instruction.fileMode ?? settings.mode
        order.failsNarrower = settings.failsNarrower
        order.directoryMode = settings.directoryMode
        order.createsDirectory = settings.createsDirectory
        order.createFile = settings.createFile
        order.mustExist = settings.mustExist
        order.allowsSymlink = settings.allowsSymlink
        order.checksOwner = settings.checksOwner
        order.checksGroup = settings.checksGroup
        order.usesLockFile = settings.usesLockFile
        order.usesFcntl = settings.usesFcntl
        order.usesFlock = settings.usesFlock
        order.lockRetries = settings.lockRetries
        order.lockInterval = Int(settings.lockInterval)
        order.lockFileMode = settings.lockFileMode
        order.lockFileTimeout = Int(settings.lockFileTimeout)
        order.fcntlTimeout = Int(settings.fcntlTimeout)
        order.flockTimeout = Int(settings.flockTimeout)
        order.allowsFIFO = settings.allowsFIFO
        order.folderPattern = settings.quota.folderPattern ?? ""
        order.maildirRetries = settings.maildirRetries
    }

    private func setContent(_ order: inout LocalOrder) async throws(TransportTrouble) {
        let isMailbox = order.kind == .mailbox && !settings.usesBSMTP
        order.content = try await scene.content(
            prefix: settings.messagePrefix ?? (isMailbox ? DeliveryScene.mailboxLine : nil),
            suffix: settings.messageSuffix ?? (isMailbox ? "\n" : nil))
        order.content.usesCRLF = settings.usesCRLF
        if settings.usesBSMTP { return order.content.addEnvelope(scene) }
        order.content.checkString = settings.checkString ?? (isMailbox ? "From " : "")
        order.content.escapeString = settings.escapeString ?? (isMailbox ? ">From " : "")
        // A file of many messages needs each one to end with its line.
        order.content.endsLastLine = isMailbox
    }
}

extension MessageContent {
    /// How many octets will be written; nil where only the writing tells.
    fileprivate var knownSize: Int? {
        guard filter == nil, checkString.isEmpty, !usesCRLF, !isWireFormat, !endsLastLine else { return nil }
        return prefix.count + head.count + (bodyStart == nil ? 0 : bodySize) + suffix.count
    }
}
