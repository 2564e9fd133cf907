import Bytes
package import Hints
import Routing

extension Transport {
    /// Delivers a message to addresses that go together; gives an outcome for each, in order, and lines for the log.
    ///
    /// `served` is called with the indices of addresses that were served, as soon as that is known: the place to
    /// journal. `cutoff` tells after how many seconds a message is given up for a retry record's error.
    /// A queuefile transport is not delivered to here: see `handOver`.
    package func deliver(
        _ message: OutgoingMessage, to items: [DeliveryItem], _ environment: TransportEnvironment,
        served: @escaping @Sendable ([Int]) async -> Void,
        cutoff: @escaping @Sendable (RetryKey, RetryRecord) async -> Int64?
    ) async -> ([TransportOutcome], [TransportLogLine]) {
        let begin = environment.now()
        var (outcomes, lines) = await run(message, items, environment, served: served, cutoff: cutoff)
        let end = environment.now()
        let duration = Int(end.seconds - begin.seconds) * 1_000_000 + end.microseconds - begin.microseconds
        for index in outcomes.indices { outcomes[index].duration = max(0, duration) }
        return (outcomes, lines)
    }

    private func run(
        _ message: OutgoingMessage, _ items: [DeliveryItem], _ environment: TransportEnvironment,
        served: @escaping @Sendable ([Int]) async -> Void,
        cutoff: @escaping @Sendable (RetryKey, RetryRecord) async -> Int64?
    ) async -> ([TransportOutcome], [TransportLogLine]) {
        let scene: DeliveryScene
        do {
            scene = try await DeliveryScene(self, message, items, environment)
        } catch {
            return (items.map { _ in TransportOutcome(.deferred(error)) }, [])
        }
        switch driver {
        case .smtp(let settings):
            var transport = SMTPTransport(settings, scene, served: served, cutoff: cutoff)
            return await transport.deliver()
        case .appendfile(let settings):
            var transport = LocalTransport(settings: settings, scene: scene)
            let (verdict, lines) = await transport.deliver()
            if case .delivered = verdict { await served(Array(items.indices)) }
            return (shared(verdict, items.count), lines)
        case .queuefile, .unavailable:
            let text: ByteString = "the \(unavailableDriver ?? "queuefile") transport is not available"
            return (shared(.deferred(TransportTrouble(text, errno: -1)), items.count), [])
        }
    }

    private func shared(_ verdict: TransportVerdict, _ count: Int) -> [TransportOutcome] {
        (0..<count).map { index in
            var outcome = TransportOutcome(verdict)
            outcome.isFirst = index == 0
            return outcome
        }
    }
}
