import Bytes
import Dispatch
import EximLog
import Expansion
import Hints
import MailSystem
import MailText
import Routing
import SMTP
import Spooler
import Synchronization
import Transports

/// What a run did with a message.
enum MessageReport: Sendable {
    /// Nothing: it is locked, gone, frozen, or cannot be read.
    case skipped
    /// It was worked on; new messages (bounces) that wait to be delivered.
    case worked(submitted: [MessageID])
}

/// An address that must wait.
struct DeferredAddress: Sendable {
    var node: Int
    var errno: Int32
    var text: ByteString
    var userText: ByteString?
    var instruction: DeliveryInstruction?
    var host: UsedHost?
    var skippedHosts = false
    /// Keys of the records that speak against it; it times out when all of them do.
    var keys: [RetryKey] = []
}

/// An address that has failed for good.
struct FailedAddress: Sendable {
    var node: Int
    var text: ByteString
    var userText: ByteString?
    var instruction: DeliveryInstruction?
    var host: UsedHost?
    /// What a command wrote that the sender is to see.
    var output: ByteString?
    /// The router that failed it; nil where nobody took it.
    var router: ByteString?
}

/// An address that was delivered, for success reports.
struct ServedAddress: Sendable {
    var node: Int
    var instruction: DeliveryInstruction?
    var host: UsedHost?
    var peerKnowsDSN = false
}

/// One message, from lock to unlock (delivery.md 2.1).
struct MessageDelivery {
    let runner: RunnerSystem
    let desk: MessageDesk
    let id: MessageID
    var outgoing: OutgoingMessage
    /// What -H said at the beginning; it is rewritten only when something has changed.
    let original: HeaderFile
    /// Whether the message was frozen until now; -H must say that it is no longer.
    var isThawed = false
    /// Whether retry times and the like do not count for this message.
    let isForced: Bool
    var tree: DeliveryTree
    /// Recipients that the system's filter keeps from being routed.
    var withheld: Set<Int> = []
    /// Mistakes in lists and filters that somebody is to hear of.
    var mistakes: [RedirectionMistakes] = []
    /// Pipes, files and replies among the nodes.
    var items: [Int: RedirectedItem] = [:]
    var deferred: [DeferredAddress] = []
    var failed: [FailedAddress] = []
    /// Those of the failed that nobody can be told of.
    var frozen: [FailedAddress] = []
    var served: [ServedAddress] = []
    var retries: [(node: Int, item: RetryItem)] = []
    /// The only recipient left, while no journal is there to say that it was served: the message's removal will.
    var sole: Int?
    /// Why the message is to be frozen; nil leaves it as it is.
    var freezing: ByteString?
    var submitted: [MessageID] = []
    /// Hosts that the message waits for, by transport.
    var waits: [(transport: ByteString, hosts: [ByteString])] = []
    let notes = MessageNotes()

    /// Works on a message, if it can be had.
    static func run(_ id: MessageID, _ runner: RunnerSystem) async -> MessageReport {
        switch await OpenedMessage.open(id, runner) {
        case .opened(let desk, let header, let bodySize):
            return await run(id, desk, header, bodySize, runner)
        case .held:
            runner.log(MessageEvent.skippedLocked(id: id.bytes).text(by: runner.selector), id)
        case .gone: break
        case .malformed(let size): runner.log("Format error in spool file \(id.bytes)-H: size=\(size)", id)
        case .failed(let reason): runner.log.panic("spool: \(reason)", id: id.bytes)
        }
        return .skipped
    }

    private static func run(
        _ id: MessageID, _ desk: MessageDesk, _ header: HeaderFile, _ bodySize: Int, _ runner: RunnerSystem
    ) async -> MessageReport {
        let report: MessageReport
        do {
            var header = header
            let wasFrozen = header.isFrozen
            let thaw = FrozenRules(runner: runner, id: id).judge(&header)
            guard thaw != .leave else {
                desk.release()
                return .skipped
            }
            let body = try desk.body()
            var delivery = await MessageDelivery(runner, desk, id, header, bodySize, body)
            delivery.isThawed = wasFrozen && !header.isFrozen
            if thaw == .cancel { delivery.cancelAll() }
            if let user = runner.options.cancelledBy { delivery.giveUp(asToldBy: user) }
            try await delivery.work()
            // With queue_only, reports wait for the next run, as in Exim.
            report = .worked(submitted: runner.settings.queuesOnly ? [] : delivery.submitted)
        } catch let trouble as TransportTrouble {
            runner.log.panic(
                "delivery stopped: \(trouble.text): \(SystemErrorText.of(Int(trouble.errno)))", id: id.bytes)
            report = .skipped
        } catch {
            runner.log.panic("delivery stopped: \(String(describing: error))", id: id.bytes)
            report = .skipped
        }
        desk.release()
        return report
    }

