import ACL
import Bytes
import EximLog
import Expansion
import MailSystem
import MailText
import Routing
import Spooler

/// Rewriting when the header has come (manual, section 31.2): ACLs before that have seen the addresses as they came.
extension Reception {
    /// Rewrites the envelope; each change is noted in a line of the header that is never sent.
    mutating func rewriteEnvelope(_ id: MessageID) async {
        for index in envelope.recipients.indices {
            let old = envelope.recipients[index].address
            guard let new = await rewritten(old, as: .envelopeTo, id, &rewroteRecipients) else { continue }
            envelope.recipients[index].given = envelope.recipients[index].given ?? old
            envelope.recipients[index].address = new
        }
        guard let sender = envelope.sender, !sender.isEmpty,
            let new = await rewritten(sender, as: .envelopeFrom, id, &rewroteSender)
        else { return }
        rewrittenSender = new
    }

    private func rewritten(
        _ address: ByteString, as field: RewriteField, _ id: MessageID, _ notes: inout [Header]
    ) async -> ByteString? {
        guard !system.rewriter.isEmpty else { return nil }
        let (new, events) = await system.rewriter.rewriteEnvelope(
            EmailAddress(address), as: field, state.facts)
        log.rewriting(events, id.bytes)
        let name: ByteString = field == .envelopeTo ? "X-rewrote-original-recipient" : "X-rewrote-sender"
        for case .rewritten(let old, _, _, _) in events {
            notes.append(Header("\(name): \(old)\n", kind: .old))
        }
        return new.text == address ? nil : new.text
    }

    /// Rewrites header lines, and completes addresses without a domain where the client may send them: a changed line
    /// stays as an old one, with the new one behind it.
    func rewritten(_ headers: [Header], _ id: MessageID) async -> [Header] {
        var result: [Header] = []
        for header in headers {
            let domain = qualifyingDomain(for: header.kind)
            guard domain != nil || !system.rewriter.isEmpty else {
                result.append(header)
                continue
            }
            let (new, events) = await system.rewriter.rewrite(header, qualifyingWith: domain, state.facts)
            log.rewriting(events, id.bytes)
            result.append(new == nil ? header : Header(header.text, kind: .old))
            if let new { result.append(new) }
        }
        return result
    }

    private func qualifyingDomain(for kind: HeaderKind) -> ByteString? {
        if arrival.leavesUnqualified { return nil }
        let isLocal = arrival.submitter != nil || arrival.acceptsUnqualified
        switch kind {
        case .from, .sender, .replyTo:
            return isLocal || envelope.allowsUnqualifiedSender ? system.settings.qualifyDomain : nil
        case .to, .cc, .bcc:
            return isLocal || envelope.allowsUnqualifiedRecipient ? system.settings.qualifyRecipient : nil
        default: return nil
        }
    }
}

extension SessionLog {
    /// What rewriting has to tell.
    func rewriting(_ events: [RewriteEvent], _ id: ByteString?) {
        for event in events {
            switch event {
            case .rewritten:
                if system.settings.logSelector.has(.addressRewrite) { main(event.text, id: id) }
            case .problem: panic(event.text, id: id)
            case .noAddress: main(event.text, id: id)
            }
        }
    }
}
