import Bytes
import EximLog
import Glibc
import Spooler

/// Changes messages under their locks, logs it as Exim does, and tells it in Exim's words.
struct MessageEditor: Sendable {
    let site: Site
    let spool: Spool
    let caller: Caller

    /// Changes one message; whatever goes wrong is in the report.
    func perform(_ action: MessageAction, on id: MessageID) -> ActionReport {
        do throws(SpoolError) {
            return try attempt(action, on: id)
        } catch {
            return failure(error, of: id)
        }
    }

    private func attempt(_ action: MessageAction, on id: MessageID) throws(SpoolError) -> ActionReport {
        if action == .remove { return try remove(id) }
        guard site.isAdmin(caller) else { return ActionReport(.notPermitted, "Permission denied\n") }
        switch try spool.open(id) {
        case .held: return held(id)
        case .gone: return noData(id)
        case .noData: return noData(id)
        case .noHeader: return noHeader(id)
        case .malformed(let message): return malformed(message)
        case .opened(let message): return try change(message, by: action)
        }
    }

    private func change(
        _ message: consuming LockedMessage, by action: MessageAction
    ) throws(SpoolError) -> ActionReport {
        let id = message.id
        if case .move(let queue) = action { return try move(message, to: queue) }
        let edit = HeaderEdit(rules: site.addressRules, user: caller.login).apply(action, to: &message.header)
        switch edit {
        case .changed(let words, let events):
            try message.writeHeader()
            for event in events { log(event, id) }
            return ActionReport(.done, "Message \(id.bytes) \(words)\n")
        case .unchanged(let words): return ActionReport(.unchanged, "Message \(id.bytes) \(words)\n")
        case .refused(let words): return ActionReport(.refused, "Message \(id.bytes) \(words)")
        }
    }

    private func move(_ message: consuming LockedMessage, to queue: ByteString) throws(SpoolError)
        -> ActionReport
    {
        let id = message.id
        try message.move(to: queue)
        let from: ByteString = spool.queue.isEmpty ? "" : "(\(spool.queue)) "
        let to: ByteString = queue.isEmpty ? "" : "(\(queue)) "
        log(.text("moved from \(from)input, msglog to \(to)input, msglog"), id)
        return ActionReport(.done, "Message \(id.bytes) ")
    }

    // MARK: What stands in the way

    func held(_ id: MessageID) -> ActionReport {
        log(.skippedLocked(id: id.bytes), id)
        return ActionReport(.locked, "Message \(id.bytes) is locked\n")
    }

    func noData(_ id: MessageID) -> ActionReport {
        let queue: ByteString = spool.queue.isEmpty ? "" : " Q=\(spool.queue)"
        log(.text("Spool\(queue) file \(id.bytes)-D not found"), id)
        return ActionReport(.noData, "Spool data file for \(id.bytes) does not exist\n")
    }

    func noHeader(_ id: MessageID) -> ActionReport { ActionReport(.noHeader, Self.headerMissing(id)) }

    private static func headerMissing(_ id: MessageID) -> ByteString {
        "Spool read error for \(id.bytes)-H: No such file or directory\n"
    }

    func malformed(_ message: MalformedMessage) -> ActionReport {
        ActionReport(
            .malformed, "Spool format error for \(message.id.bytes)-H\n",
            detail: ByteString("\(message.error.description); the file is left as it is"))
    }

    func failure(_ error: SpoolError, of id: MessageID) -> ActionReport {
        let detail = ByteString(error.description)
        guard error.operation == "open", error.path.ends(with: ByteString("-D")) else {
            return ActionReport(.failed, "Message \(id.bytes) not changed: \(detail)\n", detail: detail)
        }
        log(.text("Spool error for \(error.path): \(error.systemText)"), id)
        return ActionReport(
            .failed, "Couldn't open spool file for \(id.bytes): \(error.systemText)\n", detail: detail)
    }

    // MARK: Removing

    /// Removes all that there is of a message, telling what was missing (manual, option -Mrm).
    private func remove(_ id: MessageID) throws(SpoolError) -> ActionReport {
        guard try mayRemove(id) else { return ActionReport(.notPermitted, "Permission denied\n") }
        let state = try spool.removalState(of: id)
        switch state {
        case .held: return held(id)
        case .whole: return try finishRemoval(of: id, ActionReport(.done, ""))
        case .noHeader:
            let text = Self.headerMissing(id) + ByteString("Continuing to ensure all files removed\n")
            return try finishRemoval(of: id, ActionReport(.noHeader, text))
        case .malformed(let message):
            var report = malformed(message)
            report.text += "Continuing to ensure all files removed\n" as ByteString
            return try finishRemoval(of: id, report)
        case .noData(let hasHeader):
            var report = noData(id)
            report.text += "Continuing, to ensure all files removed\n" as ByteString
            if !hasHeader {
                report.text += Self.headerMissing(id)
                report.text += "Continuing to ensure all files removed\n" as ByteString
            }
            return try finishRemoval(of: id, report)
        }
    }

    private func finishRemoval(of id: MessageID, _ report: ActionReport) throws(SpoolError) -> ActionReport {
        var report = report
        switch try spool.remove(id) {
        case .held: return held(id)
        case .removed:
            logRemoval(of: id)
            report.text += "Message \(id.bytes) has been removed\n" as ByteString
        case .removedRemains:
            logRemoval(of: id)
            report.text += "Message \(id.bytes) has been removed or did not exist\n" as ByteString
        case .absent: report.text += "Message \(id.bytes) has been removed or did not exist\n" as ByteString
        }
        return report
    }

    /// Admin users may, and whoever submitted the message.
    private func mayRemove(_ id: MessageID) throws(SpoolError) -> Bool {
        if site.isAdmin(caller) { return true }
        guard case .message(let message) = try spool.read(id) else { return false }
        return message.header.uid == Int64(caller.uid)
    }

    private func logRemoval(of id: MessageID) {
        log(.removed(by: caller.login), id)
        log(.completed(queueTime: nil), id)
    }

    private func log(_ event: MessageEvent, _ id: MessageID) {
        guard let text = event.text(by: site.log.selector) else { return }
        site.log.main(text, id: id.bytes)
    }
}

/// What there is of a message that shall be removed.
enum RemovalState: Sendable {
    /// Somebody is working on it.
    case held
    /// `-D` and a good `-H`.
    case whole
    /// No `-H`.
    case noHeader
    /// An `-H` that is refused.
    case malformed(MalformedMessage)
    /// No `-D`; and whether there is `-H`.
    case noData(hasHeader: Bool)
}

extension Spool {
    /// Looks, without changing anything, at what there is of a message.
    func removalState(of id: MessageID) throws(SpoolError) -> RemovalState {
        switch try lock(id) {
        case .held: return .held
        case .gone:
            if case .gone = try read(id) { return .noData(hasHeader: false) }
            return .noData(hasHeader: true)
        case .acquired(let lock):
            switch try read(id, at: lock.place) {
            case .gone: return .noHeader
            case .malformed(let message): return .malformed(message)
            case .message: return .whole
            }
        }
    }
}
