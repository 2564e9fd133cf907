internal import Bytes

/// The exclusive right to work on one message; it ends with the value.
///
/// An open-file-description lock over the first line of `-D`, the octets that Exim locks. It excludes
/// Exim's own locks and is excluded by them, holds between two tasks of one process, and is not lost when
/// another descriptor is closed.
public struct MessageLock: ~Copyable, Sendable {
    /// The message.
    public let id: MessageID
    /// Where it lies.
    public let place: Place
    /// `-D`, open for reading and writing; nothing is written through it once the message is on the queue.
    let data: Descriptor

    init(id: MessageID, place: Place, data: consuming Descriptor) {
        self.id = id
        self.place = place
        self.data = data
    }

    deinit { data.unlockPrefix(id.lockLength) }
}

/// What came of trying to lock a message; locks are never waited for.
public enum LockOutcome: ~Copyable, Sendable {
    /// The message is ours until the lock's life ends.
    case acquired(MessageLock)
    /// Another process, or another part of this one, is working on it.
    case held
    /// There is no `-D`.
    case gone
}

extension Spool {
    /// Tries to lock a message.
    ///
    /// - Throws: where `-D` cannot be opened for writing (also when it is a symbolic link), or locks fail.
    public func lock(_ id: MessageID) throws(SpoolError) -> LockOutcome {
        for place in places(for: id) {
            let data: Descriptor
            do throws(SpoolError) {
                data = try System.open(path(.data, of: id, in: place), [.readWrite, .append, .nonBlocking])
            } catch  where error.isNotFound {
                continue
            }
            return try lock(data, of: id, in: place)
        }
        return .gone
    }

    /// Locks an open `-D`, and sees to it that its name still means it.
    private func lock(
        _ data: consuming Descriptor, of id: MessageID, in place: Place
    ) throws(SpoolError) -> LockOutcome {
        guard try data.lockPrefix(id.lockLength) else { return .held }
        let mine = try data.status()
        // Between open and lock the former owner may have completed the message.
        guard mine.links > 0, let named = try System.status(of: data.path), named.isSameFile(as: mine) else {
            return .gone
        }
        guard mine.isRegular else {
            throw SpoolError("lock", data.path, .refused("this is not a regular file"))
        }
        return .acquired(MessageLock(id: id, place: place, data: data))
    }
}

// MARK: - The body

extension MessageLock {
    /// Reads from the body, whose first octet has offset 0; gives how many octets came, 0 at the end.
    func readBody(at offset: Int, into buffer: inout [UInt8]) throws(SpoolError) -> Int {
        try data.read(at: id.dataStartOffset + offset, into: &buffer)
    }

    /// The size of the body.
    func bodySize() throws(SpoolError) -> Int { max(0, try data.status().size - id.dataStartOffset) }
}
