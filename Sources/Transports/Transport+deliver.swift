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

    /// What runs tell of addresses that are served.
    typealias Served = @Sendable ([Int]) async -> Void

    private func run(
        _ message: OutgoingMessage, _ items: [DeliveryItem], _ environment: TransportEnvironment,
        served: @escaping Served,
        cutoff: @escaping @Sendable (RetryKey, RetryRecord) async -> Int64?
    ) async -> ([TransportOutcome], [TransportLogLine]) {
        if case .smtp(let settings) = driver {
            let scene: DeliveryScene
            do { scene = try await DeliveryScene(self, message, items, environment) } catch {
                return (shared(.deferred(error), items.count), [])
            }
            var transport = SMTPTransport(settings, scene, served: served, cutoff: cutoff)
            return await transport.deliver()
        }
        var (outcomes, lines) = await runAlone(message, items, environment)
        await served(outcomes.indices.filter { outcomes[$0].verdict.isDelivered })
        lines += await Self.warn(&outcomes)
        lines += await runShadow(message, items, environment, &outcomes)
        return (outcomes, lines)
    }

    /// A local transport and nothing that follows from it.
    func runAlone(
        _ message: OutgoingMessage, _ items: [DeliveryItem], _ environment: TransportEnvironment,
        passes: Int = 0
    ) async -> ([TransportOutcome], [TransportLogLine]) {
        let scene: DeliveryScene
        do { scene = try await DeliveryScene(self, message, items, environment) } catch {
            return (shared(.deferred(error), items.count), [])
        }
        switch driver {
        case .appendfile(let settings): return await append(settings, scene, passes: passes)
        case .pipe(let settings):
            let (verdict, lines) = await PipeTransport(settings: settings, scene: scene).deliver()
            return (shared(verdict, items.count), lines)
        case .autoreply(let settings):
            let result = await AutoreplyTransport(settings: settings, scene: scene).deliver()
            var outcomes = shared(result.verdict, items.count)
            if let id = result.submitted { outcomes[0].submitted = [id] }
            return (outcomes, result.lines)
        case .lmtp(let settings):
            let (verdicts, lines) = await LMTPTransport(settings: settings, scene: scene).deliver()
            return (outcomes(verdicts), lines)
        case .queuefile, .smtp, .unavailable:
            let text: ByteString = "the \(unavailableDriver ?? name) transport is not available"
            return (shared(.deferred(TransportTrouble(text, errno: -1)), items.count), [])
        }
    }

    /// How often a mailbox's format may hand a delivery to another transport.
    private static let mostPasses = 8

    private func append(
        _ settings: AppendfileSettings, _ scene: DeliveryScene, passes: Int
    ) async -> ([TransportOutcome], [TransportLogLine]) {
        var transport = LocalTransport(settings: settings, scene: scene)
        let result = await transport.deliver()
        if let other = result.other { return await pass(scene, to: other, passes + 1) }
        var outcomes = shared(result.verdict, scene.items.count)
        if result.isExceeded {
            outcomes[0].warning = QuotaWarning(settings: settings.quota, scene: scene)
        }
        return (outcomes, result.lines)
    }

    /// `file_format`: the mailbox is one for another transport.
    private func pass(
        _ scene: DeliveryScene, to other: MailboxFindings, _ passes: Int
    ) async -> ([TransportOutcome], [TransportLogLine]) {
        let named = other.transport ?? ""
        guard passes <= Self.mostPasses, let transport = scene.environment.transport(named),
            !transport.isRemote, !transport.handsOver
        else {
            let text: ByteString = "\(named) transport (for \(other.format) format) not found"
            return (shared(.deferred(TransportTrouble(text, errno: -30)), scene.items.count), [])
        }
        var (outcomes, lines) = await transport.runAlone(
            scene.message, scene.items, scene.environment, passes: passes)
        for index in outcomes.indices where outcomes[index].transport == nil {
            outcomes[index].transport = transport.name
        }
        return (outcomes, lines)
    }

    /// Sends the warnings that follow deliveries.
    static func warn(_ outcomes: inout [TransportOutcome]) async -> [TransportLogLine] {
        var lines: [TransportLogLine] = []
        for index in outcomes.indices {
            guard let warning = outcomes[index].warning else { continue }
            let (id, more) = await warning.send()
            outcomes[index].submitted += id.map { [$0] } ?? []
            lines += more
        }
        return lines
    }

    private func runShadow(
        _ message: OutgoingMessage, _ items: [DeliveryItem], _ environment: TransportEnvironment,
        _ outcomes: inout [TransportOutcome]
    ) async -> [TransportLogLine] {
        let good = outcomes.indices.filter { outcomes[$0].verdict.isDelivered }
        guard generic.shadow != nil, !good.isEmpty, !message.isDryRun else { return [] }
        let scene: DeliveryScene
        do { scene = try await DeliveryScene(self, message, items, environment) } catch { return [] }
        let result = await ShadowDelivery(transport: self, message: message, environment: environment)
            .deliver(to: good.map { items[$0] }, scene.facts)
        for index in good { outcomes[index].shadow = result.report }
        outcomes[good[0]].submitted += result.submitted
        return result.lines
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
