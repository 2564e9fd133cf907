internal import Bytes

extension Spool {
    /// Puts a new `-H` in the place of the old one, or makes the first: temporary name, sync, rename,
    /// directory sync.
    ///
    /// Readers see the whole old or the whole new file. The caller holds the lock.
    func writeHeader(_ header: HeaderFile, in place: Place) throws(SpoolError) {
        var header = header
        header.modernize()
        let target = path(.header, of: header.id, in: place)
        do throws(SpoolFormatError) {
            try header.check()
        } catch {
            throw SpoolError("write", target, .format(error))
        }
        let temporary = path(.temporaryHeader, of: header.id, in: place)
        do throws(SpoolError) {
            try writeTemporary(header.serialized(), to: temporary, place)
            try step(.renameHeader)
            try System.rename(temporary, to: target)
        } catch {
            if error.cause != .stopped { try System.unlink(temporary) }
            throw error
        }
        try step(.syncDirectory)
        try sync(directory: directory("input", place))
    }

    private func writeTemporary(
        _ octets: ByteString, to path: ByteString, _ place: Place
    ) throws(SpoolError) {
        try step(.createHeader)
        let file = try createTemporary(path, place)
        try step(.writeHeader)
        try file.write(octets.bytes.span)
        try step(.syncHeader)
        try sync(file: file)
    }

    /// A temporary file left over from a crash is removed: the name belongs to whoever holds the lock.
    private func createTemporary(_ path: ByteString, _ place: Place) throws(SpoolError) -> Descriptor {
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
}