    private init(
        _ runner: RunnerSystem, _ desk: MessageDesk, _ id: MessageID, _ header: HeaderFile, _ bodySize: Int,
        _ body: MessageBody
    ) async {
        self.runner = runner
        self.desk = desk
        self.id = id
        original = header
        isForced = runner.options.isForced || runner.options.thaws
        tree = DeliveryTree(header)
        var outgoing = OutgoingMessage(header, body, queue: runner.options.queue)
        outgoing.facts.message.isQueueRunning = true
        if runner.options.isDryRun { outgoing.isDryRun = true }
        self.outgoing = outgoing
    }

    private mutating func work() async throws {
        await tellOfFailures()
        if !tree.nodes.isEmpty, failed.isEmpty {
            if hasLooped { await failAll("Too many \"Received\" headers - suspected mail loop") }
            guard await obeySystemFilter() else { return }
            let plans = await route()
            await tellOfMistakes()
            try await deliver(plans)
        }
        if try await completedAtOnce() { return await foldRetries() }
        await foldRetries()
        await reportSuccesses()
        try await reportFailures()
        try await finish()
    }

    // MARK: All at once

    private var hasLooped: Bool {
        let received = outgoing.headers.count { $0.kind == .received }
        return runner.settings.receivedHeadersMax > 0 && received > runner.settings.receivedHeadersMax
    }

    /// The message was frozen for too long: its sender is told, if there is one, and nobody else.
    private mutating func cancelAll() {
        if original.sender.isEmpty {
            for node in tree.nodes.indices { tree.settle(node) }
        } else {
            failed = allFailed("delivery cancelled; message timed out")
        }
    }

    /// Fails all that remains, without a line for each address (manual, option -Mg).
    private mutating func giveUp(asToldBy user: ByteString) {
        runner.log(MessageEvent.cancelled(by: user).text(by: runner.selector), id)
        failed = allFailed("delivery cancelled by administrator")
    }

    private func allFailed(_ text: ByteString) -> [FailedAddress] {
        tree.nodes.indices.map { FailedAddress(node: $0, text: text) }
    }

    /// Whether nobody is to be routed any more.
    var hasFailedAltogether: Bool { !failed.isEmpty && withheld.isEmpty }

    private mutating func failAll(_ text: ByteString) async {
        for address in allFailed(text) {
            await fail(address)
            logFailure(address.node, RoutingTrouble(text), router: nil)
        }
    }

    // MARK: The end

    private mutating func finish() async throws {
        deferUnanswered()
        if deferred.isEmpty, freezing == nil {
            try await complete()
            return
        }
        noteCompletions()
        tree.keepOneTime(deferred.map(\.node))
        await warn()
        let now = runner.expander.environment.now().seconds
        if let reason = freezing {
            tree.edit { _ = $0.freeze(at: now) }
            runner.log(MessageEvent.frozen(reason: reason).text(by: runner.selector), id)
            notes.add("*** Frozen\(reason)")
            await tellOfFreezing(reason)
        }
        for (transport, hosts) in waits {
            _ = await runner.waits.database(transport, idLength: id.format.length).add(id.bytes, hosts: hosts)
        }
        desk.logMessage(notes.lines)
        // The second stage must still know which messages were never tried (-qqi).
        if !runner.options.isFirstStage { tree.edit { $0.deliverFirstTime = false } }
        if tree.header != original || isThawed { try await desk.write(tree.header) }
        try desk.removeJournal()
    }

