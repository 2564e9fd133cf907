package import Bytes
import Configuration
package import Expansion
import MailText

/// Whether mail for an address could be delivered, as far as routing tells.
package enum AddressVerification: Sendable, Hashable {
    /// A router accepts it.
    case accepted(addressData: TaintedBytes?)
    /// No router accepts it; what the client may hear, and what the log says.
    case failed(said: ByteString?, logged: ByteString)
    /// It cannot be told now; what the client may hear, and what the log says.
    case deferred(said: ByteString?, logged: ByteString)
}

/// Who answers `verify = sender` and `verify = recipient`; the composition root gives one that routes.
package protocol AddressVerifier: Sendable {
    /// Routes an address without delivering anything.
    func verify(_ address: ByteString, asSender: Bool, _ facts: Facts) async -> AddressVerification

    /// The address by the rewriting rules, which verification applies first, and what is to be logged of that.
    func rewritten(
        _ address: ByteString, asSender: Bool, _ facts: Facts
    ) async -> (address: ByteString, lines: [ACLState.LogLine])
}

extension AddressVerifier {
    /// Without rules.
    package func rewritten(
        _ address: ByteString, asSender: Bool, _ facts: Facts
    ) async -> (address: ByteString, lines: [ACLState.LogLine]) {
        (address, [])
    }
}

extension StatementRun {
    /// `verify = what/option/option` (manual, "Address verification" and the `verify` condition).
    mutating func verify(
        _ clause: AccessControlList.Clause, _ state: inout ACLState
    ) async throws(ExpansionError) -> ClauseResult {
        let words = try await expand(clause, state).split(separator: UInt8(ascii: "/"))
            .map { ByteString($0.trimmed()) }
        let options = words.dropFirst()
        switch words.first?.split(separator: UInt8(ascii: "=")).first.map({ ByteString($0.trimmed()) }) {
        case "sender": return await sender(options, &state)
        case "recipient":
            guard let recipient = state.recipient else {
                return .deferred("cannot verify recipient in ACL for \(moment.place)")
            }
            return await verifyRecipient(recipient, options, &state)
        case "helo": return await evaluator.verifyHello(&state) ? .holds : .fails
        case "certificate": return state.facts.connection.tlsIn.certificateVerified ? .holds : .fails
        case "reverse_host_lookup": return await reverseLookup(&state)
        case "header_names_ascii": return headerNames(state)
        case "header_syntax": return headerSyntax(&state)
        case "not_blind": return notBlind(&state)
        case let other:
            return .deferred("\"verify = \(other ?? "")\" is not supported yet")
        }
    }

    private func isTooMuch(_ options: ArraySlice<ByteString>) -> ClauseResult? {
        options.first { $0.starts(with: ByteString("callout")) }
            .map { .deferred("\"verify = .../\($0)\" is not supported yet") }
    }

    /// The sender is verified once a message; the first failure tells the client and the log more.
    private mutating func sender(
        _ options: ArraySlice<ByteString>, _ state: inout ACLState
    ) async -> ClauseResult {
        var sender = state.facts.message.sender ?? ""
        if let refusal = isTooMuch(options) { return refusal }
        if sender.isEmpty { return .holds }
        state.senderDetails = nil
        let known = state.senderVerification
        if known == nil {
            sender = await rewritten(sender, asSender: true, &state)
            state.facts.message.sender = sender
        }
        let outcome: AddressVerification
        if let known {
            outcome = known
        } else {
            outcome = await evaluator.verifier.verify(sender, asSender: true, state.facts)
        }
        state.senderVerification = outcome
        switch outcome {
        case .accepted(let data):
            state.facts.message.senderAddressData = data
            return .holds
        case .failed(let said, let logged):
            if known == nil {
                state.senderFailure = failure("fail", sender, logged)
                state.senderDetails = "Verification failed for <\(sender)>\n\(said ?? logged)"
            }
            state.facts.message.senderVerifyFailure = "route"
            conditionMessage = "Sender verify failed"
            conditionLogMessage = "Sender verify failed"
            return .fails
        case .deferred(_, let logged):
            if options.contains("defer_ok") { return .holds }
            if known == nil { state.senderFailure = failure("defer", sender, logged) }
            return .deferred("Could not complete sender verify")
        }
    }

