package import Bytes
import Configuration
package import Expansion

/// Whether mail for an address could be delivered, as far as routing tells.
package enum AddressVerification: Sendable, Hashable {
    /// A router accepts it.
    case accepted(addressData: TaintedBytes?)
    /// No router accepts it; what the client may hear, and what the log says.
    case failed(said: ByteString?, logged: ByteString)
    /// It cannot be told now.
    case deferred(logged: ByteString)
}

/// Who answers `verify = sender` and `verify = recipient`; the composition root gives one that routes.
package protocol AddressVerifier: Sendable {
    /// Routes an address without delivering anything.
    func verify(_ address: ByteString, asSender: Bool, _ facts: Facts) async -> AddressVerification
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
        case "sender": return await address(state.facts.message.sender ?? "", asSender: true, options, &state)
        case "recipient":
            guard let recipient = state.recipient else {
                return .deferred("cannot verify recipient in ACL for \(moment.place)")
            }
            return await address(recipient, asSender: false, options, &state)
        case "helo": return state.facts.connection.heloVerified ? .holds : .fails
        case "certificate": return state.facts.connection.tlsIn.certificateVerified ? .holds : .fails
        case "reverse_host_lookup": return await reverseLookup(&state)
        case "header_names_ascii": return headerNames(state)
        case "not_blind": return notBlind(state)
        case let other:
            return .deferred("\"verify = \(other ?? "")\" is not supported yet")
        }
    }

    private mutating func address(
        _ subject: ByteString, asSender: Bool, _ options: ArraySlice<ByteString>, _ state: inout ACLState
    ) async -> ClauseResult {
        if let callout = options.first(where: { $0.starts(with: ByteString("callout")) }) {
            return .deferred("\"verify = .../\(callout)\" is not supported yet")
        }
        if asSender, subject.isEmpty { return .holds }
        switch await evaluator.verifier.verify(subject, asSender: asSender, state.facts) {
        case .accepted(let data):
            if asSender {
                state.facts.message.senderAddressData = data
            } else {
                state.facts.address.addressData = data
            }
            return .holds
        case .failed(let said, let logged):
            conditionMessage = said ?? (asSender ? "Sender verify failed" : nil)
            conditionLogMessage = logged
            return .fails
        case .deferred(let logged):
            if options.contains("defer_ok") { return .holds }
            return .deferred(logged)
        }
    }

    private func reverseLookup(_ state: inout ACLState) async -> ClauseResult {
        guard let address = state.facts.connection.remoteAddress else { return .holds }
        let known = state.facts.connection.hostName
        if known.known == nil { known.settle(await evaluator.expander.environment.namesOfAddress(address)) }
        switch known.known {
        case .found: return .holds
        case .deferred(let reason): return .deferred(reason)
        default: return .fails
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
    private mutating func notBlind(_ state: ACLState) -> ClauseResult {
        let shown = state.facts.message.headers
            .filter { $0.type == UInt8(ascii: "T") || $0.type == UInt8(ascii: "C") }
            .map { $0.text.lowercasedASCII() }
        for recipient in state.facts.message.recipients {
            let wanted = recipient.lowercasedASCII()
            guard shown.contains(where: { $0.contains(wanted) }) else {
                conditionLogMessage = "bcc recipient detected"
                return .fails
            }
        }
        return .holds
    }
}
