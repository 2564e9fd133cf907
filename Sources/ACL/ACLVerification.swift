import Bytes
import Configuration
import Expansion
import MailText

/// The argument of `verify` (manual, sections 44.26 and 44.45): `kind[=address]/option/option`.
struct VerifyRequest: Sendable, Hashable {
    var kind: ByteString
    /// What follows `sender=`.
    var address: ByteString?
    /// What follows `csa/`.
    var domain: ByteString?
    var order = VerificationOrder(asSender: false)
    /// Whether trouble counts as success (`defer_ok`).
    var acceptsDeferral = false
    /// Whether the client hears nothing of why a sender failed (`no_details`).
    var hidesDetails = false
    /// Whether `not_blind` compares without regard to case.
    var ignoresCase = false

    private static let withOptions: Set<ByteString> = [
        "sender", "recipient", "header_sender", "not_blind", "csa",
    ]
    private static let kinds = withOptions.union([
        "helo", "header_syntax", "header_names_ascii", "reverse_host_lookup", "certificate",
    ])

    /// Reads the argument; the error is Exim's text.
    init(_ argument: ByteString) throws(ArgumentTrouble) {
        var words = argument.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            .map { ByteString($0.trimmed()) }[...]
        let first = words.popFirst() ?? ""
        kind = first.lowercasedASCII()
        if let parts = first.cut(at: UInt8(ascii: "=")),
            parts.before.trimmed().equalsIgnoringCase(ByteString("sender"))
        {
            kind = "sender"
            address = ByteString(parts.after.trimmed())
        }
        guard Self.kinds.contains(kind) else {
            throw ArgumentTrouble(
                "expected \"sender[=address]\", \"recipient\", \"helo\", \"header_syntax\", \"header_sender\", \"header_names_ascii\" or \"reverse_host_lookup\" at start of ACL condition \"verify \(argument)\""
            )
        }
        guard words.isEmpty || Self.withOptions.contains(kind) else {
            throw ArgumentTrouble(
                "unexpected '/' found in \"\(argument)\" (this verify item has no options)")
        }
        order.asSender = kind == "sender" || kind == "header_sender"
        for word in words { try take(word, argument) }
    }

    private mutating func take(_ word: ByteString, _ argument: ByteString) throws(ArgumentTrouble) {
        if kind == "csa" {
            domain = word
            return
        }
        switch word {
        case "defer_ok": acceptsDeferral = true
        case "no_details": hidesDetails = true
        case "success_on_redirect": order.acceptsRedirection = true
        case "case_insensitive" where kind == "not_blind": ignoresCase = true
        // The old spellings of callout options.
        case "callout_defer_ok":
            order.callout = order.callout ?? CalloutOrder()
            order.callout?.acceptsDeferral = true
        case "check_postmaster":
            order.callout = order.callout ?? CalloutOrder()
            order.callout?.postmasterSender = ""
        default:
            guard word.starts(with: ByteString("callout")), isName(word, "callout") else {
                try takeQuota(word, argument)
                return
            }
            order.callout = try CalloutOrder(
                word, in: argument, isSender: kind == "sender", isHeader: kind == "header_sender")
        }
    }

    private mutating func takeQuota(_ word: ByteString, _ argument: ByteString) throws(ArgumentTrouble) {
        guard kind == "recipient", isName(word, "quota") else {
            throw ArgumentTrouble("unknown option \"\(word)\" in ACL condition \"verify \(argument)\"")
        }
        order.quota = try QuotaCaching(word, in: argument)
    }

    private func isName(_ word: ByteString, _ name: ByteString) -> Bool {
        (word.cut(at: UInt8(ascii: "="))?.before.trimmed() ?? word[...]).elementsEqual(name)
    }
}

extension StatementRun {
    /// `verify = what/option/option`.
    mutating func verify(_ argument: ByteString, _ state: inout ACLState) async -> ClauseResult {
        let request: VerifyRequest
        do throws(ArgumentTrouble) {
            request = try VerifyRequest(argument)
        } catch {
            return .broken(error.text)
        }
        guard ACLFitness.fits(verify: request.kind, at: moment) else {
            return .broken("cannot verify \(request.kind) in ACL for \(moment.name)")
        }
        switch request.kind {
        case "sender": return await verifySender(request, &state)
        case "recipient": return await verifyRecipient(request, &state)
        case "helo": return await evaluator.verifyHello(&state) ? .holds : .fails
        case "certificate": return state.facts.connection.tlsIn.certificateVerified ? .holds : .fails
        case "csa": return await authorizeClient(request.domain, &state)
        case "reverse_host_lookup": return await reverseLookup(&state)
        case "header_names_ascii": return headerNames(state)
        case "header_sender": return await headerSender(request, &state)
        case "header_syntax": return await headerSyntax(&state)
        default: return notBlind(request, state)
        }
    }

    // MARK: Senders

