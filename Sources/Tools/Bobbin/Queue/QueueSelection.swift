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
    /// Frozen (-z), or not (-x); nil for both.
    var isFrozen: Bool?

    /// Whether everything is meant.
    var isEmpty: Bool {
        sender == nil && recipient == nil && size == nil && youngerThan == nil && olderThan == nil
            && isFrozen == nil
    }

    /// Whether a message is meant; one that cannot be read is meant only when nothing is asked for.
    func contains(_ message: ReportedMessage, now: Int64) -> Bool {
        switch message {
        case .read(.message(let message)): contains(message.header, message.bodySize, now)
        case .read(.malformed(let message)):
            message.envelope.map { contains($0, message.bodySize, now) } ?? isEmpty
        case .read(.gone): false
        case .unreadable: isEmpty
        }
    }

    private func contains(_ header: HeaderFile, _ bodySize: Int?, _ now: Int64) -> Bool {
        let age = now - header.receivedTime
        if let youngerThan, age >= youngerThan { return false }
        if let olderThan, age <= olderThan { return false }
        if let isFrozen, header.isFrozen != isFrozen { return false }
        if let sender, !Self.finds(sender, in: "<\(header.sender)>") { return false }
        if let recipient, !Self.awaits(recipient, header) { return false }
        guard let size else { return true }
        let shown = ListingNumbers.size(bodySize.map { header.messageSize(bodySize: $0) } ?? 0)
        return Self.finds(size, in: ByteString(shown.trimmed()))
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
