import Bytes
import EximLog
import Spooler

/// Which messages a run works on (delivery.md 1.1).
struct Selection: Sendable {
    let options: RunOptions

    /// Whether -H must be read to tell.
    var needsHeader: Bool { options.firstTimeOnly || options.recipient != nil || options.sender != nil }

    /// Whether an id is between the first and the last one wanted.
    func wants(_ id: MessageID) -> Bool {
        if let start = options.start, id.bytes < start { return false }
        if let stop = options.stop, stop < id.bytes { return false }
        return true
    }

    /// Whether a message's envelope is wanted.
    func wants(_ header: HeaderFile) -> Bool {
        if options.firstTimeOnly, !header.deliverFirstTime { return false }
        if let sender = options.sender, !header.sender.contains(sender, ignoringCase: true) { return false }
        guard let recipient = options.recipient else { return true }
        return header.undelivered.contains { $0.address.contains(recipient, ignoringCase: true) }
    }
}
