import Bytes
import Dispatch
import EximLog
import Glibc
import Spooler
import Synchronization
import Transports

/// One pass over the queue, or over given messages.
final class QueueRun: Sendable {
    let runner: RunnerSystem
    private let bounces = Mutex<[MessageID]>([])

    init(_ runner: RunnerSystem) { self.runner = runner }

    /// Walks the whole queue, with the lines that begin and end a run; twice where two stages are asked for.
    func walk() async {
        if let line = record(.start).text(by: runner.selector) { runner.log.main(line) }
        recoverCommits()
        if runner.options.isTwoStage { await pass(runner.noting) }
        await pass(runner)
        await finishBounces()
        if let line = record(.end).text(by: runner.selector) { runner.log.main(line) }
    }

    /// Brings onto the queue what a receiver that was killed has left in its commit log.
    private func recoverCommits() {
        do throws(SpoolError) {
            for (id, text) in try runner.spool.recoverCommits()?.logLines ?? [] { runner.log(text, id) }
        } catch {
            runner.log.panic("the commit log cannot be recovered: \(error.description)")
        }
    }

    /// Works on the messages given, in any order.
    func deliver(_ ids: [MessageID]) async {
        await withDiscardingTaskGroup { group in
            for id in ids where !runner.stop.isAsked { await begin(id, runner, &group) }
        }
        await finishBounces()
    }

    /// Works on messages as their ids come, until there are no more.
    func deliver(_ orders: AsyncStream<InputIDs.Order>) async {
        await withDiscardingTaskGroup { group in
            for await order in orders {
                let isUsual = !order.queuesSMTP && order.queue == runner.options.queue
                let system =
                    isUsual
                    ? runner
                    : runner.changing { ($0.queuesSMTP, $0.queue) = (order.queuesSMTP, order.queue) }
                await begin(order.id, system, &group)
                for bounce in takeBounces() { await begin(bounce, runner, &group) }
            }
        }
        await finishBounces()
    }

    // MARK: One time through the queue

    private func pass(_ runner: RunnerSystem) async {
        let selection = Selection(options: runner.options)
        var forcing = runner.options.forcesFirstOnly ? runner.forcing : nil
        await withDiscardingTaskGroup { group in
            let walker = QueueWalker(runner.spool, inOrder: runner.settings.runsInOrder)
            var ids: [MessageID] = []
            while !runner.stop.isAsked, !isAbandoned() {
                if ids.isEmpty { ids = await next(walker).reversed() }
                guard let id = ids.popLast() else { break }
                guard selection.wants(id) else { continue }
                guard let forced = forcing else {
                    await begin(id, runner, &group, selection)
                    continue
                }
                // The first message that is really tried is tried alone, so that the others know what came of it.
                if await tryFirst(id, forced, selection) { forcing = nil }
            }
        }
    }

    private func next(_ walker: QueueWalker) async -> [MessageID] {
        do {
            return try await walker.next(Self.stride).map(\.id)
        } catch {
            runner.log.panic("queue run: \(String(describing: error))")
            return []
        }
    }

    /// How many messages are looked up at a time.
    private static let stride = 64

    /// Whether the machine is too busy for one more message (`deliver_queue_load_max`); the log says so.
    private func isAbandoned() -> Bool {
        guard let maximum = runner.settings.loadMax, !runner.options.isForced, !runner.options.thaws,
            let load = SystemLoad.thousandths, load > maximum
        else { return false }
        let shown = (load: SystemLoad.shown(load), maximum: SystemLoad.shown(maximum))
        runner.log.main(record(.start).abandoned(load: shown.load, maximum: shown.maximum))
        return true
    }

    private func tryFirst(_ id: MessageID, _ runner: RunnerSystem, _ selection: Selection) async -> Bool {
        guard runner.isWanted(id, selection) else { return false }
        await runner.messageSlots.take()
        let wasTried = await withTaskExecutorPreference(runner.loops.next()) { await work(on: id, runner) }
        runner.messageSlots.give()
        return wasTried
    }

    // MARK: One message

    private func begin(
        _ id: MessageID, _ runner: RunnerSystem, _ group: inout DiscardingTaskGroup,
        _ selection: Selection? = nil
    ) async {
        await runner.messageSlots.take()
        group.addTask(executorPreference: runner.loops.next()) { [self] in
            if selection.map({ runner.isWanted(id, $0) }) ?? true { _ = await work(on: id, runner) }
            runner.messageSlots.give()
        }
    }

    /// Whether the message could be had.
    private func work(on id: MessageID, _ runner: RunnerSystem) async -> Bool {
        runner.activity.begin(id)
        defer { runner.activity.end(id) }
        guard case .worked(let submitted) = await MessageDelivery.run(id, runner) else { return false }
        if !submitted.isEmpty { bounces.withLock { $0 += submitted } }
        return true
    }

    private func takeBounces() -> [MessageID] {
        bounces.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
    }

    /// Delivers reports that this run has made, and reports about those.
    private func finishBounces() async {
        let runner = runner.deliveringReports
        while !runner.stop.isAsked {
            let waiting = takeBounces()
            if waiting.isEmpty { break }
            await withDiscardingTaskGroup { group in
                for id in waiting { await begin(id, runner, &group) }
            }
        }
        await runner.forgetting.flush(runner)
        await runner.removals.finish()
        await runner.transportEnvironment.connections.closeIdle()
    }

    private func record(_ moment: QueueRunRecord.Moment) -> QueueRunRecord {
        let options = runner.options
        var record = QueueRunRecord(moment, pid: Int(getpid()))
        record.queue = options.queue
        record.letters = options.letters
        record.recipients = options.recipient?.text
        record.recipientsIsPattern = options.recipient?.isPattern ?? false
        record.senders = options.sender?.text
        record.sendersIsPattern = options.sender?.isPattern ?? false
        return record
    }
}

/// Gives the queue's messages one by one; reads directories on a thread of its own.
actor QueueWalker {
    private let executor = QueueExecutor("walk")
    private let spool: Spool
    private let inOrder: Bool
    private var walk: QueueWalk?
    private var sorted: ArraySlice<QueueEntry>?

    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    init(_ spool: Spool, inOrder: Bool) {
        self.spool = spool
        self.inOrder = inOrder
    }

    /// The next messages, as many at the most; none at the end.
    func next(_ most: Int) throws(SpoolError) -> [QueueEntry] {
        var entries: [QueueEntry] = []
        while entries.count < most, let entry = try next() { entries.append(entry) }
        return entries
    }

    private func next() throws(SpoolError) -> QueueEntry? {
        if inOrder {
            if sorted == nil { sorted = try spool.sortedQueue()[...] }
            return sorted?.popFirst()
        }
        if walk == nil { walk = try spool.walk() }
        return try walk?.next()
    }
}

/// How busy the machine is, in thousandths as options of the type fixed-point have it.
enum SystemLoad {
    /// The load average of the last minute; nil where the system does not tell.
    static var thousandths: Int64? {
        var load = 0.0
        guard unsafe getloadavg(&load, 1) == 1, load >= 0, load < 1e9 else { return nil }
        return Int64(load * 1000)
    }

    /// Two decimals, as Exim's log has them.
    static func shown(_ thousandths: Int64) -> ByteString {
        let hundredths = (thousandths + 5) / 10
        let rest = hundredths % 100
        return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest)"
    }
}