    /// A sender is verified once a message; the first failure tells the client and the log more.
    private mutating func verifySender(
        _ request: VerifyRequest, _ state: inout ACLState
    ) async -> ClauseResult {
        var sender = request.address ?? state.facts.message.sender ?? ""
        if sender.isEmpty { return .holds }
        state.senderDetails = nil
        // What hosts say is asked anew each time: the hints remember it.
        let known = request.order.callout == nil ? state.senderVerifications[sender] : nil
        let outcome: AddressVerification
        if let known {
            note("using cached sender verify result")
            outcome = known
        } else {
            let given = sender
            sender = await rewritten(sender, asSender: true, &state)
            if request.address == nil { state.facts.message.sender = sender }
            outcome = await evaluator.verifier.verify(sender, request.order, state.facts)
            if request.order.callout == nil {
                state.senderVerifications[given] = outcome
                state.senderVerifications[sender] = outcome
            }
        }
        return senderResult(outcome, sender, isNew: known == nil, request, &state)
    }

    private mutating func senderResult(
        _ outcome: AddressVerification, _ sender: ByteString, isNew: Bool, _ request: VerifyRequest,
        _ state: inout ACLState
    ) -> ClauseResult {
        switch outcome {
        case .accepted(let acceptance):
            state.facts.message.senderAddressData = acceptance.addressData
            if acceptance.byRandom { state.facts.message.senderVerifyFailure = "random" }
            return .holds
        case .failed(let failure):
            if isNew, !request.hidesDetails {
                state.senderFailure = line("fail", sender, failure.logged)
                state.senderDetails = "\(failure.headline) <\(sender)>\n\(failure.words)"
            }
            state.facts.message.senderVerifyFailure = failure.stage?.rawValue
            fail("Sender verify failed", "Sender verify failed", &state)
            return .fails
        case .deferred(let deferral):
            if request.acceptsDeferral { return .holds }
            if isNew { state.senderFailure = line("defer", sender, deferral.logged) }
            let text: ByteString = "Could not complete sender verify\(deferral.isCallout ? " callout" : "")"
            let tellsDetails = evaluator.settings.tellsDetails
            if deferral.isCallout {
                conditionMessage = deferral.said
                if tellsDetails { state.senderDetails = deferral.logged }
            } else if tellsDetails {
                state.senderDetails = deferral.said ?? deferral.logged
                conditionMessage = text
            }
            return .deferred(text)
        }
    }

    private func line(_ word: ByteString, _ sender: ByteString, _ why: ByteString?) -> ACLState.LogLine {
        let reason: ByteString = why.map { ": \($0)" } ?? ""
        return .init(
            text: "sender verify \(word) for <\(sender)>\(reason)", targets: [.main, .reject],
            namesPeer: true)
    }

    /// Keeps what a condition has to say, also as `$acl_verify_message`.
    mutating func fail(_ said: ByteString?, _ logged: ByteString, _ state: inout ACLState) {
        conditionMessage = said
        conditionLogMessage = logged
        state.facts.message.verifyMessage = said.map { TaintedBytes($0, .tainted) }
    }

    private func rewritten(
        _ address: ByteString, asSender: Bool, _ state: inout ACLState
    ) async -> ByteString {
        let (new, lines) = await evaluator.verifier.rewritten(address, asSender: asSender, state.facts)
        for line in lines { evaluator.log(line, &state) }
        return new
    }

    // MARK: Recipients

    private mutating func verifyRecipient(
        _ request: VerifyRequest, _ state: inout ACLState
    ) async -> ClauseResult {
        guard let recipient = state.recipient else {
            return .broken("cannot verify recipient in ACL for \(moment.name)")
        }
        state.facts.message.recipientVerifyFailure = nil
        let subject = await rewritten(recipient, asSender: false, &state)
        let verifier = keepsCallout(request.order, state) ? state.keepingVerifier : nil
        switch await (verifier ?? evaluator.verifier).verify(subject, request.order, state.facts) {
        case .accepted(let acceptance):
            state.facts.address.addressData = acceptance.addressData
            if acceptance.byRandom { state.facts.message.recipientVerifyFailure = "random" }
            return .holds
        case .failed(let failure):
            state.facts.message.recipientVerifyFailure = failure.stage?.rawValue
            fail(failure.words, failure.logged ?? failure.words, &state)
            // Where quotas are asked for, reasons go to the log and to the ACL; the client hears what the ACL says.
            if request.order.quota != nil { conditionMessage = nil }
            return .fails
        case .deferred(let deferral):
            if request.acceptsDeferral { return .holds }
            conditionMessage = deferral.said
            return .deferred(deferral.logged)
        }
    }

    /// Whether the connection of a callout is kept (`hold`, and `control = cutthrough_delivery` before it).
    private func keepsCallout(_ order: VerificationOrder, _ state: ACLState) -> Bool {
        guard let callout = order.callout, callout.isKeepable else { return false }
        return callout.holds || state.has("cutthrough_delivery")
    }

    // MARK: Hosts

    private mutating func reverseLookup(_ state: inout ACLState) async -> ClauseResult {
        guard state.facts.connection.remoteAddress != nil else { return .holds }
        await evaluator.lookUpHost(&state)
        switch state.facts.connection.hostName.known {
        case .found: return .holds
        case .deferred(let reason):
            return .deferred("host lookup deferred for reverse lookup check (\(reason))")
        default:
            conditionLogMessage =
                "host lookup failed for reverse lookup check (failed to find host name from IP address)"
            return .fails
        }
    }
}
