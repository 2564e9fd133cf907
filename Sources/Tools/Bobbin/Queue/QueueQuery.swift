import Bytes
import Spooler

/// Goes through the messages that options mean, in order.
struct QueueQuery: Sendable {
    let spool: Spool
    let selection: QueueSelection
    /// Messages named; empty for the whole queue.
    let ids: [MessageID]
    /// The present, in seconds since 1970.
    let now: Int64
    /// Whether more is wanted of each message than a listing shows.
    var readsAll = false
    /// Whether only ids are shown.
    var showsIDsOnly = false

    init(_ options: SelectionOptions, _ spool: Spool, now: Int64 = Clock.now()) throws(ToolFailure) {
        self.spool = spool
        selection = try options.selection()
        ids = options.messageIDs
        self.now = now
    }

    /// Makes something of each message that is meant, and hands it out in order.
    ///
    /// Throws for a spool that cannot be walked, and, after all others were handed out, for messages that were
    /// named and are not there.
    func run<Result: Sendable>(
        _ order: QueueReport.Order, make: @escaping @Sendable (MessageID, ReportedMessage) -> Result?,
        use: (Result) -> Void
    ) throws(ToolFailure) {
        let (selection, now) = (selection, now)
        guard ids.isEmpty else { return try runNamed(make: make, use: use) }
        do throws(SpoolError) {
            try report(showsSizes: !showsIDsOnly).run(
                order,
                make: { entry, message in
                    selection.contains(message, now: now) ? make(entry.id, message) : nil
                }, use: use)
        } catch {
            throw ToolFailure(error)
        }
    }

    private func report(showsSizes: Bool) -> QueueReport {
        QueueReport(spool: spool, readsAll: readsAll, readsSizes: showsSizes || selection.size != nil)
    }

    /// How many messages are meant.
    func count() throws(ToolFailure) -> Int {
        var count = 0
        guard ids.isEmpty else {
            try runNamed(make: { id, _ in id }, use: { _ in count += 1 })
            return count
        }
        let (selection, now) = (selection, now)
        do throws(SpoolError) {
            try report(showsSizes: false).gather(.arrival, 0) { sum, _, message in
                if selection.contains(message, now: now) { sum += 1 }
            } use: {
                count += $0
            }
        } catch {
            throw ToolFailure(error)
        }
        return count
    }

    private func runNamed<Result>(
        make: (MessageID, ReportedMessage) -> Result?, use: (Result) -> Void
    ) throws(ToolFailure) {
        var missing: [ByteString] = []
        for id in ids {
            let message = read(id)
            if case .read(.gone) = message { missing.append(id.bytes) }
            guard selection.contains(message, now: now), let result = make(id, message) else { continue }
            use(result)
        }
        guard missing.isEmpty else {
            throw ToolFailure(.noInput, "no such message on the queue: \(missing.joined(separator: ", "))")
        }
    }

    private func read(_ id: MessageID) -> ReportedMessage {
        do throws(SpoolError) {
            return .read(try spool.read(id))
        } catch {
            return .unreadable(error)
        }
    }
}

/// The wall clock.
enum Clock {
    /// Seconds since 1970.
    static func now() -> Int64 { SpoolTime.now().seconds }
}

extension ToolFailure {
    /// A failure of the spool.
    init(_ error: SpoolError) {
        self.init(error.errorNumber == nil ? .dataError : .ioError, ByteString(error.description))
    }
}
