internal import Bytes

/// A message that a walk for a listing has met.
public struct ListedEntry: Sendable, Hashable {
    /// The message and where it lies.
    public var entry: QueueEntry
    /// Whether there was a journal beside it.
    public var hasJournal: Bool

    /// Makes an entry.
    public init(entry: QueueEntry, hasJournal: Bool) {
        self.entry = entry
        self.hasJournal = hasJournal
    }
}

/// The directories of a queue, kept open while a listing reads it.
public final class OpenQueue: Sendable {
    /// The queue.
    public let spool: Spool
    private let plain: DirectoryHandle?
    private let subdirectories: [DirectoryHandle?]

    /// Opens the directories in which the entries lie.
    public init(_ spool: Spool, for entries: [ListedEntry]) throws(SpoolError) {
        self.spool = spool
        var letters: Set<UInt8> = []
        var usesPlain = false
        for entry in entries {
            if let letter = entry.entry.place.subdirectory {
                letters.insert(letter)
            } else {
                usesPlain = true
            }
        }
        plain = usesPlain ? try DirectoryHandle(spool.directory("input", .plain)) : nil
        var open = [DirectoryHandle?](repeating: nil, count: 128)
        for letter in letters where letter < 128 {
            open[Int(letter)] = try DirectoryHandle(
                spool.directory("input", Place(subdirectory: letter)))
        }
        subdirectories = open
    }

    /// The directory of a place; nil when it is gone.
    func directory(of place: Place) -> DirectoryHandle? {
        guard let letter = place.subdirectory else { return plain }
        return letter < 128 ? subdirectories[Int(letter)] : nil
    }
}

/// Reads messages for a listing, one after the other; each core has its own.
public struct ListingReader: ~Copyable {
    /// What is asked for at once: nearly every header file fits in.
    private static let blockSize = 16384

    private let queue: OpenQueue
    private var block = [UInt8](repeating: 0, count: blockSize)
    private var name: [CChar] = []

    /// Makes a reader of a queue.
    public init(_ queue: OpenQueue) { self.queue = queue }

    /// What a listing shows of a message; nil for one that is to be read by `Spool.read`: one that is not ordinary,
    /// is gone, or has a journal.
    ///
    /// - Parameter sized: whether the size of `-D` is wanted; without it the message has no size.
    public mutating func read(_ entry: ListedEntry, sized: Bool = true) -> ListedMessage? {
        guard !entry.hasJournal, let directory = queue.directory(of: entry.entry.place) else { return nil }
        let id = entry.entry.id
        id.write(to: &name, suffix: UInt8(ascii: "H"))
        guard let count = directory.read(name, into: &block), count < block.count,
            !block.hasZero(upTo: count),
            var message = ListedMessage(block, count: count, named: id)
        else { return nil }
        guard sized else { return message }
        id.write(to: &name, suffix: UInt8(ascii: "D"))
        guard let size = directory.size(of: name) else { return nil }
        message.add(bodySize: size.map { $0 - id.dataStartOffset })
        return message
    }
}

extension Spool {
    /// All messages in the order of `exim -bp`, and which of them have a journal.
    public func listedQueue() throws(SpoolError) -> [ListedEntry] {
        var entries: [ListedEntry] = []
        var journals: Set<MessageID> = []
        try forEachFile { (id, suffix, place) in
            if suffix == UInt8(ascii: "H") {
                entries.append(ListedEntry(entry: QueueEntry(id: id, place: place), hasJournal: false))
            } else if suffix == UInt8(ascii: "J") {
                journals.insert(id)
            }
        }
        if !journals.isEmpty {
            for index in entries.indices where journals.contains(entries[index].entry.id) {
                entries[index].hasJournal = true
            }
        }
        entries.sort { MessageID.precedesInQueue($0.entry.id, $1.entry.id) }
        return entries
    }

    /// Calls `use` with each file of a message in `input`: its id, the letter behind the id, its place.
    func forEachFile(_ use: (MessageID, UInt8, Place) -> Void) throws(SpoolError) {
        var letters: [UInt8] = []
        guard let stream = try DirectoryStream(directory("input", .plain)) else { return }
        try stream.forEachName { name in
            if name.count == 1, name[0].isASCIIAlphanumeric { letters.append(name[0]) }
            if let (id, suffix) = MessageID.ofFile(name) { use(id, suffix, .plain) }
        }
        for letter in letters {
            let place = Place(subdirectory: letter)
            // An empty subdirectory may be removed at any time.
            guard let stream = try DirectoryStream(directory("input", place)) else { continue }
            try stream.forEachName { name in
                if let (id, suffix) = MessageID.ofFile(name) { use(id, suffix, place) }
            }
        }
    }
}

extension MessageID {
    /// The message of a file named `<id>-<letter>`.
    static func ofFile(_ name: Span<UInt8>) -> (id: MessageID, suffix: UInt8)? {
        let length = name.count - 2
        guard length == Format.short.length || length == Format.long.length,
            name[length] == UInt8(ascii: "-"), let id = MessageID(name.extracting(first: length))
        else { return nil }
        return (id, name[length + 1])
    }

    /// Writes the name `<id>-<suffix>` with a NUL behind it.
    func write(to name: inout [CChar], suffix: UInt8) {
        let length = format.length
        if name.count != length + 3 { name = [CChar](repeating: 0, count: length + 3) }
        for place in 0..<length { name[place] = CChar(bitPattern: octet(place)) }
        name[length] = CChar(bitPattern: UInt8(ascii: "-"))
        name[length + 1] = CChar(bitPattern: suffix)
        name[length + 2] = 0
    }
}
