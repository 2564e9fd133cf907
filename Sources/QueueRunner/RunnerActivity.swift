import Bytes
import MailSystem
import Spooler
import Synchronization

/// What this process is doing at the moment: the messages in hand, and where each is going.
final class RunnerActivity: Sendable {
    private struct Work {
        var since: Int64
        var text: ByteString
    }

    private let works = Mutex<[MessageID: Work]>([:])

    /// Notes that work on a message begins.
    func begin(_ id: MessageID) {
        let now = SpoolTime.now().seconds
        works.withLock { $0[id] = Work(since: now, text: "") }
    }

    /// Notes what is done with it now, such as `to example.org by smtp`.
    func note(_ id: MessageID, _ text: ByteString) {
        works.withLock { $0[id]?.text = text }
    }

    /// Notes that the work has ended.
    func end(_ id: MessageID) {
        works.withLock { $0[id] = nil }
    }

    /// How many messages are in hand.
    var count: Int { works.withLock(\.count) }

    /// A line for each message, the longest in hand first.
    var lines: [StatusLine] {
        works.withLock { works in
            works.sorted { ($0.value.since, $0.key) < ($1.value.since, $1.key) }.map { id, work in
                StatusLine(
                    since: work.since,
                    text: "delivering \(id.bytes)\(work.text.isEmpty ? "" : " \(work.text)")",
                    message: id.bytes)
            }
        }
    }
}
