import Bytes
import Expansion

/// What local transports write around a message, and through which filter it goes.
extension DeliveryScene {
    /// The manual's default of `message_prefix` for mailboxes and pipes.
    static let mailboxLine: Template =
        "From ${if def:return_path{$return_path}{MAILER-DAEMON}} ${tod_bsdinbox}\n"

    /// The message as a local transport writes it.
    func content(
        prefix: Template? = nil, suffix: Template? = nil
    ) async throws(TransportTrouble) -> MessageContent {
        let generic = transport.generic
        var content = MessageContent()
        if let prefix { content.prefix = try await surrounding(prefix, "prefix") }
        if let suffix { content.suffix = try await surrounding(suffix, "suffix") }
        if !generic.bodyOnly { content.head = try await header() + [UInt8.newline] }
        content.isWireFormat = message.body.isWireFormat
        content.bodySize = message.body.size
        content.bodyStart = generic.headersOnly ? nil : message.body.withDescriptor { $1 }
        content.filter = try await filter()
        return content
    }

    private func surrounding(_ template: Template, _ what: ByteString) async throws(TransportTrouble)
        -> ByteString
    {
        do throws(TransportTrouble) {
            return try await expand(template, saying: what, errno: 0).bytes
        } catch {
            if error.isForced { return "" }
            throw error
        }
    }

    /// `transport_filter`, expanded word by word; nil where there is none.
    func filter() async throws(TransportTrouble) -> FilterOrder? {
        guard let template = transport.generic.filter, !template.source.isEmpty else { return nil }
        let words = try await CommandWords(scene: self, source: template.source, kind: .filter).expanded()
        guard !words.isEmpty else { return nil }
        var order = FilterOrder(words: words)
        order.environment = ["PATH=/usr/bin:/bin"]
        order.timeout = Int(transport.generic.filterTimeout)
        return order
    }
}
