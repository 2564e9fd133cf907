import ACL
import Bytes
import Configuration
import EximLog
import Expansion
import MailSystem
import MailText
import Routing
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
        header.tlsVersion = connection.tlsIn.version
        header.tlsCipher = connection.tlsIn.standardCipher
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
        guard arrival.submitter != nil || isSubmission else {
            return removing(headers + rewroteRecipients + rewroteSender)
        }
        var options = arrival.fixups
        let control = SubmissionControl(state)
        if control?.retainsSender ?? false { options.retainsSender = true }
        if arrival.submitter == nil, state.facts.connection.authenticatedID == nil {
            options.checksFrom = false
        }
        options.keepsEnvelope = arrival.submitter != nil
        options.suppressed = state.has("suppress_local_fixups")
        (options.recipientNotes, options.senderNotes) = (rewroteRecipients, rewroteSender)
        await addIdentity(&options)
        let submitter =
            arrival.submitter
            ?? Submitter(
                login: state.facts.connection.authenticatedID ?? "", fullName: control?.name ?? "",
                qualifyDomain: control?.domain ?? system.settings.qualifyDomain,
                isTrusted: false,
                namesEveryone: !(control?.name ?? "").isEmpty)
        var message = Submitter.Message(
            id: id.bytes, hostname: system.settings.primaryHostName,
            sender: EmailAddress(envelope.sender ?? ""),
            date: CivilTime(seconds: Int(SpoolTime.now().seconds), offset: zoneOffset()).headerDate)
        message.isReport = arrival.isLocalError && arrival.submitter != nil
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
