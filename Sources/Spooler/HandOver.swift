public import Bytes

/// How the body comes into the target directory of a hand-over.
public enum HandOverStyle: Sendable, Hashable {
    /// By a second name for the same file where that is possible, else by a copy. The receiver must not
    /// change it.
    case linked
    /// By a copy that the receiver may change.
    case copied
}

extension LockedMessage {
    /// Puts the message as a pair of spool files into a directory, for another program (Exim's queuefile
    /// transport).
    ///
    /// `-D` is put there first and `-H` last, each complete and durable before it gets its name, so that a
    /// receiver which sees `-H` has everything. Nothing is overwritten. Where a crash had left our own `-D`
    /// without `-H`, it is used; where it had left both, or they could not be taken back, the message has been handed
    /// over.
    ///
    /// - Parameter header: what the other program shall read; usually this message's, with the recipients
    ///   that are handed over.
    /// - Throws: `EEXIST` when the message is there already with another envelope; a failure leaves nothing behind.
    public func handOver(
        to directory: ByteString, header: HeaderFile, as style: HandOverStyle
    ) throws(SpoolError) {
        let header = try writable(header, directory)
        let target = HandOverTarget(spool: spool, directory: directory, id: id)
        let octets = header.serialized().bytes
        if try isHandedOver(octets, target) { return try spool.sync(directory: directory) }
        let isNew = try place(in: target, style)
        var hasHeader = false
        do throws(SpoolError) {
            try target.place(octets, as: target.header, .linkHeader)
            hasHeader = true
            try spool.sync(directory: directory)
        } catch {
            // The reason that is told is the first one. -D stays with an -H that cannot be removed.
            if error.cause != .stopped, !hasHeader || System.unlinkQuietly(target.header), isNew {
                System.unlinkQuietly(target.data)
            }
            throw error
        }
    }

    /// Whether both files are there, octet for octet as they would be put; throws `EEXIST` when there is another `-H`.
    private func isHandedOver(_ header: [UInt8], _ target: HandOverTarget) throws(SpoolError) -> Bool {
        let limit = HeaderFile.maximumFileSize
        guard let present = try System.read(target.header, limit: limit) else { return false }
        if present == header {
            do throws(SpoolError) {
                if try isSameData(as: target.data) { return true }
            } catch  where error.isNotFound {
                // Not a message of ours.
            }
        }
        throw SpoolError("link to", target.header, .system(errno: System.exists))
    }

    private func writable(_ header: HeaderFile, _ directory: ByteString) throws(SpoolError) -> HeaderFile {
        var header = header
        header.id = id
        header.modernize()
        do throws(SpoolFormatError) {
            try header.check()
        } catch {
            throw SpoolError("hand over to", directory, .format(error))
        }
        return header
    }

    /// Puts `-D` in place; false when it was there already, the same octets.
    private func place(in target: HandOverTarget, _ style: HandOverStyle) throws(SpoolError) -> Bool {
        do throws(SpoolError) {
            if style == .linked, try linkData(to: target.data) { return true }
            try target.copy(lock.data, to: target.data)
            return true
        } catch  where error.isExisting {
            guard try isSameData(as: target.data) else { throw error }
            return false
        }
    }

    /// Links `-D`; false when the target is on another file system, or links are not allowed there.
    private func linkData(to path: ByteString) throws(SpoolError) -> Bool {
        try spool.step(.linkData)
        do throws(SpoolError) {
            try System.link(spool.path(.data, of: id, in: place), to: path)
            return true
        } catch  where error.isCrossingFileSystems {
            return false
        }
    }

    private func isSameData(as path: ByteString) throws(SpoolError) -> Bool {
        let other = try System.open(path, .nonBlocking)
        let (mine, theirs) = (try lock.data.status(), try other.status())
        if mine.isSameFile(as: theirs) { return true }
        guard theirs.isRegular, mine.size == theirs.size else { return false }
        return try lock.data.hasSameOctets(as: other)
    }
}

/// The directory that a message is handed over to, and the names in it.
struct HandOverTarget {
    let spool: Spool
    let directory: ByteString
    let id: MessageID

    var data: ByteString { "\(directory)/\(id.bytes)-D" }
    var header: ByteString { "\(directory)/\(id.bytes)-H" }

    /// A name that no reader of spool directories takes for a message.
    private var temporary: ByteString { "\(directory)/tmp.\(id.bytes)" }

    /// Writes a file under a temporary name, makes it durable, and gives it its name, which must be free.
    func place(_ octets: [UInt8], as path: ByteString, _ step: SpoolStep) throws(SpoolError) {
        try place(as: path, step) { (file) throws(SpoolError) in try file.write(octets.span) }
    }

    /// Copies a file likewise.
    func copy(_ source: borrowing Descriptor, to path: ByteString) throws(SpoolError) {
        try place(as: path, .linkData) { (file) throws(SpoolError) in try source.copy(to: file) }
    }

    private func place(
        as path: ByteString, _ step: SpoolStep, _ fill: (borrowing Descriptor) throws(SpoolError) -> Void
    ) throws(SpoolError) {
        let temporary = try createTemporary()
        do throws(SpoolError) {
            try fill(temporary)
            try finish(temporary, path, step)
        } catch {
            if error.cause != .stopped { System.unlinkQuietly(self.temporary) }
            throw error
        }
    }

    private func finish(_ file: borrowing Descriptor, _ path: ByteString, _ step: SpoolStep)
        throws(SpoolError)
    {
        try spool.sync(file: file)
        try spool.step(step)
        try System.link(temporary, to: path)
        // From here on the file is there: a rest of the other name is removed by the next attempt, or harms nobody.
        System.unlinkQuietly(temporary)
    }

    /// The name belongs to whoever holds the message's lock; what a crash left is removed.
    private func createTemporary() throws(SpoolError) -> Descriptor {
        try System.unlink(temporary)
        let file = try System.open(temporary, [.readWrite, .create, .exclusive], mode: Spool.fileMode)
        try spool.adopt(file)
        return file
    }
}

extension SpoolError {
    /// Whether a link was refused because of where the two ends are.
    var isCrossingFileSystems: Bool { System.linkRefusals.contains(errorNumber ?? 0) }
}

extension Descriptor {
    /// Copies everything to another file.
    func copy(to target: borrowing Descriptor) throws(SpoolError) {
        try forEachBlock { (block) throws(SpoolError) in
            try target.write(block)
            return true
        }
    }

    /// Lends the file block by block, from a place on, until `use` gives false.
    func forEachBlock(
        from start: Int = 0, of size: Int = PendingMessage.bufferSize,
        _ use: (Span<UInt8>) throws(SpoolError) -> Bool
    ) throws(SpoolError) {
        var buffer = [UInt8](repeating: 0, count: max(size, 1))
        var offset = start
        while true {
            let got = try read(at: offset, into: &buffer)
            guard got > 0, try use(buffer.span.extracting(0..<got)) else { return }
            offset += got
        }
    }

    /// Whether both files hold the same octets.
    func hasSameOctets(as other: borrowing Descriptor) throws(SpoolError) -> Bool {
        var mine = [UInt8](repeating: 0, count: PendingMessage.bufferSize)
        var theirs = mine
        var offset = 0
        while true {
            let got = try read(at: offset, into: &mine)
            guard try other.read(at: offset, into: &theirs) == got, mine[..<got] == theirs[..<got] else {
                return false
            }
            guard got > 0 else { return true }
            offset += got
        }
    }
}
