public import Bytes

/// A message as a listing sees it, without any lock.
public struct StoredMessage: Sendable, Equatable {
    /// What `-H` says, the journal's names joined to the non-recipients.
    public var header: HeaderFile
    /// Where the message lies.
    public var place: Place
    /// The size of the body; nil when there is no `-D`, negative when `-D` is shorter than its first line.
    public var bodySize: Int?
    /// The size of `-H`.
    public var headerFileSize: Int
}

/// A message whose `-H` is refused.
public struct MalformedMessage: Sendable, Equatable {
    /// The message.
    public var id: MessageID
    /// Where it lies.
    public var place: Place
    /// What is wrong with it, and where.
    public var error: SpoolFormatError
    /// What the envelope says, when only the header lines are bad.
    public var envelope: HeaderFile?
    /// The size of the body; nil when there is no `-D`.
    public var bodySize: Int?
    /// The size of `-H`.
    public var headerFileSize: Int
}

/// What came of reading a message without a lock.
public enum StoredReading: Sendable, Equatable {
    /// The message.
    case message(StoredMessage)
    /// There is an `-H`, and it is refused.
    case malformed(MalformedMessage)
    /// There is no `-H`: completed, removed, or not yet there.
    case gone
}

extension Spool {
    /// Reads a message for display: `-H` with one open and one read, the size of `-D`, and `-J` where there
    /// is one.
    ///
    /// - Parameter place: where the queue walk found it; nil to look in both places.
    public func read(_ id: MessageID, at place: Place? = nil) throws(SpoolError) -> StoredReading {
        for place in place.map({ [$0] }) ?? places(for: id) {
            let file = path(.header, of: id, in: place)
            guard let octets = try System.read(file, limit: HeaderFile.maximumFileSize) else { continue }
            return try reading(ByteString(octets), id, place)
        }
        return .gone
    }

    private func reading(
        _ octets: ByteString, _ id: MessageID, _ place: Place
    ) throws(SpoolError) -> StoredReading {
        var header: HeaderFile
        do throws(SpoolFormatError) {
            header = try HeaderFile(parsing: octets, named: id)
        } catch {
            return .malformed(try malformed(octets, id, place, error))
        }
        if let journal = try journal(of: id, in: place) { header.join(journal) }
        return .message(
            StoredMessage(
                header: header, place: place, bodySize: try bodySize(of: id, in: place),
                headerFileSize: octets.count))
    }

    /// Describes a message whose `-H` is refused.
    func malformed(
        _ octets: ByteString, _ id: MessageID, _ place: Place, _ error: SpoolFormatError
    ) throws(SpoolError) -> MalformedMessage {
        var envelope: HeaderFile?
        if error.part == .headers {
            do throws(SpoolFormatError) {
                envelope = try HeaderFile(parsingEnvelopeOf: octets, named: id)
            } catch {
                envelope = nil
            }
        }
        return MalformedMessage(
            id: id, place: place, error: error, envelope: envelope,
            bodySize: try bodySize(of: id, in: place), headerFileSize: octets.count)
    }

    func bodySize(of id: MessageID, in place: Place) throws(SpoolError) -> Int? {
        try System.status(of: path(.data, of: id, in: place)).map { $0.size - id.dataStartOffset }
    }

    /// Lends one of a message's files block by block, `-D` with its first line, until `use` gives false.
    ///
    /// Without a lock: for showing. False when there is no such file.
    public func forEachBlock(
        _ file: MessageFile, of id: MessageID, _ use: (Span<UInt8>) throws(SpoolError) -> Bool
    ) throws(SpoolError) -> Bool {
        for place in places(for: id) {
            let path = path(file, of: id, in: place)
            guard try System.status(of: path) != nil else { continue }
            try System.open(path, .nonBlocking).forEachBlock(use)
            return true
        }
        return false
    }

    /// One of a message's files as it is, `-D` with its first line (Exim's `-Mvh`, `-Mvb`, `-Mvl`); nil
    /// when there is none.
    public func rawFile(_ file: MessageFile, of id: MessageID) throws(SpoolError) -> ByteString? {
        for place in places(for: id) {
            if let octets = try System.read(path(file, of: id, in: place), limit: .max) {
                return ByteString(octets)
            }
        }
        return nil
    }
}
