import Bytes
import Configuration
import Expansion

/// The options of the lmtp transport (manual, chapter 28).
struct LMTPSettings: Sendable {
    let socket: Template?
    let command: ByteString?
    let batchMax: Int
    let batchID: Template?
    let ignoresQuota: Bool
    let timeout: Int64

    init(_ block: OptionBlock) {
        socket = block.template("socket")
        command = block.template("command")?.source
        batchMax = Int(block.number("batch_max") ?? 1)
        batchID = block.template("batch_id")
        ignoresQuota = block.flag("ignore_quota") ?? false
        timeout = block.seconds("timeout") ?? 300
    }

    func mentions(_ variable: ByteString) -> Bool {
        MentionedVariables.contain(variable, in: [socket?.source, command])
    }
}

/// The lmtp transport: settles everything, then speaks LMTP here or in a process of another user.
struct LMTPTransport {
    let settings: LMTPSettings
    let scene: DeliveryScene

    /// Delivers one group of addresses; a verdict for each, in order.
    func deliver() async -> ([TransportVerdict], [TransportLogLine]) {
        do throws(TransportTrouble) {
            if let tooBig = try await scene.checkSize() { return (all(.failed(tooBig)), []) }
            let doer = LocalDoer(scene: scene)
            let user = try await doer.user()
            if let (trouble, line) = doer.refusal(of: user) { return (all(.deferred(trouble)), [line]) }
            var order = LMTPOrder(
                peer: try await peer(), greeting: scene.environment.primaryHostName, sender: scene.returnPath,
                recipients: scene.items.map {
                    $0.recipient(includingAffixes: scene.transport.generic.includesAffixes)
                })
            order.topBitPrints = scene.environment.expander.environment.settings.printTopBitChars
            order.directory = try await doer.directory()
            try await setContent(&order)
            if scene.message.isDryRun { return (all(.delivered(confirmation: nil)), []) }
            let report = await doer.perform(.lmtp(order), user)
            return (scene.items.indices.map(report.verdict), [])
        } catch {
            return (all(error.isFinal ? .failed(error) : .deferred(error)), [])
        }
    }

    private func all(_ verdict: TransportVerdict) -> [TransportVerdict] { scene.items.map { _ in verdict } }

    private func peer() async throws(TransportTrouble) -> LMTPOrder.Peer {
        if let command = settings.command {
            return .command(try await CommandWords(scene: scene, source: command).expanded())
        }
        guard let template = settings.socket else {
            throw TransportTrouble(
                "one (and only one) of command or socket must be set for the \(scene.transport.name) transport",
                errno: -1
            ).panicking
        }
        do {
            return .socket(try await scene.environment.expander.expand(template, scene.facts).bytes)
        } catch {
            throw TransportTrouble(
                "Expansion of \"\(template.source)\" (socket setting for \(scene.transport.name) transport) failed: \(error.text)",
                errno: -1)
        }
    }

    private func setContent(_ order: inout LMTPOrder) async throws(TransportTrouble) {
        order.transport = scene.transport.name
        order.ignoresQuota = settings.ignoresQuota
        order.timeout = Int(settings.timeout)
        order.content = try await scene.content()
    }
}
