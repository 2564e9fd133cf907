import Bytes
import Configuration
import Expansion
import MailSystem
import Spooler

/// Tells `event_action` of messages that are removed by hand: each recipient fails, and the message is complete.
struct RemovalEvents: Sendable {
    private let system: MailSystem

    /// Nil when the main section has no `event_action`.
    init?(_ site: Site) async throws(ToolFailure) {
        guard site.configuration.main.template("event_action") != nil else { return nil }
        system = try await site.mailSystem()
    }

    /// What events tell of a message that was removed; nil for what cannot be read.
    func message(_ id: MessageID, in spool: Spool) throws(SpoolError) -> Removed? {
        guard case .message(let message) = try spool.read(id) else { return nil }
        return Removed(header: message.header, bodySize: message.bodySize ?? 0, queue: spool.queue)
    }

    /// A message before its removal.
    struct Removed: Sendable {
        var header: HeaderFile
        var bodySize: Int
        var queue: ByteString
    }

    /// Raises the events.
    func tell(of removed: Removed, by user: ByteString) async {
        guard let action = system.eventAction(about: removed.header.id.bytes) else { return }
        let stored = StoredFacts(
            removed.header, bodySize: removed.bodySize, queue: removed.queue, readBody: { _, _ in "" })
        var facts = stored.facts
        let failure = MailEvent(.failedInternally, data: "message removed by \(user)")
        for recipient in removed.header.undelivered {
            let parts = recipient.address.cutAtLast(UInt8(ascii: "@"))
            let localPart = parts.map { ByteString($0.before) } ?? recipient.address
            facts.address.localPart = TaintedBytes(localPart, .tainted)
            facts.address.domain = parts.map { TaintedBytes($0.after.lowercasedASCII(), .tainted) }
            await action.raise(failure, updating: &facts)
        }
        facts.address = AddressFacts()
        await action.raise(MailEvent(.messageComplete), updating: &facts)
    }
}

extension MessageEditor {
    /// Changes one message, and tells `event_action` when that was its removal.
    func perform(
        _ action: MessageAction, on id: MessageID, telling events: RemovalEvents?
    ) async -> ActionReport {
        guard action == .remove, let events else { return perform(action, on: id) }
        do throws(SpoolError) {
            let removed = try events.message(id, in: spool)
            let report = perform(action, on: id)
            if report.isSuccess, let removed { await events.tell(of: removed, by: caller.login) }
            return report
        } catch {
            return failure(error, of: id)
        }
    }
}
