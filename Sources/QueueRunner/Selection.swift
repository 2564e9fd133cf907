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
        if let sender = options.sender, !sender.isFound(in: header.sender) { return false }
        guard let recipient = options.recipient else { return true }
        return header.undelivered.contains { recipient.isFound(in: $0.address) }
    }
}

extension RunnerSystem {
    /// Whether a message of the queue is to be tried, as far as its -H tells; one that cannot be read is, so that
    /// the reason is told.
    func isWanted(_ id: MessageID, _ selection: Selection) -> Bool {
        guard selection.needsHeader, case .message(let stored)? = try? spool.read(id) else { return true }
        if stored.header.isFrozen, !options.thaws {
            // Exim does not say here which message.
            if let line = MessageEvent.skippedFrozen.text(by: selector) { log.main(line) }
            return false
        }
        return selection.wants(stored.header)
    }
}
