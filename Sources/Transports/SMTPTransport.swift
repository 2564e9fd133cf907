import Bytes
import Expansion
import Hints
import MailText
import Routing
import SMTP

/// The smtp transport at work for some addresses of one message (manual, chapter 30; delivery.md 4).
struct SMTPTransport {
    let settings: SMTPSettings
    var scene: DeliveryScene
    /// Called after each transaction that served somebody, before anything else happens: the place to journal.
    let served: @Sendable ([Int]) async -> Void
    /// The schedule that a retry record would be judged by, for the ultimate timeout.
    let cutoff: @Sendable (RetryKey, RetryRecord) async -> Int64?

    var outcomes: [TransportOutcome?]
    var lines: [TransportLogLine] = []
    var tried = 0
    var skipped = false
    /// How many hosts had as many connections as `serialize_hosts` allows.
    var limited = 0
    var standings: [HostStanding] = []
    var waits = true
    /// Whether the message waits since it cannot be signed: no other host changes that.
    var lacksSignature = false
    var hostRetries: [RetryItem] = []
    /// Hears of what happens, where `event_action` is set.
    let events: TransportEvents?

    init(
        _ settings: SMTPSettings, _ scene: DeliveryScene,
        served: @escaping @Sendable ([Int]) async -> Void,
        cutoff: @escaping @Sendable (RetryKey, RetryRecord) async -> Int64?
    ) {
        self.settings = settings
        self.scene = scene
        self.served = served
        self.cutoff = cutoff
        events = TransportEvents(
            scene.transport.eventAction(scene.environment.expander, tell: scene.environment.tell),
            scene.facts,
            tell: scene.environment.tell)
        outcomes = Array(repeating: nil, count: scene.items.count)
    }

    var environment: TransportEnvironment { scene.environment }
    var pending: [Int] { outcomes.indices.filter { outcomes[$0].map(Self.isOpen) ?? true } }

    /// A deferral at one host may be mended by the next.
    static func isOpen(_ outcome: TransportOutcome) -> Bool {
        if case .deferred = outcome.verdict { true } else { false }
    }

    /// Delivers; an outcome for each address, in order.
    mutating func deliver() async -> ([TransportOutcome], [TransportLogLine]) {
        do throws(TransportTrouble) {
            if let problem = try await refusal() { return (all(.failed(problem)), []) }
            let hosts = try await hosts()
            let message = try await wireMessage()
            let fallback = fallbackItems
            try await attempt(hosts, message)
            guard !pending.isEmpty, !fallback.isEmpty, !lacksSignature else {
                return (finished(hosts), lines)
            }
            let others = try await found(ordered(fallback).map { HostItem($0) })
            // What counts is whether these are all past their time.
            standings = []
            tried = 0
            try await attempt(others, message)
            return (finished(hosts + others), lines)
        } catch {
            // Trouble of our own: what has an outcome keeps it.
            let outcomes = outcomes.map { $0 ?? TransportOutcome(.deferred(error)) }
            return (outcomes, lines)
        }
    }

    /// The message as it goes out: through `transport_filter`, if there is one.
    private func wireMessage() async throws(TransportTrouble) -> WireMessage {
        let generic = scene.transport.generic
        var content = try await scene.content()
        guard var filter = content.filter else {
            return WireMessage(
                head: content.head, body: scene.message.body, sendsBody: !generic.headersOnly)
        }
        filter.words = try await LocalDoer(scene: scene).command(filter.words)
        content.filter = filter
        let settled = content
        let original = scene.message.body
        let filtered = await Offload.run { () -> Result<MessageBody, TransportTrouble> in
            original.withDescriptor { descriptor, _ in FilteredMessage.body(of: settled, descriptor) }
        }
        return WireMessage(head: "", body: try filtered.get())
    }

    private mutating func attempt(
        _ hosts: [RouteHost], _ message: WireMessage
    ) async throws(TransportTrouble) {
        for (index, host) in hosts.enumerated() {
            guard !pending.isEmpty, !lacksSignature else { break }
            try await attempt(host, isLast: index == hosts.count - 1, message)
        }
    }

    private func all(_ verdict: TransportVerdict) -> [TransportOutcome] {
        scene.items.map { _ in TransportOutcome(verdict) }
    }

    private func refusal() async throws(TransportTrouble) -> TransportTrouble? {
        if let tooBig = try await scene.checkSize() { return tooBig }
        if settings.lineLimit > 0, scene.message.longestLine > settings.lineLimit {
            let text: ByteString = "message has lines too long for transport"
            return TransportTrouble(text, errno: 0, userText: text)
        }
        return nil
    }
}
