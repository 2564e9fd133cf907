import Bytes
import Expansion
import Filter
import MailText
import Routing

/// The autoreply transport: makes a message that answers the one at hand, and hands it in (manual, chapter 27).
struct AutoreplyTransport {
    let settings: AutoreplySettings
    let scene: DeliveryScene

    private var name: ByteString { scene.transport.name }

    /// What came of it: the verdict, lines for the log, and the id of the new message.
    typealias Result = (verdict: TransportVerdict, lines: [TransportLogLine], submitted: ByteString?)

    /// Answers one address.
    func deliver() async -> Result {
        do throws(TransportTrouble) {
            let doer = LocalDoer(scene: scene)
            let user = try await doer.user()
            if let (trouble, line) = doer.refusal(of: user) { return (.deferred(trouble), [line], nil) }
            var reply = try await ReplyReading(settings: settings, scene: scene).reply()
            guard try await dropUnwanted(&reply) else { return (.delivered(confirmation: nil), [], nil) }
            if scene.message.isDryRun { return (.delivered(confirmation: nil), [], nil) }
            return try await send(reply, doer, user)
        } catch {
            return (error.isFinal ? .failed(error) : .deferred(error), [], nil)
        }
    }

    private func send(
        _ reply: ReplyMessage, _ doer: LocalDoer, _ user: DeliveryUser
    ) async throws(TransportTrouble) -> Result {
        try refuseTainted(reply.once, "once file")
        try refuseTainted(reply.file, "file")
        var order = try await order(.prepare, reply, doer)
        var findings = ReplyFindings()
        if !order.once.isEmpty || !order.file.isEmpty {
            let report = await doer.perform(.reply(order), user)
            if case .deferred(let trouble) = report.verdict(0) { throw trouble }
            findings = report.findings ?? findings
        }
        if findings.wasSentBefore { return (.delivered(confirmation: nil), [], nil) }
        let composed = try await ReplyComposition(reply: reply, scene: scene, user: user)
            .composed(findings.fileText)
        guard let submit = scene.environment.submit else {
            throw TransportTrouble("nothing can be submitted here", errno: -1)
        }
        let id: ByteString?
        switch await submit(composed) {
        case .accepted(let new): id = new
        case .noRecipients: id = nil
        case .failed(let status):
            throw TransportTrouble("Failed to send message from \(name) transport (\(status))", errno: 0)
        }
        order.step = .finish
        order.logText = reply.record
        var lines: [TransportLogLine] = []
        if let log = reply.log, log.taint.isTainted {
            lines.append(TransportLogLine("Tainted filename '\(log.bytes)'", isPanic: true))
            order.log = ""
        }
        if !order.once.isEmpty || !order.log.isEmpty { _ = await doer.perform(.reply(order), user) }
        return (.delivered(confirmation: nil), lines, id)
    }

    private func order(
        _ step: ReplyOrder.Step, _ reply: ReplyMessage, _ doer: LocalDoer
    ) async throws(TransportTrouble) -> ReplyOrder {
        var order = ReplyOrder(
            step, transport: name, recipients: reply.to ?? "", now: scene.environment.now().seconds)
        let directory = try await doer.directory()
        func absolute(_ path: TaintedBytes?) -> ByteString {
            guard let path = path?.bytes, !path.isEmpty else { return "" }
            return path.first == UInt8(ascii: "/") ? path : "\(directory)/\(path)"
        }
        if let to = reply.to, !to.isEmpty { order.once = absolute(reply.once) }
        order.onceSize = settings.onceSize
        order.onceRepeat = reply.onceRepeat
        order.file = absolute(reply.file)
        order.fileIsOptional = settings.fileIsOptional
        order.log = absolute(reply.log)
        order.mode = settings.mode
        if !order.log.isEmpty { order.stamp = try await scene.expand("$tod_log", "log")?.bytes ?? "" }
        return order
    }

    private func refuseTainted(_ path: TaintedBytes?, _ what: ByteString) throws(TransportTrouble) {
        guard let path, path.taint.isTainted else { return }
        throw TransportTrouble(
            "Tainted '\(path.bytes)' (\(what) for \(name) transport) not permitted", errno: 13)
    }

    // MARK: never_mail

    /// Takes those out that are never to be written to; false when nobody is left.
    private func dropUnwanted(_ reply: inout ReplyMessage) async throws(TransportTrouble) -> Bool {
        guard let unwanted = settings.neverMail else { return true }
        let had = [reply.to, reply.cc, reply.bcc].contains { $0 != nil }
        reply.to = try await wanted(reply.to, unwanted)
        reply.cc = try await wanted(reply.cc, unwanted)
        reply.bcc = try await wanted(reply.bcc, unwanted)
        return !had || [reply.to, reply.cc, reply.bcc].contains { $0 != nil }
    }

    private func wanted(_ list: ByteString?, _ unwanted: ListText) async throws(TransportTrouble)
        -> ByteString?
    {
        guard let list else { return nil }
        var kept: [ByteString] = []
        var isChanged = false
        for item in AddressParser.parseList(list) {
            if case .success(let parsed) = item.outcome {
                var facts = scene.facts
                let match = await scene.environment.expander.matchAddress(
                    parsed.address.text, in: unwanted, &facts)
                if case .deferred(let reason) = match { throw TransportTrouble(reason, errno: -1) }
                if match.isMatch {
                    isChanged = true
                    continue
                }
            }
            kept.append(ByteString(list[item.source].trimmed()))
        }
        guard isChanged else { return list }
        return kept.isEmpty ? nil : kept.joined(separator: ", ")
    }
}

extension ReplyMessage {
    /// What the log says of a message that was sent.
    fileprivate var record: ByteString {
        let lines: [(ByteString, ByteString?)] = [
            ("From: ", from), ("To: ", to), ("Cc: ", cc), ("Bcc: ", bcc), ("Subject: ", subject),
            ("", headers),
        ]
        return lines.map { name, value in value.map { "  \(name)\($0)\n" as ByteString } ?? "" }.joined(
            separator: "")
    }
}
