import Bytes
import Spooler

/// One message, seen from the side asked for.
struct MessageView: Sendable {
    let spool: Spool
    let now: Int64

    /// The octets to print; no part means JSON.
    func text(of id: MessageID, _ part: QueueShowCommand.Part?) throws(ToolFailure) -> ByteString {
        switch part {
        case .headerFile: return try file(.header, of: id)
        case .body: return try file(.data, of: id)
        case .log: return try file(.messageLog, of: id)
        case .message: return try message(id)
        case .entry: return try entry(id)
        case nil: return try json(id)
        }
    }

    private func file(_ file: MessageFile, of id: MessageID) throws(ToolFailure) -> ByteString {
        guard let octets = try reading({ () throws(SpoolError) in try spool.rawFile(file, of: id) }) else {
            let path = spool.path(file, of: id, in: .plain)
            throw ToolFailure(.noInput, "\(id.bytes): there is no \(path)")
        }
        return octets
    }

    private func read(_ id: MessageID) throws(ToolFailure) -> StoredReading {
        let reading = try reading { () throws(SpoolError) in try spool.read(id) }
        guard reading != .gone else {
            throw ToolFailure(.noInput, "no such message on the queue: \(id.bytes)")
        }
        return reading
    }

    private func reading<Result>(
        _ work: () throws(SpoolError) -> Result
    ) throws(ToolFailure) -> Result {
        do throws(SpoolError) {
            return try work()
        } catch {
            throw ToolFailure(error)
        }
    }

    private func json(_ id: MessageID) throws(ToolFailure) -> ByteString {
        let record = MessageRecord(now: now, queue: spool.queue)
        return try record.fullObject(of: id, .read(read(id))).map { "\($0.text)\n" } ?? ""
    }

    private func entry(_ id: MessageID) throws(ToolFailure) -> ByteString {
        let listing = MessageListing(style: ListingStyle(), now: now)
        switch try read(id) {
        case .gone: return ""
        case .malformed(let message):
            return listing.text(of: message, file: MessageListing.headerFile(of: id, in: spool))
                + ByteString("\(message.error.description)\n")
        case .message(let message):
            return listing.text(of: message) + Self.headers(of: message.header)
        }
    }

    private func message(_ id: MessageID) throws(ToolFailure) -> ByteString {
        guard case .message(let message) = try read(id) else {
            throw ToolFailure(
                .dataError, "\(id.bytes): the header file cannot be read; --header-file shows it as it is")
        }
        let body = try file(.data, of: id).dropFirst(id.dataStartOffset)
        return Self.headers(of: message.header) + ByteString("\n") + body
    }

    /// The header lines that are not deleted.
    static func headers(of header: HeaderFile) -> ByteString {
        header.headers.reduce(into: ByteString()) { if !$1.isDeleted { $0 += $1.text } }
    }
}

extension MessageListing {
    private func text(of message: ListedMessage) -> ByteString {
        var text = ByteString()
        append(message, to: &text)
        return text
    }

    /// The lines of a message, good or bad; nil when it is gone.
    func text(of message: ReportedMessage, _ id: MessageID, in spool: Spool) -> ByteString? {
        switch message {
        case .listed(let message): text(of: message)
        case .read(.message(let message)): text(of: message)
        case .read(.malformed(let message)): text(of: message, file: Self.headerFile(of: id, in: spool))
        case .read(.gone): nil
        case .unreadable(let error): Self.text(ofUnreadable: id.bytes, error.systemText)
        }
    }

    /// The file once more, for a size only: what fails here was told already.
    static func headerFile(of id: MessageID, in spool: Spool) -> ByteString? {
        do throws(SpoolError) { return try spool.rawFile(.header, of: id) } catch { return nil }
    }
}
