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

    init(_ block: OptionBlock) {
        avoidsTLS = ["hosts_avoid_tls", "hosts_verify_avoid_tls"].compactMap { block.list($0) }
        requiresTLS = ["hosts_require_tls", "hosts_require_dane"].compactMap { block.list($0) }
        signs = block.template("dkim_domain") != nil
    }

    /// Whether messages may go in clear text to a host that offers TLS or not.
    private func mayBeClear(
        offersTLS: Bool, _ isListed: (ListText) async -> Bool
    ) async -> Bool {
        for list in requiresTLS where await isListed(list) { return false }
        guard offersTLS else { return true }
        for list in avoidsTLS where await isListed(list) { return true }
        return false
    }

    /// Why a connection does not serve; nil when it does.
    func obstacle(
        _ settings: SMTPSettings, offersTLS: Bool, _ isListed: (ListText) async -> Bool
    ) async -> ByteString? {
        if signs { return "messages are signed" }
        if settings.protocolName != "smtp" { return "protocol \(settings.protocolName)" }
        for list in [settings.triesAuthentication, settings.requiresAuthentication, settings.serialized] {
            if let list, await isListed(list) { return "the host wants more than a callout does" }
        }
        return await mayBeClear(offersTLS: offersTLS, isListed) ? nil : "the host has TLS"
    }
}
