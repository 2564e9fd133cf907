import Bytes
import MailText
import Spooler

/// Which messages are meant: exiqgrep's criteria, all of which must hold.
struct QueueSelection: Sendable {
    /// Must match the sender in angle brackets (-f).
    var sender: PCRE2Pattern?
    /// Must match a recipient that the listing shows as still to be served (-r).
    var recipient: PCRE2Pattern?
    /// Must match the size as the listing shows it (-s).
    var size: PCRE2Pattern?
    /// Younger than so many seconds (-y).
    var youngerThan: Int64?
    /// Older than so many seconds (-o).
    var olderThan: Int64?
    /// Frozen (-z).
    var mustBeFrozen = false
    /// Not frozen (-x).
    var mustNotBeFrozen = false
    /// Whether ages are told by the ids, as exiqgrep does, and not by the time of reception.
    var agesAreOfIDs = false

    /// Whether everything is meant.
    var isEmpty: Bool {
        sender == nil && recipient == nil && size == nil && youngerThan == nil && olderThan == nil
            && !mustBeFrozen && !mustNotBeFrozen
    }

    /// Whether a message is meant; one that cannot be read is meant only when nothing is asked for.
    func contains(_ message: ReportedMessage, now: Int64) -> Bool {
        switch message {
        case .listed(let message): contains(message, now)
        case .read(.message(let message)): contains(message.header, message.bodySize, now)
        case .read(.malformed(let message)):
            message.envelope.map { contains($0, message.bodySize, now) } ?? isEmpty
        case .read(.gone): false
        case .unreadable: isEmpty
        }
    }

    private func contains(_ header: HeaderFile, _ bodySize: Int?, _ now: Int64) -> Bool {
        guard isOld(header.id, header.receivedTime, now), allows(isFrozen: header.isFrozen) else {
            return false
        }
        if let sender, !Self.finds(sender, in: "<\(header.sender)>") { return false }
        if let recipient, !Self.awaits(recipient, header) { return false }
        return isSize(bodySize.map { header.messageSize(bodySize: $0) } ?? 0)
    }

    private func contains(_ message: ListedMessage, _ now: Int64) -> Bool {
        guard isOld(message.id, message.receivedTime, now), allows(isFrozen: message.isFrozen) else {
            return false
        }
        if let sender, !Self.finds(sender, in: "<\(ByteString(message.sender))>") { return false }
        if let recipient {
            var isFound = false
            message.forEachRecipient { address in
                isFound = Self.finds(recipient, in: ByteString(address))
                return !isFound
            }
            guard isFound else { return false }
        }
        return isSize(message.size ?? 0)
    }

    /// Whether a message that is shown so is meant.
    func contains(_ row: ListedRow, _ id: MessageID, now: Int64) -> Bool {
        guard isOld(id, row.receivedTime, now), allows(isFrozen: row.isFrozen) else { return false }
        if let sender, !Self.finds(sender, in: "<\(row.sender)>") { return false }
        if let recipient, !row.recipients.contains(where: { Self.finds(recipient, in: $0) }) { return false }
        return isSize(row.size)
    }

    private func isOld(_ id: MessageID, _ receivedTime: Int64, _ now: Int64) -> Bool {
        let age = now - (agesAreOfIDs ? id.seconds : receivedTime)
        if let youngerThan, age >= youngerThan { return false }
        if let olderThan, age <= olderThan { return false }
        return true
    }

    private func allows(isFrozen: Bool) -> Bool { isFrozen ? !mustNotBeFrozen : !mustBeFrozen }

    private func isSize(_ bytes: Int) -> Bool {
        guard let size else { return true }
        return Self.finds(size, in: ByteString(ListingNumbers.size(bytes).trimmed()))
    }

    private static func awaits(_ pattern: PCRE2Pattern, _ header: HeaderFile) -> Bool {
        header.recipients.contains { !header.isListedAsDelivered($0) && finds(pattern, in: $0.address) }
    }

    /// Whether the pattern is found; a match that gives up counts as none, since a selection that widens would be worse.
    private static func finds(_ pattern: PCRE2Pattern, in subject: ByteString) -> Bool {
        do {
            return try pattern.matches(subject)
        } catch {
            return false
        }
    }
}
