package import Bytes
import Glibc

/// What an import did.
package struct ImportSummary: Sendable, Hashable {
    /// Records read, good and bad.
    package var read = 0
    /// Records that are new in the store.
    package var added = 0
    /// Records that were there already.
    package var known = 0
    /// Records that could not be read.
    package var rejected = 0
    /// Lines with keys that nobody knows.
    package var unknownLines = 0
    /// Octets read.
    package var octets: Int64 = 0
    /// Files whose last record may still be written to, and waits for the next import.
    package var held = 0

    /// Makes the summary of nothing.
    package init() {}

    /// Adds what another import did.
    package mutating func add(_ other: ImportSummary) {
        read += other.read
        added += other.added
        known += other.known
        rejected += other.rejected
        unknownLines += other.unknownLines
        octets += other.octets
        held += other.held
    }
}

/// How far an import is.
package struct ImportProgress: Sendable, Hashable {
    /// The file.
    package var path: ByteString
    /// Octets of the file that are done.
    package var done: Int64
    /// Octets of the file; nil for a stream.
    package var total: Int64?
    /// Records read so far.
    package var records: Int

    /// Makes progress.
    package init(path: ByteString, done: Int64, total: Int64?, records: Int) {
        self.path = path
        self.done = done
        self.total = total
        self.records = records
    }
}

/// Brings history files into a store: streaming, batch by batch, each batch with its place in one transaction.
///
/// A crash loses nothing and doubles nothing: the next import goes on behind the last committed batch.
package struct HistoryImport: Sendable {
    /// How to import.
    package struct Options: Sendable {
        /// The least number of records of a transaction.
        package var batch = 5000
        /// For how many seconds a file must rest before its last record counts as whole.
        package var settle: Int64 = 2
        /// Starts at the beginning, even where an earlier import got further.
        package var fromStart = false
        /// The file that bad records are appended to.
        package var rejectFile: ByteString?
        /// The time, in seconds since 1970.
        package var now: @Sendable () -> Int64 = { Int64(time(nil)) }

        /// Makes the usual options.
        package init() {}
    }

    private let store: any HistoryStoring
    private let options: Options
    private let progress: @Sendable (ImportProgress) -> Void

    /// An importer into a store.
    package init(
        _ store: any HistoryStoring, options: Options = Options(),
        progress: @escaping @Sendable (ImportProgress) -> Void = { _ in }
    ) {
        self.store = store
        self.options = options
        self.progress = progress
    }

    /// Imports what is new in a file to which others may be appending.
    package func file(_ path: ByteString) throws(DMARCError) -> ImportSummary {
        let file = try HistoryFile(path: path)
        return try work(through: file, isFinal: false).summary
    }

    /// Imports a stream, such as standard input, to its end.
    ///
    /// `next` gives octets, none at the end.
    package func stream(
        named path: ByteString, _ next: () throws(DMARCError) -> [UInt8]
    ) throws(DMARCError) -> ImportSummary {
        var work = Work(path: path, reader: HistoryReader())
        while true {
            let chunk = try next()
            if chunk.isEmpty { break }
            work.take(chunk)
            if work.count >= options.batch { try commit(&work, position: nil, total: nil) }
        }
        work.finish()
        try commit(&work, position: nil, total: nil)
        return work.summary
    }

    /// Empties a history file: renames it, imports it, and removes it when everything of it is in the store.
    ///
    /// Writers that open the file for each record go on in a new one. What an earlier run left behind is imported first.
    package func rotate(_ path: ByteString) throws(DMARCError) -> ImportSummary {
        var summary = ImportSummary()
        for leftover in try Self.leftovers(of: path) { summary.add(try drain(leftover)) }
        guard let state = try HistoryFile.State.of(path), state.size > 0 else { return summary }
        guard state.isRegular else {
            throw DMARCError(.data, at: path, "not a regular file: cannot be rotated")
        }
        let renamed: ByteString = "\(path)\(Self.suffix)\(options.now()).\(getpid())"
        guard unsafe rename(path.string, renamed.string) == 0 else {
            // Another importer was quicker.
            if errno == ENOENT { return summary }
            throw .system(path, "rename")
        }
        summary.add(try drain(renamed))
        return summary
    }

    /// What a renamed history file has after its name.
    package static let suffix: ByteString = ".importing."

    // MARK: - One file

    private func work(through file: borrowing HistoryFile, isFinal: Bool) throws(DMARCError) -> Work {
        let start = try startingPlace(of: file)
        var work = Work(path: file.path, reader: HistoryReader(offset: start.offset, line: start.line))
        var offset = start.offset
        while true {
            let chunk = try file.read(at: offset)
            if chunk.isEmpty { break }
            offset += Int64(chunk.count)
            work.take(chunk)
            if work.count >= options.batch { try commit(&work, of: file) }
        }
        let isWhole = try isFinal ? true : isWhole(work.reader, file, end: offset)
        if isWhole {
            work.finish()
        } else if !work.reader.openText.isEmpty {
            work.summary.held = 1
        }
        if work.reader.openOffset != start.offset || work.count > 0 { try commit(&work, of: file) }
        return work
    }

    /// Whether the open record can be taken for whole: its file rests, and ends with a line's end.
    private func isWhole(
        _ reader: HistoryReader, _ file: borrowing HistoryFile, end: Int64
    ) throws(DMARCError) -> Bool {
        let state = try file.state()
        return state.size == end && options.now() - state.modified >= options.settle
            && reader.openText.bytes.last == .newline
    }

    private func startingPlace(of file: borrowing HistoryFile) throws(DMARCError) -> (
        offset: Int64, line: Int
    ) {
        let state = try file.state()
        guard !options.fromStart, let known = try store.position(device: state.device, inode: state.inode),
            known.offset <= state.size
        else { return (0, 1) }
        let before = try file.witness(before: known.offset)
        return before == known.before ? (known.offset, known.line) : (0, 1)
    }

    private func commit(_ work: inout Work, of file: borrowing HistoryFile) throws(DMARCError) {
        let state = try file.state()
        let position = HistoryPosition(
            device: state.device, inode: state.inode, path: file.path, offset: work.reader.openOffset,
            line: work.reader.openLine, before: try file.witness(before: work.reader.openOffset))
        try commit(&work, position: position, total: state.size)
    }

    private func commit(
        _ work: inout Work, position: HistoryPosition?, total: Int64?
    ) throws(DMARCError) {
        work.batch.position = position
        let outcome = try store.commit(work.batch, now: options.now()) { try setAside($0) }
        work.summary.added += outcome.added
        work.summary.known += outcome.known
        work.batch = HistoryBatch()
        progress(
            ImportProgress(
                path: work.path, done: work.reader.openOffset, total: total, records: work.summary.read))
    }

    private func setAside(_ rejected: [RejectedRecord]) throws(DMARCError) {
        guard let path = options.rejectFile else { return }
        try RejectFile.append(rejected, to: path)
    }

    // MARK: - Rotation

    private func drain(_ path: ByteString) throws(DMARCError) -> ImportSummary {
        var summary = ImportSummary()
        // Nothing is left where another importer brought the same file to its end.
        while try HistoryFile.State.of(path) != nil {
            do throws(DMARCError) {
                if try drainOnce(path, &summary) { break }
            } catch {
                guard error.kind == .missing else { throw error }
            }
        }
        summary.held = 0
        return summary
    }

    /// Imports a renamed file and removes it; false when it grew meanwhile.
    private func drainOnce(_ path: ByteString, _ summary: inout ImportSummary) throws(DMARCError) -> Bool {
        let file = try HistoryFile(path: path)
        summary.add(try work(through: file, isFinal: false).summary)
        var state = try file.state()
        // A writer may have opened the file just before it was renamed.
        while options.now() - state.modified < options.settle {
            usleep(100_000)
            state = try file.state()
        }
        let last = try work(through: file, isFinal: true)
        summary.add(last.summary)
        guard try file.state().size == last.reader.openOffset else { return false }
        guard unsafe unlink(path.string) == 0 || errno == ENOENT else { throw .system(path, "remove") }
        try store.forget(
            HistoryPosition(
                device: state.device, inode: state.inode, path: path, offset: 0, line: 1, before: ""))
        return true
    }

    private static func leftovers(of path: ByteString) throws(DMARCError) -> [ByteString] {
        let parts = path.cutAtLast(UInt8(ascii: "/"))
        let directory = parts.map { $0.before.isEmpty ? "/" : ByteString($0.before) } ?? "."
        let name = parts.map { ByteString($0.after) } ?? path
        return try DirectoryNames.of(directory).filter { $0.starts(with: name + suffix) }.sorted()
            .map { parts == nil ? $0 : "\(directory == "/" ? "" : directory)/\($0)" }
    }
}

