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

    /// Walks the whole queue, with the lines that begin and end a run.
    func walk() async {
        record(.start)
        recoverCommits()
        await withDiscardingTaskGroup { group in
            let walker = QueueWalker(runner.spool, inOrder: runner.settings.runsInOrder)
            while !runner.stop.isAsked {
                let entry: QueueEntry?
                do { entry = try await walker.next() } catch {
                    runner.log.panic("queue run: \(String(describing: error))")
                    break
                }
                guard let entry else { break }
                await begin(entry.id, &group, checked: true)
            }
        }
        await finishBounces()
        record(.end)
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
            for id in ids where !runner.stop.isAsked { await begin(id, &group, checked: false) }
        }
        await finishBounces()
    }

    /// Works on messages as their ids come, until there are no more.
    func deliver(_ ids: AsyncStream<MessageID>) async {
        await withDiscardingTaskGroup { group in
            for await id in ids {
                await begin(id, &group, checked: false)
                for bounce in takeBounces() { await begin(bounce, &group, checked: false) }
            }
        }
        await finishBounces()
    }

    private func begin(_ id: MessageID, _ group: inout DiscardingTaskGroup, checked: Bool) async {
        let selection = Selection(options: runner.options)
        guard !checked || selection.wants(id) else { return }
        await runner.messageSlots.take()
        let runner = runner
        group.addTask { [self] in
            if !checked || !selection.needsHeader || isWanted(id, selection) {
                if case .worked(let submitted) = await MessageDelivery.run(id, runner), !submitted.isEmpty {
                    bounces.withLock { $0 += submitted }
                }
            }
            await runner.messageSlots.give()
        }
    }

    private func isWanted(_ id: MessageID, _ selection: Selection) -> Bool {
        guard case .message(let stored)? = try? runner.spool.read(id) else { return true }
        if stored.header.isFrozen, !runner.options.thaws {
            runner.log(MessageEvent.skippedFrozen.text(by: runner.selector), id)
            return false
        }
        return selection.wants(stored.header)
    }

    private func takeBounces() -> [MessageID] {
        bounces.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
    }

    /// Delivers reports that this run has made, and reports about those.
    private func finishBounces() async {
        while !runner.stop.isAsked {
            let waiting = takeBounces()
            if waiting.isEmpty { break }
            await withDiscardingTaskGroup { group in
                for id in waiting { await begin(id, &group, checked: false) }
            }
        }
        await runner.transportEnvironment.connections.closeIdle()
    }

    private func record(_ moment: QueueRunRecord.Moment) {
        var record = QueueRunRecord(moment, pid: Int(getpid()))
        record.queue = runner.options.queue
        record.letters = runner.options.letters
        record.recipients = runner.options.recipient
        record.senders = runner.options.sender
        if let text = record.text(by: runner.selector) { runner.log.main(text) }
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

    func next() throws(SpoolError) -> QueueEntry? {
        if inOrder {
            if sorted == nil { sorted = try spool.sortedQueue()[...] }
            return sorted?.popFirst()
        }
        if walk == nil { walk = try spool.walk() }
        return try walk?.next()
    }
}
