import Bytes
import Configuration
import Expansion
import Routing

/// What keeps a message from a connection that a callout has opened: what an ordinary delivery would do to it, or would
/// ask of the host, that such a connection has not.
struct CutthroughSettings: Sendable {
    private let avoidsTLS: [ListText]
    private let requiresTLS: [ListText]
    /// Whether messages are signed on their way out, for which they must be known whole.
    private let signs: Bool

    /// How it stands with TLS.
    enum TLSState: Sendable {
        /// A session stands, by the same rules as at a delivery.
        case on
        /// None does.
        case clear(isOffered: Bool)
    }

    init(_ block: OptionBlock) {
        avoidsTLS = ["hosts_avoid_tls", "hosts_verify_avoid_tls"].compactMap { block.list($0) }
        requiresTLS = ["hosts_require_tls", "hosts_require_dane"].compactMap { block.list($0) }
        signs = block.template("dkim_domain") != nil
    }

    /// Whether messages may go in clear text to a host that offers TLS or not; not where that cannot be told.
    private func mayBeClear(
        offersTLS: Bool, _ match: (ListText) async -> ListMatch
    ) async -> Bool {
        for list in requiresTLS {
            guard case .notMatched = await match(list) else { return false }
        }
        guard offersTLS else { return true }
        for list in avoidsTLS where await match(list).isMatch { return true }
        return false
    }

    /// Why a connection does not serve; nil when it does.
    func obstacle(
        _ settings: SMTPSettings, _ state: TLSState, _ match: (ListText) async -> ListMatch
    ) async -> ByteString? {
        if signs { return "messages are signed" }
        if settings.protocolName != "smtp" { return "protocol \(settings.protocolName)" }
        for list in [settings.triesAuthentication, settings.requiresAuthentication, settings.serialized] {
            if let list, await match(list).isMatch { return "the host wants more than a callout does" }
        }
        switch state {
        case .on: return nil
        case .clear(let isOffered):
            return await mayBeClear(offersTLS: isOffered, match) ? nil : "the host has TLS"
        }
    }
}
