import Bytes
import EximLog
import Expansion
import Hints
import Routing
import Spooler
import Transports

extension MessageDelivery {
    /// Brings the retry hints up to date, and turns deferrals whose time is over into failures (hints.md 4.2).
    mutating func foldRetries() async {
        guard !outgoing.isDryRun else { return }
        let changes = await changes()
        guard !changes.isEmpty else { return timeOut([:]) }
        if deferred.isEmpty, changes.allSatisfy({ $0.failure == nil }) {
            for key in changes.map(\.key) { runner.transportEnvironment.hosts.forgetFailure(key) }
            return await runner.forgetting.add(changes.map(\.key.text), runner)
        }
        await runner.forgetting.flush(runner)
        let outcome = await runner.retries.update { transaction in
            var timedOut: [RetryKey: Bool] = [:]
            var random = SystemRandomNumberGenerator()
            for change in changes {
                timedOut[change.key] = try change.apply(to: transaction, &random)
            }
            return timedOut
        }
        switch outcome {
        case .done(let timedOut):
            for key in changes.map(\.key) { runner.transportEnvironment.hosts.forgetFailure(key) }
            timeOut(timedOut)
        case .givenUp(let trouble):
            // That a shared server is lost was told already, once.
            if trouble.kind != .unreachable {
                runner.log.main("retry hints not written: \(String(describing: trouble))", id: id.bytes)
            }
        }
    }

    /// What is to happen to each record, the last word of several; records that nobody deferred for are deleted.
    private func changes() async -> [RetryChange] {
        var order: [RetryKey] = []
        var items: [RetryKey: (node: Int, item: RetryItem)] = [:]
        for (node, item) in retries {
            if items[item.key] == nil { order.append(item.key) }
            // A record of trouble outweighs a success at the same time.
            if case .record? = items[item.key]?.item.action, item.action == .delete { continue }
            items[item.key] = (node, item)
        }
        var result: [RetryChange] = []
        let now = runner.expander.environment.now().seconds
        for key in order {
            guard let (node, item) = items[key] else { continue }
            result.append(await change(item, node, now: now))
        }
        return result
    }

    private func change(_ item: RetryItem, _ node: Int, now: Int64) async -> RetryChange {
        var error: RetryError?
        if case .record(let found) = item.action { error = found }
        if item.isMessage, deferred.isEmpty { error = nil }
        guard let error else { return RetryChange(key: item.key, failure: nil, schedule: nil) }
        let address = tree.nodes[node].address
        let schedule = await runner.chooser.schedule(
            for: item.key, error, domain: EmailParts(address.address).domain, outgoing.facts)
        let failure = RetryFailure(
            error, now: now, messageArrived: outgoing.receivedTime, isHost: item.isHost && !item.isMessage,
            isTopAddress: true)
        return RetryChange(key: item.key, failure: failure, schedule: schedule)
    }

    private mutating func timeOut(_ timedOut: [RetryKey: Bool]) {
        var waiting: [DeferredAddress] = []
        for address in deferred {
            let isOver =
                !address.keys.isEmpty && !address.skippedHosts
                && address.keys.allSatisfy { timedOut[$0] == true }
            guard isOver else {
                waiting.append(address)
                continue
            }
            let line = Failure.retryTimeout(logged(address.node, address.instruction), by: runner.selector)
            runner.log(line, id)
            note(ByteString(line.dropFirst(3)))
            let said =
                address.userText.map { "\($0): retry timeout exceeded" as ByteString }
                ?? "retry timeout exceeded"
            failed.append(
                FailedAddress(
                    node: address.node, text: said, userText: said, instruction: address.instruction,
                    host: address.host))
        }
        deferred = waiting
    }
}

/// A change of one retry record, ready for the database.
struct RetryChange: Sendable {
    var key: RetryKey
    /// Nil deletes the record.
    var failure: RetryFailure?
    /// Nil: there is no rule, nothing is written, and the item counts as timed out.
    var schedule: RetrySchedule?

    /// Makes the change; whether the item is timed out.
    func apply(
        to transaction: HintsTransaction, _ random: inout SystemRandomNumberGenerator
    ) throws -> Bool {
        guard let failure else {
            try transaction.delete(key.text)
            return false
        }
        guard let schedule else { return true }
        let old = try transaction.read(RetryRecord.self, key.text)
        let decision = schedule.decide(after: old, failure, random: &random)
        try transaction.write(decision.record, key.text)
        return decision.timedOut
    }
}