    private func rewritten(
        _ address: ByteString, asSender: Bool, _ state: inout ACLState
    ) async -> ByteString {
        let (new, lines) = await evaluator.verifier.rewritten(address, asSender: asSender, state.facts)
        state.logLines += lines
        return new
    }

    private func failure(_ word: ByteString, _ sender: ByteString, _ why: ByteString) -> ACLState.LogLine {
        .init(
            text: "sender verify \(word) for <\(sender)>: \(why)", targets: [.main, .reject],
            namesPeer: true)
    }

    private mutating func verifyRecipient(
        _ subject: ByteString, _ options: ArraySlice<ByteString>, _ state: inout ACLState
    ) async -> ClauseResult {
        if let refusal = isTooMuch(options) { return refusal }
        let subject = await rewritten(subject, asSender: false, &state)
        switch await evaluator.verifier.verify(subject, asSender: false, state.facts) {
        case .accepted(let data):
            state.facts.address.addressData = data
            return .holds
        case .failed(let said, let logged):
            conditionMessage = said ?? logged
            conditionLogMessage = logged
            state.facts.message.verifyMessage = TaintedBytes(said ?? logged, .tainted)
            return .fails
        case .deferred(let said, let logged):
            if options.contains("defer_ok") { return .holds }
            conditionMessage = said
            return .deferred(logged)
        }
    }

    private func reverseLookup(_ state: inout ACLState) async -> ClauseResult {
        guard state.facts.connection.remoteAddress != nil else { return .holds }
        await evaluator.lookUpHost(&state)
        switch state.facts.connection.hostName.known {
        case .found: return .holds
        case .deferred(let reason): return .deferred(reason)
        default: return .fails
        }
    }

    /// Each address in the usual header lines must be a whole one.
    private mutating func headerSyntax(_ state: inout ACLState) -> ClauseResult {
        for header in state.facts.message.headers where "FTCBRS".utf8.contains(header.type) {
            let name = header.text.prefix { $0 != UInt8(ascii: ":") }
            for item in AddressParser.parseList(ByteString(header.text.dropFirst(name.count + 1).trimmed())) {
                guard let fault = fault(of: item) else { continue }
                let why: ByteString =
                    "\(fault.why): failing address in \"\(ByteString(name)):\" header is: \(fault.address)"
                conditionLogMessage = why
                if evaluator.tellsDetails { conditionMessage = "Rejected after DATA: \(why)" }
                state.facts.message.verifyMessage = conditionLogMessage.map { TaintedBytes($0, .tainted) }
                return .fails
            }
        }
        return .holds
    }

    private func fault(of item: AddressItem) -> (why: ByteString, address: ByteString)? {
        switch item.outcome {
        case .success(let parsed) where parsed.address.isQualified || parsed.address.isNull: nil
        case .success(let parsed): ("unqualified address not permitted", parsed.address.text)
        case .failure(let error): (error.message, ByteString(error.subject.trimmed()))
        }
    }

    private mutating func headerNames(_ state: ACLState) -> ClauseResult {
        for header in state.facts.message.headers where header.type != UInt8(ascii: "*") {
            let name = header.text.prefix { $0 != UInt8(ascii: ":") }
            guard name.allSatisfy({ $0 >= 33 && $0 <= 126 }) else {
                conditionLogMessage = "Invalid character in header \"\(name)\" found"
                return .fails
            }
        }
        return .holds
    }

    /// Each envelope recipient must stand in a To: or Cc: line.
    private mutating func notBlind(_ state: inout ACLState) -> ClauseResult {
        let shown = state.facts.message.headers
            .filter { $0.type == UInt8(ascii: "T") || $0.type == UInt8(ascii: "C") }
            .map { $0.text.lowercasedASCII() }
        for recipient in state.facts.message.recipients {
            let wanted = recipient.lowercasedASCII()
            guard shown.contains(where: { $0.contains(wanted) }) else {
                conditionLogMessage = "bcc recipient detected"
                state.facts.message.verifyMessage = "bcc recipient detected"
                return .fails
            }
        }
        return .holds
    }
}
