import Bytes
import Glibc

/// Writes a message as a new file of a maildir, or of a plain directory (manual, sections 26.4 and 26.5).
struct DirectoryDelivery {
    let order: LocalOrder
    let data: CInt

    func deliver() -> LocalOutcome {
        do throws(TransportTrouble) {
            try prepare()
            try checkQuota()
            try write()
            return .delivered
        } catch {
            return .deferred(error)
        }
    }

    private var isMaildir: Bool { order.kind == .maildir }

    private var directory: ByteString {
        order.path.count > 1 && order.path.last == UInt8(ascii: "/")
            ? ByteString(order.path.dropLast()) : order.path
    }

    private func prepare() throws(TransportTrouble) {
        let wanted = isMaildir ? ["", "/tmp", "/new", "/cur"] : [""] as [ByteString]
        for name in wanted {
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
                    "directory \(path) does not exist and create_directory is not set", errno: ENOENT)
            }
            try LocalPaths.checkCreation(of: order)
            try LocalPaths.makeDirectories(path, order)
        }
    }

    private func checkQuota() throws(TransportTrouble) {
        guard order.quota > 0 else { return }
        var root = directory
        if isMaildir, (try? System.status(directory + "/maildirfolder")) != .some(nil) {
            root = LocalPaths.parent(of: directory)
        }
        try LocalQuota.check(
            order, present: Self.size(of: root, depth: 0), name: temporaryName(now: System.moment()))
    }

    /// The octets in all files below a directory.
    private static func size(of directory: ByteString, depth: Int) -> Int64 {
        guard depth < 8, let names = try? System.names(in: directory) else { return 0 }
        return names.reduce(0) { sum, name in
            guard let facts = try? System.status("\(directory)/\(name)", following: false) else { return sum }
            if facts.isDirectory { return sum + size(of: "\(directory)/\(name)", depth: depth + 1) }
            return facts.isRegular ? sum + facts.size : sum
        }
    }

    private func uniqueName(now: (seconds: Int64, microseconds: Int)) -> ByteString {
        let chance = UInt16.random(in: 0...UInt16.max)
        return isMaildir
            ? "\(now.seconds).M\(now.microseconds)P\(System.processID)Q\(chance).\(order.hostName)"
            : "temp.\(System.processID).\(now.microseconds).\(chance).\(order.hostName)"
    }

    private func temporaryName(now: (seconds: Int64, microseconds: Int)) -> ByteString {
        isMaildir ? "tmp/\(uniqueName(now: now))" : uniqueName(now: now)
    }

    private func write() throws(TransportTrouble) {
        let message = try FilteredMessage(order.content, data)
        for _ in 0...max(order.maildirRetries, 1) {
            let name = uniqueName(now: System.moment())
            let temporary: ByteString = isMaildir ? "\(directory)/tmp/\(name)" : "\(directory)/\(name)"
            let file: Descriptor
            do { file = try System.open(temporary, O_WRONLY | O_CREAT | O_EXCL, order.mode) } catch {
                if error.number == EEXIST { continue }
                throw TransportTrouble("while creating file \(temporary)", errno: error.number)
            }
            do throws(WritingFailure) {
                var writer = MessageWriter(message.content, toFile: file.raw)
                try writer.write(bodyFrom: message.descriptor(data))
                try finish(file, temporary, name)
            } catch {
                System.unlink(temporary)
                throw TransportTrouble("while writing to \(temporary)", errno: error.number)
            }
            return
        }
        throw TransportTrouble("failed to open a new file in \(directory): names are taken", errno: EEXIST)
    }

    private func finish(
        _ file: borrowing Descriptor, _ temporary: ByteString, _ name: ByteString
    ) throws(WritingFailure) {
        do throws(SystemFailure) {
            try System.changeMode(file.raw, order.mode)
            try System.sync(file.raw)
            let inode = try System.status(file.raw).inode
            try place(temporary, isMaildir ? name : Self.finalName(inode))
        } catch {
            throw .failed(error.number)
        }
    }

    /// Exim's default of `directory_file`: `q${base62:$tod_epoch}-$inode`.
    private static func finalName(_ inode: UInt64) -> ByteString {
        "q\(Base62.encode(UInt64(clamping: System.moment().seconds), width: 6))-\(inode)"
    }

    private func place(_ temporary: ByteString, _ name: ByteString) throws(SystemFailure) {
        guard isMaildir else {
            try System.rename(temporary, "\(directory)/\(name)")
            return try System.syncDirectory(directory)
        }
        let final: ByteString = "\(directory)/new/\(name)"
        do {
            try System.rename(temporary, final + order.maildirTag)
        } catch {
            guard error.number == ENAMETOOLONG, !order.maildirTag.isEmpty else { throw error }
            try System.rename(temporary, final)
        }
        try System.syncDirectory("\(directory)/new")
    }
}
