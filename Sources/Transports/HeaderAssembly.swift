import Bytes
import Expansion
import MailText
import Routing

/// The header lines that a delivery sends (manual, section 48.17).
struct HeaderAssembly {
    let message: OutgoingMessage
    let transport: Transport
    let items: [DeliveryItem]
    let returnPath: ByteString
    let environment: TransportEnvironment
    let facts: Facts

    /// The header block with LF line ends, without the blank line.
    func header() async throws(TransportTrouble) -> ByteString {
        var block = ByteString()
        if transport.generic.addsReturnPath { block += "Return-path: <\(returnPath)>\n" as ByteString }
        if transport.generic.addsEnvelopeTo { block += envelopeTo }
        if transport.generic.addsDeliveryDate { block += deliveryDate }
        let removed = try await removedNames()
        let rewriter = Rewriter(
            transport.generic.headerRules, expander: environment.expander,
            qualifyRecipient: environment.routing.qualifyRecipient)
        for header in message.headers where header.kind != .old && !isRemoved(header, removed) {
            block += await rewritten(header, by: rewriter).text
        }
        for line in items.first?.address.headersToAdd ?? [] { block += line }
        for line in try await addedLines() { block += line }
        return block
    }

    /// `headers_rewrite`: a line to which a rule cannot be applied stays as it is.
    private func rewritten(_ header: Header, by rewriter: Rewriter) async -> Header {
        if rewriter.isEmpty { return header }
        let (new, events) = await rewriter.rewrite(header, qualifyingWith: nil, facts)
        for event in events { environment.tellRewriting(event) }
        return new ?? header
    }

    private var envelopeTo: ByteString {
        var seen: [ByteString] = []
        // In Exim's order: those who came last are told first.
        for top in items.flatMap({ ([$0.address.top] + $0.alsoFor).reversed() }) where !seen.contains(top) {
            seen.append(top)
        }
        return "Envelope-to: \(seen.joined(separator: ",\n "))\n"
    }

    private var deliveryDate: ByteString {
        let now = environment.now().seconds
        let time = CivilTime(
            seconds: Int(now), offset: environment.expander.environment.zoneOffset(now))
        return "Delivery-date: \(time.headerDate)\n"
    }

    private func removedNames() async throws(TransportTrouble) -> [ByteString] {
        var names = items.first?.address.headersToRemove ?? []
        guard let template = transport.generic.headersToRemove else { return names }
        for item in ItemList.split(template.source, separator: UInt8(ascii: ":")) {
            guard let value = try await expand(item, "headers_remove") else { continue }
            names += ItemList.split(value, separator: UInt8(ascii: ":"))
        }
        return names
    }

    private func addedLines() async throws(TransportTrouble) -> [ByteString] {
        var lines: [ByteString] = []
        for item in ItemList.split(transport.generic.headersToAdd?.source, separator: .newline) {
            guard var line = try await expand(item, "headers_add"), !line.trimmed().isEmpty else { continue }
            if line.last != .newline { line.append(.newline) }
            lines.append(line)
        }
        return lines
    }

    private func expand(_ item: ByteString, _ option: ByteString) async throws(TransportTrouble)
        -> ByteString?
    {
        do {
            return try await environment.expander.expand(Template(item), facts).bytes
        } catch {
            if case .forcedFailure = error { return nil }
            throw TransportTrouble("\(option): failed to expand: \(item): \(error.text)", errno: -25)
        }
    }

    private func isRemoved(_ header: Header, _ names: [ByteString]) -> Bool {
        names.contains { name in
            guard name.last == UInt8(ascii: "*") else { return header.isNamed(name) }
            return header.name.startsIgnoringCase(with: name.dropLast())
        }
    }
}

/// Expansions that a transport makes for a group of addresses.
struct DeliveryScene {
    let transport: Transport
    let message: OutgoingMessage
    let items: [DeliveryItem]
    let environment: TransportEnvironment
    var facts: Facts
    var returnPath: ByteString

    init(
        _ transport: Transport, _ message: OutgoingMessage, _ items: [DeliveryItem],
        _ environment: TransportEnvironment
    ) async throws(TransportTrouble) {
        self.transport = transport
        self.message = message
        self.items = items
        self.environment = environment
        var facts = message.facts.seen(by: transport.name, items.first?.instruction)
        if items.count > 1 { Self.clearWhatDiffers(items, &facts) }
        returnPath = items.first?.address.errorsTo ?? message.sender
        facts.message.returnPath = returnPath
        self.facts = facts
        if let template = transport.generic.returnPath,
            let value = try await expand(template, "return_path")
        {
            returnPath = value.bytes
            self.facts.message.returnPath = value.bytes
        }
        if let home = transport.generic.homeDirectory, let value = try await expand(home, "home_directory") {
            self.facts.address.home = value
        }
    }

    private static func clearWhatDiffers(_ items: [DeliveryItem], _ facts: inout Facts) {
        let all = items.map(\.instruction.facts)
        if !all.allSatisfy({ $0.localPart == all[0].localPart }) { facts.address.localPart = nil }
        if !all.allSatisfy({ $0.domain == all[0].domain }) { facts.address.domain = nil }
        if !all.allSatisfy({ $0.localPartData == all[0].localPartData }) { facts.address.localPartData = nil }
        if !all.allSatisfy({ $0.domainData == all[0].domainData }) { facts.address.domainData = nil }
    }

    /// Expands an option; nil for a forced failure.
    func expand(_ template: Template, _ option: ByteString) async throws(TransportTrouble) -> TaintedBytes? {
        do {
            return try await environment.expander.expand(template, facts)
        } catch {
            if case .forcedFailure = error { return nil }
            throw TransportTrouble(
                "failed to expand \"\(template.source)\" (\(option)) in \(transport.name) transport: \(error.text)",
                errno: -27)
        }
    }

    /// Expands an option that must give something; the trouble is one of the configuration, in Exim's words.
    ///
    /// `facts` are this scene's where they are not given.
    func expand(
        _ template: Template, saying what: ByteString, errno: Int32 = -1, _ facts: Facts? = nil
    ) async throws(TransportTrouble) -> TaintedBytes {
        try await options.expand(template, saying: what, errno: errno, facts)
    }

    /// What options are expanded with.
    var options: OptionExpansion {
        OptionExpansion(transport: transport.name, expander: environment.expander, facts: facts)
    }

    /// The header block for these addresses, without the blank line.
    func header() async throws(TransportTrouble) -> ByteString {
        try await HeaderAssembly(
            message: message, transport: transport, items: items, returnPath: returnPath,
            environment: environment, facts: facts
        ).header()
    }

    /// Fails when the message is larger than `message_size_limit`.
    func checkSize() async throws(TransportTrouble) -> TransportTrouble? {
        guard let template = transport.generic.sizeLimit else { return nil }
        let limit: Int
        do {
            limit = try await environment.expander.expandToInteger(template, facts)
        } catch {
            throw TransportTrouble(
                "failed to expand message_size_limit in \(transport.name) transport: \(error.text)",
                errno: -27)
        }
        guard limit > 0, message.size > limit else { return nil }
        let text: ByteString = "message is too big (transport limit = \(limit))"
        return TransportTrouble(text, errno: 0)
    }
}
