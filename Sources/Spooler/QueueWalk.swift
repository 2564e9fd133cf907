public import Bytes

/// A message that a walk has met: its id and where it lies.
public struct QueueEntry: Sendable, Hashable {
    /// The message.
    public var id: MessageID
    /// Where its `-H` is.
    public var place: Place
}

/// A walk over a queue's messages in the order in which the file system gives them, in constant memory.
///
/// Both layouts are always walked: `input` itself, then each directory in it whose name is one letter or
/// digit. Messages that come or go meanwhile may be met or not; whoever meets one that is gone skips it.
public struct QueueWalk: ~Copyable, Sendable {
    private let spool: Spool
    private var names: NameWalk

    init(_ spool: Spool) throws(SpoolError) {
        self.spool = spool
        names = try NameWalk(spool)
    }

    /// The next message, or nil at the end.
    public mutating func next() throws(SpoolError) -> QueueEntry? {
        while let (name, place) = try names.next() {
            guard name.count == 18 || name.count == 25, name.suffix(2).elementsEqual("-H".utf8),
                let id = MessageID(name.dropLast(2))
            else { continue }
            return QueueEntry(id: id, place: place)
        }
        return nil
    }
}

/// A walk over every name of a queue's `input` or `msglog`, in both layouts.
struct NameWalk: ~Copyable, Sendable {
    private let spool: Spool
    private let purpose: ByteString
    private var stream: DirectoryStream?
    private var place = Place.plain
    private var subdirectories: [UInt8] = []

    init(_ spool: Spool, purpose: ByteString = "input") throws(SpoolError) {
        self.spool = spool
        self.purpose = purpose
        stream = try DirectoryStream(spool.directory(purpose, .plain))
    }

    /// The next name but those of directories and of `.` and `..`; nil at the end.
    mutating func next() throws(SpoolError) -> (name: [UInt8], place: Place)? {
        while true {
            if let name = try stream?.next() {
                guard name.count > 1 else {
                    if place == .plain, let letter = name.first, letter.isASCIIAlphanumeric {
                        subdirectories.append(letter)
                    }
                    continue
                }
                if name.elementsEqual("..".utf8) { continue }
                return (name, place)
            }
            guard let letter = subdirectories.popLast() else { return nil }
            place = Place(subdirectory: letter)
            // An empty subdirectory may be removed at any time.
            stream = try DirectoryStream(spool.directory(purpose, place))
        }
    }
}

extension Spool {
    /// Begins a walk over the messages of this queue; an `input` that does not exist is an empty queue.
    public func walk() throws(SpoolError) -> QueueWalk { try QueueWalk(self) }

    /// All messages in the order of `exim -bp`: by time, then by the part of the second.
    ///
    /// Only ids are held, 32 octets a message: 32 MB for a million. Queue runs and `-bpr` use `walk()`.
    public func sortedQueue() throws(SpoolError) -> [QueueEntry] {
        var entries: [QueueEntry] = []
        var walk = try walk()
        while let entry = try walk.next() { entries.append(entry) }
        entries.sort { MessageID.precedesInQueue($0.id, $1.id) }
        return entries
    }

    /// How many messages there are (Exim's `-bpc`); nothing is opened.
    public func count() throws(SpoolError) -> Int {
        var count = 0
        try forEachFile { _, suffix, _ in if suffix == UInt8(ascii: "H") { count += 1 } }
        return count
    }

    /// The names of the named queues: the directories of the spool that have an `input`.
    public func queueNames() throws(SpoolError) -> [ByteString] {
        var names: [ByteString] = []
        guard var stream = try DirectoryStream(directory) else { return [] }
        while let name = try stream.next() {
            guard name.first != UInt8(ascii: "."), !name.elementsEqual("input".utf8) else { continue }
            // The dot makes a link to a directory count as one.
            let path = "\(directory)/\(ByteString(name))/input/." as ByteString
            if try isDirectory(path) { names.append(ByteString(name)) }
        }
        return names.sorted()
    }

    private func isDirectory(_ path: ByteString) throws(SpoolError) -> Bool {
        do throws(SpoolError) {
            return try System.status(of: path)?.isDirectory ?? false
        } catch  where error.errorNumber == System.notDirectory {
            return false
        }
    }
}
