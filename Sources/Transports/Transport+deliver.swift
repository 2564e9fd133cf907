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
            if verdict.isDelivered { await served(Array(items.indices)) }
            return (shared(verdict, items.count), lines)
        case .pipe(let settings):
            let (verdict, lines) = await PipeTransport(settings: settings, scene: scene).deliver()
            if verdict.isDelivered { await served(Array(items.indices)) }
            return (shared(verdict, items.count), lines)
        case .autoreply(let settings):
            let result = await AutoreplyTransport(settings: settings, scene: scene).deliver()
            if result.verdict.isDelivered { await served(Array(items.indices)) }
            var outcomes = shared(result.verdict, items.count)
            if let id = result.submitted { outcomes[0].submitted = [id] }
            return (outcomes, result.lines)
        case .lmtp(let settings):
            let (verdicts, lines) = await LMTPTransport(settings: settings, scene: scene).deliver()
            await served(verdicts.indices.filter { verdicts[$0].isDelivered })
            return (outcomes(verdicts), lines)
        case .queuefile, .unavailable:
            let text: ByteString = "the \(unavailableDriver ?? "queuefile") transport is not available"
            return (shared(.deferred(TransportTrouble(text, errno: -1)), items.count), [])
        }
    }

    private func shared(_ verdict: TransportVerdict, _ count: Int) -> [TransportOutcome] {
        outcomes((0..<count).map { _ in verdict })
    }

    /// The first that was served has the arrow of a first one.
    private func outcomes(_ verdicts: [TransportVerdict]) -> [TransportOutcome] {
        let first = verdicts.firstIndex(where: \.isDelivered) ?? 0
        return verdicts.enumerated().map { index, verdict in
            var outcome = TransportOutcome(verdict)
            outcome.isFirst = index == first
            return outcome
        }
    }
}
