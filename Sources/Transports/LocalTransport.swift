import Bytes
import Expansion
import Routing

/// The appendfile transport: settles everything, then delivers here or in a process of another user.
struct LocalTransport {
    let settings: AppendfileSettings
    var scene: DeliveryScene

    /// Delivers one group of addresses; all share the outcome.
    mutating func deliver() async -> (TransportVerdict, [TransportLogLine]) {
        do throws(TransportTrouble) {
            if let tooBig = try await scene.checkSize() { return (.failed(tooBig), []) }
            let doer = LocalDoer(scene: scene)
            let user = try await doer.user()
            if let (trouble, line) = doer.refusal(of: user) { return (.deferred(trouble), [line]) }
            let order = try await order(user)
            if scene.message.isDryRun { return (.delivered(confirmation: nil), []) }
            return (await doer.perform(.file(order), user).verdict(0), [])
        } catch {
            return (.deferred(error), [])
        }
    }

    // MARK: The order

    private mutating func order(_ user: DeliveryUser) async throws(TransportTrouble) -> LocalOrder {
        let (path, kind) = try await place()
        let identity =
            System.effectiveUser == 0
            ? (user.uid, user.gid ?? 0) : (System.effectiveUser, System.effectiveGroup)
        var order = LocalOrder(
            transport: scene.transport.name, kind: kind, path: path, uid: identity.0, gid: identity.1,
            hostName: scene.environment.primaryHostName)
        order.home = scene.facts.address.home?.bytes ?? ""
        copySettings(to: &order)
        try await setContent(&order)
        if let template = settings.quota, let value = try await scene.expand(template, "quota")?.bytes {
            guard let quota = EximSize.parse(value) else {
                throw TransportTrouble(
                    "Malformed value \"\(value)\" (expansion of \"\(template.source)\") in \(scene.transport.name) transport",
                    errno: -27)
            }
            order.quota = quota
        }
        if let tag = settings.maildirTag, let value = try await scene.expand(tag, "maildir_tag")?.bytes {
            order.maildirTag = value.first?.isASCIIAlphanumeric == true ? ":\(value)" : value
        }
        return order
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
        order.quotaIsInclusive = settings.quotaIsInclusive
        order.maildirRetries = settings.maildirRetries
    }

    private func place() async throws(TransportTrouble) -> (ByteString, LocalOrder.Kind) {
        let name = scene.transport.name
        let isDirectory = settings.directory != nil
        var path: TaintedBytes
        if let template = settings.directory ?? settings.file {
            guard let value = try await scene.expand(template, isDirectory ? "directory" : "file") else {
                throw TransportTrouble(
                    "Expansion of \"\(template.source)\" (file or directory name for \(name) transport) failed",
                    errno: -27)
            }
            path = value
        } else if let instruction = scene.items.first?.instruction, case .file(let given) = instruction.target
        {
            path = instruction.facts.addressFile ?? TaintedBytes(given)
        } else {
            throw TransportTrouble(
                "Mandatory file or directory option missing from \(name) transport", errno: -27)
        }
        if path.taint.isTainted {
            throw TransportTrouble(
                "Tainted '\(path.bytes)' (file or directory name for \(name) transport) not permitted",
                errno: -1)
        }
        guard path.bytes.first == UInt8(ascii: "/") else {
            throw TransportTrouble(
                "appendfile: file or directory name \"\(path.bytes)\" is not absolute", errno: -21)
        }
        if settings.isMaildir { return (path.bytes, .maildir) }
        let intoDirectory = isDirectory || path.bytes.last == UInt8(ascii: "/")
        return (path.bytes, intoDirectory ? .directory : .mailbox)
    }

    private func setContent(_ order: inout LocalOrder) async throws(TransportTrouble) {
        let isMailbox = order.kind == .mailbox
        order.content = try await scene.content(
            prefix: settings.messagePrefix ?? (isMailbox ? DeliveryScene.mailboxLine : nil),
            suffix: settings.messageSuffix ?? (isMailbox ? "\n" : nil))
        order.content.checkString = settings.checkString ?? (isMailbox ? "From " : "")
        order.content.escapeString = settings.escapeString ?? (isMailbox ? ">From " : "")
        order.content.usesCRLF = settings.usesCRLF
        // A file of many messages needs each one to end with its line.
        order.content.endsLastLine = isMailbox
    }
}

/// Sizes as quotas have them: digits and perhaps K, M or G.
enum EximSize {
    static func parse(_ text: ByteString) -> Int? {
        let trimmed = ByteString(text.trimmed())
        guard let last = trimmed.last else { return 0 }
        let shift = [UInt8(ascii: "K"): 10, UInt8(ascii: "M"): 20, UInt8(ascii: "G"): 30][
            last.uppercasedASCII]
        guard let number = (shift == nil ? trimmed[...] : trimmed.dropLast()).decimalInteger(), number >= 0
        else { return nil }
        let (product, over) = number.multipliedReportingOverflow(by: 1 << (shift ?? 0))
        return over ? nil : Int(product)
    }
}
