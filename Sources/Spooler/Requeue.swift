public import Bytes

/// Under which id a pair of spool files comes back.
public enum RequeueIdentity: Sendable {
    /// Its own; only where the spool does not have that id.
    case same
    /// A fresh one, in the generator's form; both first lines are rewritten.
    case fresh(MessageIDGenerator)
}

/// What came of putting a pair of files into the spool.
public enum RequeueOutcome: Sendable, Equatable {
    /// It is on the queue, under this id.
    case queued(MessageID)
    /// The directory has no such `-H`: not yet complete, or taken already.
    case noHeader
    /// There is `-H` without `-D`; Exim's own queuefile transport makes `-H` first, so wait.
    case incomplete
    /// The spool has a message of that id.
    case alreadyQueued
    /// `-H` cannot be read, or `-D` does not begin with the id; the files are left.
    case malformed(SpoolFormatError)
}

extension Spool {
    /// Puts a message from another program's directory on the queue: `-D` first and locked, then `-H`.
    ///
    /// The body is copied and counted, so the other program may have changed it. Everything else in `-H`
    /// stays, except for its first line under a fresh id. A failure leaves the spool and the source as they
    /// were.
    ///
    /// - Parameter removingSource: removes the pair once the message is safely on the queue, `-H` first.
    public func requeue(
        from directory: ByteString, _ id: MessageID, as identity: RequeueIdentity, removingSource: Bool
    ) throws(SpoolError) -> RequeueOutcome {
        let source = HandOverTarget(spool: self, directory: directory, id: id)
        guard let octets = try System.read(source.header, limit: HeaderFile.maximumFileSize) else {
            return .noHeader
        }
        let header: HeaderFile
        do throws(SpoolFormatError) {
            header = try HeaderFile(parsing: ByteString(octets), named: id)
        } catch {
            return .malformed(error)
        }
        let data: Descriptor
        do throws(SpoolError) {
            data = try System.open(source.data, .nonBlocking)
        } catch  where error.isNotFound {
            return .incomplete
        }
        let outcome = try queue(header, data, identity)
        if removingSource, case .queued = outcome {
            try System.unlink(source.header)
            try System.unlink(source.data)
        }
        return outcome
    }

    private func queue(
        _ header: HeaderFile, _ data: borrowing Descriptor, _ identity: RequeueIdentity
    ) throws(SpoolError) -> RequeueOutcome {
        guard try data.begins(with: "\(header.id.bytes)-D\n") else {
            return .malformed(
                SpoolFormatError(id: header.id, part: .envelope, line: 1, offset: 0, reason: .badDataFile))
        }
        var pending: PendingMessage
        switch identity {
        case .fresh(let ids):
            pending = try newMessage(ids)
            // Another generator of this process may have made the old one in the same moment.
            while pending.id == header.id { pending = try newMessage(ids) }
        case .same:
            guard try !has(header.id) else { return .alreadyQueued }
            pending = try newMessage(named: header.id)
        }
        try pending.append(bodyOf: data, from: header.id.dataStartOffset)
        let committed = try pending.commit(header)
        return .queued(committed.id)
    }

    /// Whether anything of that id is in either place.
    private func has(_ id: MessageID) throws(SpoolError) -> Bool {
        for place in places(for: id) {
            for file in [MessageFile.data, .header, .journal]
            where try System.status(of: path(file, of: id, in: place)) != nil {
                return true
            }
        }
        return false
    }
}

extension PendingMessage {
    /// Appends what a file holds behind an offset.
    mutating func append(bodyOf file: borrowing Descriptor, from start: Int) throws(SpoolError) {
        try file.forEachBlock(from: start) { (block) throws(SpoolError) in
            try append(block)
            return true
        }
    }
}

extension Descriptor {
    /// Whether the file is a regular one that begins with these octets.
    func begins(with octets: ByteString) throws(SpoolError) -> Bool {
        guard try status().isRegular else { return false }
        var buffer = [UInt8](repeating: 0, count: octets.count)
        return try read(at: 0, into: &buffer) == octets.count && buffer == octets.bytes
    }
}
