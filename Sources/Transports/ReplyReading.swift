import Bytes
import Expansion
import Filter
import Routing

/// What an automatic reply says: what a filter settled, or the transport's options, expanded; never a mixture of both.
struct ReplyReading {
    let settings: AutoreplySettings
    let scene: DeliveryScene

    func reply() async throws(TransportTrouble) -> ReplyMessage {
        guard var reply = scene.items.first?.instruction.reply else { return try await ownReply() }
        reply.returnsMessage = reply.returnsMessage || settings.returnsMessage
        return reply
    }

    private func ownReply() async throws(TransportTrouble) -> ReplyMessage {
        var reply = ReplyMessage()
        reply.from = try await line(settings.from)
        reply.replyTo = try await line(settings.replyTo)
        reply.to = try await line(settings.to)
        reply.cc = try await line(settings.cc)
        reply.bcc = try await line(settings.bcc)
        reply.subject = try await line(settings.subject)
        reply.headers = try await expand(settings.headers)?.bytes
        reply.text = try await expand(settings.text)?.bytes
        reply.file = try await expand(settings.file)
        reply.log = try await expand(settings.log)
        reply.once = try await expand(settings.once)
        (reply.expandsFile, reply.returnsMessage) = (settings.expandsFile, settings.returnsMessage)
        switch settings.onceRepeat {
        case .seconds(let seconds): reply.onceRepeat = Int(seconds)
        case .template(let template): reply.onceRepeat = try await interval(template)
        }
        return reply
    }

    private func expand(_ template: Template?) async throws(TransportTrouble) -> TaintedBytes? {
        guard let template else { return nil }
        do {
            return try await scene.environment.expander.expand(template, scene.facts)
        } catch {
            throw final(
                "Expansion of \"\(template.source)\" failed in \(scene.transport.name) transport: \(error.text)"
            )
        }
    }

    /// The contents of a header line: newlines stand before blanks only.
    private func line(_ template: Template?) async throws(TransportTrouble) -> ByteString? {
        guard let template, let value = try await expand(template)?.bytes else { return nil }
        let topBitPrints = scene.environment.expander.environment.settings.printTopBitChars
        for (index, octet) in value.enumerated()
        where !octet.isASCIIPrinting && !(topBitPrints && octet > 127) {
            let next = index + 1 < value.count ? value[index + 1] : 0
            if octet == .newline, next == .blank || next == 0x09 { continue }
            if octet == 0x09 { continue }
            throw final(
                "Expansion of \"\(template.source.escapingUnprintable(topBitPrints: true))\" in \(scene.transport.name) transport contains non-printing character \(octet)"
            )
        }
        return value
    }

    private func interval(_ template: Template) async throws(TransportTrouble) -> Int {
        guard let text = try await expand(template)?.bytes else { return 0 }
        guard let seconds = EximTime.seconds(text.trimmed()) else {
            throw final(
                "Invalid time value \"\(text)\" for \"once_repeat\" in \(scene.transport.name) transport")
        }
        return seconds
    }

    private func final(_ text: ByteString) -> TransportTrouble {
        var trouble = TransportTrouble(text, errno: 0)
        trouble.isFinal = true
        return trouble
    }
}
