import ACL
import Bytes
import Configuration
import EximLog
import Expansion
import MailSystem
import MailText
import PolicyChecks
import Spooler

/// What ACLs see of a message's content (manual, chapter 45): the copy for scanners, and the ACL of MIME parts.
extension Reception {
    /// The ACL that MIME parts have.
    var partMoment: ACLMoment { arrival.moment == .data ? .mime : .notSMTPMIME }

    /// Whether there is an ACL for MIME parts.
    var looksIntoParts: Bool { system.configuration.main.template(partMoment.option) != nil }

    /// Whether an ACL looks at the message's file.
    var looksIntoMessage: Bool {
        looksIntoParts || system.configuration.main.template(arrival.moment.option) != nil
    }

    /// How the log tells which ACL refused.
    static func occasion(_ moment: ACLMoment) -> Rejection.Subject {
        switch moment {
        case .mime, .notSMTPMIME: .message("during MIME ACL checks")
        case .data: .afterData
        case .dkim: .command("DKIM ")
        default: .message("by non-SMTP ACL")
        }
    }

    /// Tells where the message is, of which a copy is made when a condition wants one.
    mutating func prepareScan(_ message: borrowing ReceivedMessage) {
        guard looksIntoMessage else { return }
        let (spool, id) = (message.pending.spool, message.pending.id)
        state.scanning.copy = ScanCopy(
            ScanCopy.Source(
                folder: "\(system.spool.directory)/scan", id: id.bytes,
                data: spool.path(.data, of: id, in: message.pending.place), bodyStart: id.dataStartOffset,
                isWireFormat: arrival.isWireFormat,
                owner: spool.owner.map { ScanOwner(uid: $0.uid, gid: $0.gid) }))
    }

    /// Removes the copy, unless an ACL wants it to stay.
    mutating func endScan() async {
        let copy = state.scanning.copy
        state.scanning.copy = nil
        await copy?.finish(keeping: state.has("no_mbox_unspool"))
    }

    /// Checks DKIM signatures, and runs their ACL; what it says of header lines is done before the next ACL looks at them.
    mutating func checkSignatures(
        _ evidence: DKIMEvidence?, _ fixed: inout CompleteHeader
    ) async -> ACLVerdict {
        guard arrival.checksSignatures, !(envelope.recipients.isEmpty && envelope.discardedBy != nil) else {
            return ACLVerdict(.accept)
        }
        let verdict = await context.acls.runDKIM(evidence, &state)
        log.flush(&state)
        if verdict.decision == .accept, !state.addedHeaders.isEmpty || !state.removedHeaders.isEmpty {
            addHeaders(&fixed)
        }
        return verdict
    }

    /// Runs the ACL of MIME parts, for a message that says what its content is.
    mutating func runPartACL(_ headers: [Header]) async -> ACLVerdict {
        guard !(envelope.recipients.isEmpty && envelope.discardedBy != nil),
            let option = system.configuration.main.template(partMoment.option),
            headers.contains(where: { $0.isNamed("content-type") && $0.kind != .old })
        else { return ACLVerdict(.accept) }
        let verdict = await context.acls.runMIME(option, at: partMoment, &state)
        log.flush(&state)
        return verdict
    }

    /// Does what the ACL of MIME parts said of header lines, before the next ACL looks at them.
    mutating func addHeaders(_ fixed: inout CompleteHeader) {
        edit(&fixed)
        state.facts.message.headers = Self.texts(fixed.headers)
    }

    /// The header as expansions see it.
    static func texts(_ headers: [Header]) -> [HeaderText] {
        headers.map { HeaderText(type: $0.kind.rawValue, text: $0.text) }
    }
}
