package import Bytes

/// A queue run's first or last line (delivery.md 1.2).
package struct QueueRunRecord: Sendable, Hashable {
    /// Start or end.
    package enum Moment: Sendable, Hashable {
        case start, end
    }

    /// Which.
    package var moment: Moment
    /// The named queue; empty for the default one.
    package var queue = ByteString()
    /// The runner's process id.
    package var pid: Int
    /// The letters after `-q`, in the order q, i, f, f, l; empty shows no `-q`.
    package var letters = ByteString()
    /// The string of -R, and of -S; nil when not given.
    package var recipients: ByteString?
    /// Whether -R has a regular expression.
    package var recipientsIsPattern = false
    /// The string of -S.
    package var senders: ByteString?
    /// Whether -S has a regular expression.
    package var sendersIsPattern = false

    /// Makes a record.
    package init(_ moment: Moment, pid: Int) {
        self.moment = moment
        self.pid = pid
    }

    /// The line's text; nil when selector `queue_run` is off.
    package func text(by selector: LogSelector) -> ByteString? {
        guard selector.has(.queueRun) else { return nil }
        let name: ByteString = queue.isEmpty ? "" : " '\(queue)'"
        return "\(moment == .start ? "Start" : "End")\(name) queue run: \(detail)"
    }

    /// The line of a run that stops because of the load.
    package func abandoned(load: ByteString, maximum: ByteString) -> ByteString {
        "Abandon queue run: \(detail) (load \(load), max \(maximum))"
    }

    private var detail: ByteString {
        var text: ByteString = "pid=\(pid)"
        if !letters.isEmpty { text += " -q\(letters)" as ByteString }
        if let recipients { text += " -R\(recipientsIsPattern ? "r" : "") \(recipients)" as ByteString }
        if let senders { text += " -S\(sendersIsPattern ? "r" : "") \(senders)" as ByteString }
        return text
    }
}

/// What else befalls a message on the queue, one line each.
package enum MessageEvent: Sendable, Hashable {
    /// `Completed`, with the time in the queue.
    case completed(queueTime: LogInterval?)
    /// `Frozen` with the reason as it shall stand, such as ` (delivery error message)`.
    case frozen(reason: ByteString)
    /// `frozen by <who>`: by an ACL or a person.
    case frozenBy(ByteString)
    /// `unfrozen by <who>`.
    case unfrozenBy(ByteString)
    /// `Unfrozen by forced delivery`, `auto-thaw`, `errmsg timer`.
    case unfrozen(by: ByteString)
    /// `Message is frozen`.
    case skippedFrozen
    /// `Spool file for <id> is locked (another process is handling this message)`.
    case skippedLocked(id: ByteString)
    /// `no immediate delivery: queued by <whom>`, with a named queue perhaps.
    case queued(by: ByteString, queue: ByteString)
    /// `removed by <user>`.
    case removed(by: ByteString)
    /// `cancelled by <user>`.
    case cancelled(by: ByteString)
    /// `cancelled by timeout_frozen_after`.
    case cancelledByTimeout
    /// `sender address changed to <a> by <user>`.
    case senderChanged(to: ByteString, by: ByteString)
    /// `recipient <a> added by <user>`.
    case recipientAdded(ByteString, by: ByteString)
    /// `address <a> marked delivered by <user>`.
    case markedDelivered(ByteString, by: ByteString)
    /// Any other text.
    case text(ByteString)

    /// The line's text after the id; nil when the selector suppresses it.
    package func text(by selector: LogSelector) -> ByteString? {
        switch self {
        case .completed(let queueTime):
            guard selector.has(.queueTimeOverall), let queueTime else { return "Completed" }
            return "Completed QT=\(queueTime.text(showingMilliseconds: selector.has(.millisec)))"
        case .skippedFrozen: return selector.has(.skipDelivery) ? "Message is frozen" : nil
        case .skippedLocked(let id):
            guard selector.has(.skipDelivery) else { return nil }
            return "Spool file for \(id) is locked (another process is handling this message)"
        case .queued(let who, let queue):
            let name: ByteString = queue.isEmpty ? "" : " in \(queue)"
            return "no immediate delivery: queued\(name) by \(who)"
        default: return plainText
        }
    }

    private var plainText: ByteString {
        switch self {
        case .frozen(let reason): "Frozen\(reason)"
        case .frozenBy(let who): "frozen by \(who)"
        case .unfrozenBy(let who): "unfrozen by \(who)"
        case .unfrozen(let cause): "Unfrozen by \(cause)"
        case .removed(let who): "removed by \(who)"
        case .cancelled(let who): "cancelled by \(who)"
        case .cancelledByTimeout: "cancelled by timeout_frozen_after"
        case .senderChanged(let sender, let who): "sender address changed to <\(sender)> by \(who)"
        case .recipientAdded(let recipient, let who): "recipient <\(recipient)> added by \(who)"
        case .markedDelivered(let address, let who): "address <\(address)> marked delivered by \(who)"
        case .text(let text): text
        case .completed, .skippedFrozen, .skippedLocked, .queued: ""
        }
    }
}
