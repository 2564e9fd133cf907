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

    /// Writes what is missing of `-D`.
    func writeData() throws(SpoolError) {
        guard written < data.count else { return }
        try spool.step(.writeData)
        try System.write(
            data.span.extracting(written...), toOpen: held.data, spool.path(.data, of: id, in: place))
    }

    /// Writes all of `-D`, whatever an earlier attempt has come to.
    private func writeWhole() throws(SpoolError) {
        try spool.step(.writeData)
        try System.write(data.span, at: 0, toOpen: held.data, spool.path(.data, of: id, in: place))
    }

    func syncData() throws(SpoolError) {
        try spool.step(.syncData)
        guard spool.durability == .eximOrder else { return }
        try System.sync(open: held.data, spool.path(.data, of: id, in: place))
    }

    /// Exim's order: each file, then the name, then the directory.
    func commitAlone() -> CommitAnswer {
        do throws(SpoolError) {
            try writeData()
            try syncData()
            try spool.writeHeader(header, of: id, in: place)
            return .success(try spool.beginMessageLog(firstLogLine, of: id, in: place))
        } catch {
            return .failure(error)
        }
    }

    /// Makes the files of a message that is acknowledged already: its mark comes between durable content and name.
    func settleAlone(marking: () throws(SpoolError) -> Void) -> CommitAnswer {
        do throws(SpoolError) {
            try writeWhole()
            try syncData()
            try spool.clearing(id, place) { () throws(SpoolError) in
                try spool.writeTemporary(header, of: id, in: place, isSynchronised: true)
                try spool.sync(directory: spool.directory("input", place))
                try spool.step(.markCommitLog)
                try marking()
                try spool.renameTemporary(of: id, in: place)
            }
            try spool.step(.syncDirectory)
            try spool.sync(directory: spool.directory("input", place))
            return .success(try spool.beginMessageLog(firstLogLine, of: id, in: place))
        } catch {
            return .failure(error)
        }
    }
}
