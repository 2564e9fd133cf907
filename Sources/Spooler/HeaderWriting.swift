internal import Bytes

extension Spool {
    /// Puts a new `-H` in the place of the old one, or makes the first: temporary name, sync, rename,
    /// directory sync.
    ///
    /// Readers see the whole old or the whole new file. The caller holds the lock.
    func writeHeader(_ header: HeaderFile, in place: Place) throws(SpoolError) {
        try writeHeader(try serialized(header, in: place), of: header.id, in: place)
    }

    /// The octets of a `-H`; refuses what would be misread.
    func serialized(_ header: HeaderFile, in place: Place) throws(SpoolError) -> ByteString {
        var header = header
        header.modernize()
        do throws(SpoolFormatError) {
            try header.check()
        } catch {
            throw SpoolError("write", path(.header, of: header.id, in: place), .format(error))
        }
        return header.serialized()
    }

    /// Puts the octets of a `-H` into its place.
    func writeHeader(_ octets: ByteString, of id: MessageID, in place: Place) throws(SpoolError) {
        try clearing(id, place) { () throws(SpoolError) in
            try writeTemporary(octets, of: id, in: place, isSynchronised: true)
            try renameTemporary(of: id, in: place)
        }
        try step(.syncDirectory)
        try sync(directory: directory("input", place))
    }

    /// Gives the temporary header file its final name.
    func renameTemporary(of id: MessageID, in place: Place) throws(SpoolError) {
        try step(.renameHeader)
        try System.rename(
            path(.temporaryHeader, of: id, in: place), to: path(.header, of: id, in: place))
    }

    /// Does something; a failure removes the temporary header file.
    func clearing(
        _ id: MessageID, _ place: Place, _ action: () throws(SpoolError) -> Void
    ) throws(SpoolError) {
        do throws(SpoolError) {
            try action()
        } catch {
            // The reason that is told is the first one; a rest is removed by the next writer of -H.
            if error.cause != .stopped { System.unlinkQuietly(path(.temporaryHeader, of: id, in: place)) }
            throw error
        }
    }

    /// Writes the temporary header file; whoever does not have it synchronised here must see to that.
    func writeTemporary(
        _ octets: ByteString, of id: MessageID, in place: Place, isSynchronised: Bool
    ) throws(SpoolError) {
        try step(.createHeader)
        let file = try createTemporary(of: id, in: place)
        try step(.writeHeader)
        try file.write(octets.bytes.span)
        guard isSynchronised else { return }
        try step(.syncHeader)
        try sync(file: file)
    }

    /// A temporary file left over from a crash is removed: the name belongs to whoever holds the lock.
    func createTemporary(of id: MessageID, in place: Place) throws(SpoolError) -> Descriptor {
        let path = path(.temporaryHeader, of: id, in: place)
        do throws(SpoolError) {
            return try create(path, [.readWrite, .exclusive], in: "input", place)
        } catch  where error.isExisting {
            try System.unlink(path)
            return try create(path, [.readWrite, .exclusive], in: "input", place)
        }
    }

    /// Adds a line to a message's own log, where there are such logs; never synchronised, as in Exim.
    func appendMessageLog(_ line: ByteString, to id: MessageID, in place: Place) throws(SpoolError) {
        guard writesMessageLogs else { return }
        try step(.writeMessageLog)
        let file = try create(
            path(.messageLog, of: id, in: place), [.writeOnly, .append], in: "msglog", place)
        var line = line
        if line.last != .newline { line.append(.newline) }
        try file.write(line.bytes.span)
    }

    /// Begins the log of a message that is on the queue; gives what went wrong, for that does not undo the message.
    func beginMessageLog(
        _ line: ByteString?, of id: MessageID, in place: Place
    ) throws(SpoolError) -> SpoolError? {
        guard let line else { return nil }
        do throws(SpoolError) {
            try appendMessageLog(line, to: id, in: place)
            return nil
        } catch  where error.cause != .stopped {
            return error
        }
    }
}