/// One pass through a file: the reader, and what was read but not yet committed.
private struct Work {
    let path: ByteString
    var reader: HistoryReader
    var batch = HistoryBatch()
    var summary = ImportSummary()

    init(path: ByteString, reader: HistoryReader) {
        self.path = path
        self.reader = reader
    }

    var count: Int { batch.records.count + batch.rejected.count }

    mutating func take(_ chunk: [UInt8]) {
        summary.octets += Int64(chunk.count)
        var entries: [HistoryEntry] = []
        reader.take(chunk[...]) { entries.append($0) }
        for entry in entries { add(entry) }
    }

    mutating func finish() {
        var entries: [HistoryEntry] = []
        reader.finish { entries.append($0) }
        for entry in entries { add(entry) }
    }

    private mutating func add(_ entry: HistoryEntry) {
        summary.read += 1
        switch entry.outcome {
        case .success(let record):
            summary.unknownLines += record.unknownLines
            batch.records.append(record)
        case .failure(let problem):
            summary.rejected += 1
            batch.rejected.append(
                RejectedRecord(
                    path: path, line: entry.line + problem.line, reason: problem.reason,
                    text: entry.rejectedText))
        }
    }
}

extension HistoryFile {
    /// The octets before a place, by which the file is known again.
    func witness(before offset: Int64) throws(DMARCError) -> ByteString {
        let count = Int(min(offset, Int64(HistoryPosition.witness)))
        return count == 0 ? "" : ByteString(try read(at: offset - Int64(count), count: count))
    }
}
