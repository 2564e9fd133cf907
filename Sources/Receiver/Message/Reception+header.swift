import ACL
import Bytes
import Configuration
import EximLog
import Expansion
import MailSystem
import MailText
import Routing
import SMTP
import Spooler

/// What reception does to header lines.
extension Reception {
    /// The Received: line, from `received_header_text` or as Exim words it.
    mutating func receivedLine(_ id: MessageID) async -> ByteString {
        let date = CivilTime(seconds: Int(SpoolTime.now().seconds), offset: zoneOffset()).headerDate
        let recipient = envelope.recipients.count == 1 ? envelope.recipients[0].address : nil
        state.facts.message.id = id.bytes
        state.facts.message.receivedFor = recipient
        if let template = settings.receivedHeaderText {
            do {
                let text = try await system.expander.expand(template, state.facts).bytes
                return ReceivedHeader.line(text: text, date: date)
            } catch {
                log.panic("failed to expand received_header_text: \(error.text)")
            }
        }
        let connection = state.facts.connection
        var header = ReceivedHeader(
            hostname: system.settings.primaryHostName, product: system.settings.product, id: id.bytes,
            sender: envelope.sender ?? "")
        header.peer = SessionLog.peerName(state.facts)
            .receivedHost(showingPort: system.settings.logSelector.has(.incomingPort))
        header.ident = connection.ident
        header.helo = connection.helo
        header.protocol = connection.receivedProtocol
        header.recipient = recipient
        return header.line(date: date)
    }

    private func zoneOffset() -> Int {
        system.settings.logTimestamp.usesUTC
            ? 0 : system.expander.environment.zoneOffset(SpoolTime.now().seconds)
    }

    /// What is added to and taken out of the header as it came: much for a submission, little for a relay.
    func fixUp(_ headers: [Header], _ id: MessageID) async -> CompleteHeader {
        let isSubmission = state.has("submission")
        guard arrival.submitter != nil || isSubmission else { return removing(headers) }
        var options = arrival.fixups
        let control = SubmissionControl(state)
        if control?.retainsSender ?? false { options.retainsSender = true }
        if arrival.submitter == nil, state.facts.connection.authenticatedID == nil {
            options.checksFrom = false
        }
        options.keepsEnvelope = arrival.submitter != nil
        options.suppressed = state.has("suppress_local_fixups")
        await addIdentity(&options)
        let submitter =
            arrival.submitter
            ?? Submitter(
                login: state.facts.connection.authenticatedID ?? "", fullName: control?.name ?? "",
                qualifyDomain: control?.domain ?? system.settings.qualifyDomain,
                isTrusted: false,
                namesEveryone: !(control?.name ?? "").isEmpty)
        let message = Submitter.Message(
            id: id.bytes, hostname: system.settings.primaryHostName,
            sender: EmailAddress(envelope.sender ?? ""),
            date: CivilTime(seconds: Int(SpoolTime.now().seconds), offset: zoneOffset()).headerDate)
        return CompleteHeader(submitter.fix(headers, of: message, options: options))
    }

    /// `message_id_header_domain` and `message_id_header_text`; what is no part of an identity becomes a hyphen.
    private func addIdentity(_ options: inout FixupOptions) async {
        for (template, isDomain) in [(settings.messageIDDomain, true), (settings.messageIDText, false)] {
            guard let template else { continue }
            do {
                let text = try await system.expander.expand(template, state.facts).bytes.map { octet in
                    Self.isIdentity(octet, inDomain: isDomain) ? octet : UInt8(ascii: "-")
                }
                guard !text.isEmpty else { continue }
                if isDomain {
                    options.messageIDDomain = ByteString(text)
                } else {
                    options.messageIDText = ByteString(text)
                }
            } catch {
                log.panic("expansion of \"\(template.source)\" failed: \(error.text)")
            }
        }
    }

    /// A domain has letters, digits, dots and hyphens; what stands before it what RFC 5322 lets stand in an atom.
    private static func isIdentity(_ octet: UInt8, inDomain isDomain: Bool) -> Bool {
        let plain = octet.isASCIIAlphanumeric || octet == UInt8(ascii: ".") || octet == UInt8(ascii: "-")
        return plain || (!isDomain && "!#$%&'*+/=?^_`{|}~".utf8.contains(octet))
    }

    /// Applies the rewriting rules: a rewritten line stays as an old one, with the new one behind it.
    func rewritten(_ headers: [Header]) async throws(ExpansionError) -> [Header] {
        guard !system.rewriter.isEmpty else { return headers }
        var result: [Header] = []
        for header in headers {
            guard let new = try await system.rewriter.rewrite(header, state.facts) else {
                result.append(header)
                continue
            }
            result.append(Header(header.text, kind: .old))
            result.append(new)
        }
        return result
    }

    /// Whether addresses without a domain may stand in the header: they get one.
    var allowsUnqualified: Bool {
        if arrival.leavesUnqualified { return false }
        return arrival.submitter != nil || arrival.acceptsUnqualified || envelope.allowsUnqualifiedSender
            || envelope.allowsUnqualifiedRecipient
    }

    /// Completes addresses without a domain: a changed line stays as an old one, with the new one behind it.
    func qualified(_ headers: [Header]) -> [Header] {
        let isLocal = arrival.submitter != nil || arrival.acceptsUnqualified
        return headers.flatMap { header -> [Header] in
            let domain: ByteString
            switch header.kind {
            case .from, .sender, .replyTo:
                guard isLocal || envelope.allowsUnqualifiedSender else { return [header] }
                domain = system.settings.qualifyDomain
            case .to, .cc, .bcc:
                guard isLocal || envelope.allowsUnqualifiedRecipient else { return [header] }
                domain = system.settings.qualifyRecipient
            default: return [header]
            }
            let text = Self.qualified(header.text, with: domain)
            if text == header.text { return [header] }
            return [Header(header.text, kind: .old), Header(text, kind: header.kind)]
        }
    }

    private static func qualified(_ text: ByteString, with domain: ByteString) -> ByteString {
        guard let colon = text.firstIndex(of: UInt8(ascii: ":")) else { return text }
        var value = ByteString(text[(colon + 1)...])
        for item in AddressParser.parseList(value).reversed() {
            guard case .success(let parsed) = item.outcome, !parsed.address.isQualified,
                !parsed.address.isNull
            else { continue }
            value.replaceSubrange(
                parsed.place.upperBound..<parsed.place.upperBound, with: "@\(domain)" as ByteString)
        }
        return ByteString(text[...colon]) + value
    }

    private func removing(_ headers: [Header]) -> CompleteHeader {
        var result = CompleteHeader(headers: headers)
        for index in headers.indices
        where settings.fixups.removedLines.contains(where: headers[index].isNamed) {
            result.headers[index].kind = .old
        }
        if let line = headers.first(where: { $0.kind == .messageID }) {
            result.messageID = (Self.withoutBrackets(line.value), false)
        }
        return result
    }

    private static func withoutBrackets(_ value: ByteString) -> ByteString {
        // A value of another form is no identity that a log could show.
        guard value.first == UInt8(ascii: "<"), let end = value.firstIndex(of: UInt8(ascii: ">")) else {
            return ""
        }
        return ByteString(value[1..<end])
    }
}