    /// Nothing is completed that nobody has answered for: a recipient without an outcome waits, and the log says so.
    private mutating func deferUnanswered() {
        guard freezing == nil else { return }
        let waiting = Set(deferred.map { tree.nodes[$0.node].recipient })
        for node in tree.nodes.indices
        where tree.nodes[node].parent == nil && !tree.nodes[node].isSettled && !tree.nodes[node].isSystem {
            guard !waiting.contains(tree.nodes[node].recipient) else { continue }
            let trouble = RoutingTrouble(
                "no transport answered for this address; see what its router names", errno: -1)
            deferred.append(DeferredAddress(node: node, errno: -1, text: trouble.text))
            logDeferral(node, trouble, router: nil, stage: .beforeRouting)
        }
    }

    /// Completes the message when its only recipient was served without a journal; before anything else, since until then a
    /// crash would have it served again.
    private mutating func completedAtOnce() async throws -> Bool {
        guard let sole, served.contains(where: { $0.node == sole }) else { return false }
        let key = tree.journalKey(sole, transport: served[0].instruction?.transport ?? "")
        guard deferred.isEmpty, failed.isEmpty, freezing == nil else {
            await journal([key])
            return false
        }
        let (event, runner, id) = (completed, runner, id)
        try desk.completeAtOnce(served: key) { runner.log(event.text(by: runner.selector), id) }
        await tellOfCompletion()
        return true
    }

    private func complete() async throws {
        let (event, runner, id) = (completed, runner, id)
        try desk.complete { runner.log(event.text(by: runner.selector), id) }
        await tellOfCompletion()
    }

    private var completed: MessageEvent {
        let now = runner.expander.environment.now()
        let micro =
            Int(now.seconds - original.receivedTime) * 1_000_000 + now.microseconds
            - (original.receivedTimeMicroseconds ?? 0)
        return MessageEvent.completed(queueTime: LogInterval(microseconds: micro))
    }
}

/// Lines for a message's own log, in the order in which things happened.
final class MessageNotes: Sendable {
    private let kept = Mutex<[ByteString]>([])

    /// All lines so far.
    var lines: [ByteString] { kept.withLock(\.self) }

    /// Adds a line.
    func add(_ line: ByteString) { kept.withLock { $0.append(line) } }
}

/// A message opened for work.
enum OpenedMessage {
    case opened(MessageDesk, HeaderFile, bodySize: Int)
    case held
    case gone
    case malformed(size: Int)
    case failed(ByteString)

    /// Opens and locks a message: at once while the disk answers at once, else on a thread of its own, so that the
    /// deliveries of other messages go on.
    static func open(_ id: MessageID, _ runner: RunnerSystem) async -> OpenedMessage {
        guard runner.openings.areSlow else { return openNow(id, runner) }
        return await withCheckedContinuation { continuation in
            DispatchQueue.global(qos: .utility).async { continuation.resume(returning: openNow(id, runner)) }
        }
    }

    private static func openNow(_ id: MessageID, _ runner: RunnerSystem) -> OpenedMessage {
        runner.openings.measure { openTimed(id, runner) }
    }

    private static func openTimed(_ id: MessageID, _ runner: RunnerSystem) -> OpenedMessage {
        do throws(SpoolError) {
            switch try runner.spool.open(id) {
            case .opened(let message):
                let (header, size) = (message.header, message.bodySize)
                return .opened(MessageDesk(message, runner.journals, runner.removals), header, bodySize: size)
            case .held: return .held
            case .gone: return .gone
            case .noData: return .gone
            case .noHeader: return .gone
            case .malformed(let found): return .malformed(size: found.headerFileSize)
            }
        } catch {
            return .failed(ByteString(error.description))
        }
    }
}

/// How long it takes to open messages: with a cold cache each one waits for the disk.
final class OpeningPace: Sendable {
    /// What is slow.
    private static let slow = Duration.milliseconds(3)
    /// For how many openings one that was slow tells.
    private static let memory = 100

    private let left = Atomic(0)

    /// Whether the next one is likely to wait for the disk.
    var areSlow: Bool { left.load(ordering: .relaxed) > 0 }

    /// Does it, and learns from how long that took.
    func measure<Result>(_ open: () -> Result) -> Result {
        let begun = ContinuousClock.now
        let result = open()
        if ContinuousClock.now - begun >= Self.slow {
            left.store(Self.memory, ordering: .relaxed)
        } else if areSlow {
            left.subtract(1, ordering: .relaxed)
        }
        return result
    }
}
