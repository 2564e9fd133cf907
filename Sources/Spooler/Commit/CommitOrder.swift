internal import Bytes

/// Nil, or what went wrong with the message's own log; or why the message could not be committed.
typealias CommitAnswer = Result<SpoolError?, SpoolError>

/// A message that wants to be committed; its `-D` is made and locked.
struct CommitOrder: Sendable {
    let spool: Spool
    let id: MessageID
    let place: Place
    let held: HeldMessage
    /// When `-D` was made (`System.uptime`).
    let begun: UInt64
    /// The last octets of `-D`.
    let data: [UInt8]
    /// How many of these are in the file.
    let written: Int
    /// Whether they are all of it.
    let isWhole: Bool
    /// The octets of `-H`.
    let header: ByteString
    let firstLogLine: ByteString?

    /// The message for the commit log; only for one whose `-D` is still as a whole in memory.
    var logged: LoggedMessage {
        LoggedMessage(
            id: id, queue: spool.queue, place: place, firstLogLine: firstLogLine, header: header,
            data: ByteString(data))
    }

    private var dataPath: ByteString { spool.path(.data, of: id, in: place) }
    private var temporaryPath: ByteString { spool.path(.temporaryHeader, of: id, in: place) }

    func syncData() throws(SpoolError) {
        try spool.step(.syncData)
        guard spool.durability == .eximOrder else { return }
        try System.sync(open: held.data, dataPath)
    }

    // MARK: Without the log

    /// Writes what is missing of `-D`.
    private func writeData() throws(SpoolError) {
        guard written < data.count else { return }
        try spool.step(.writeData)
        try System.write(data.span.extracting(written...), toOpen: held.data, dataPath)
    }

    /// Exim's order: each file, then the name, then the directory.
    func commitAlone() -> CommitAnswer {
        do throws(SpoolError) {
            try writeData()
            try syncData()
            try spool.writeHeader(header, of: id, in: place)
            return .success(try beginLog())
        } catch {
            return .failure(error)
        }
    }

    /// Writes both files, the header under its temporary name.
    func writeFiles() throws(SpoolError) {
        if let file = held.header { return try rewriteFiles(header: file) }
        try writeData()
        try spool.clearing(id, place) { () throws(SpoolError) in
            try spool.writeTemporary(header, of: id, in: place, isSynchronised: false)
        }
    }

    /// Gives the header file its final name, which puts the message on the queue.
    func giveName() throws(SpoolError) {
        guard !held.isNamed else { return }
        if held.header == nil {
            try spool.clearing(id, place) { () throws(SpoolError) in
                try spool.renameTemporary(of: id, in: place)
            }
        } else {
            // With a mark and without a temporary file it would count as delivered: that one is never removed.
            try spool.renameTemporary(of: id, in: place)
        }
        held.isNamed = true
    }

    /// Begins the message's own log.
    func beginLog() throws(SpoolError) -> SpoolError? {
        try spool.beginMessageLog(firstLogLine, of: id, in: place)
    }

    // MARK: Through the log

    /// Opens all that making the files takes: what is accepted must not lack a descriptor then.
    func openHeader() throws(SpoolError) {
        try spool.clearing(id, place) { () throws(SpoolError) in
            try spool.step(.createHeader)
            held.keep(header: try spool.createTemporary(of: id, in: place))
        }
    }

    /// Removes the temporary header file of a message that is not accepted after all.
    func removeTemporary() {
        if held.header != nil, !held.isNamed { System.unlinkQuietly(temporaryPath) }
    }

    /// Writes both files from their beginning, whatever an earlier attempt has come to: what a synchronisation has
    /// once failed to write is not written by the next one.
    private func rewriteFiles(header file: Int32) throws(SpoolError) {
        try spool.step(.writeData)
        try System.write(data.span, at: 0, toOpen: held.data, dataPath)
        try spool.step(.writeHeader)
        try System.write(header.bytes.span, at: 0, toOpen: file, temporaryPath)
    }

    /// Makes the files of a message of the log by themselves: the mark comes between durable content and name.
    func settleAlone(marking: () throws(SpoolError) -> Void) -> CommitAnswer {
        do throws(SpoolError) {
            if held.header == nil { try openHeader() }
            guard let file = held.header else {
                throw SpoolError("write", temporaryPath, .refused("the header file is not open"))
            }
            try rewriteFiles(header: file)
            try syncData()
            try spool.step(.syncHeader)
            if spool.durability == .eximOrder { try System.sync(open: file, temporaryPath) }
            if !held.isNamed {
                try syncNames()
                try spool.step(.markCommitLog)
                try marking()
                try giveName()
            }
            try spool.step(.syncDirectory)
            try syncNames()
            return .success(try beginLog())
        } catch {
            return .failure(error)
        }
    }

    /// Makes the names durable; where no descriptor is left for the directory, with the whole file system.
    func syncNames() throws(SpoolError) {
        do throws(SpoolError) {
            try spool.sync(directory: spool.directory("input", place))
        } catch  where error.isOutOfDescriptors {
            try System.syncFileSystem(ofOpen: held.data, dataPath)
        }
    }
}
