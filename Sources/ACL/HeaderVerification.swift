import Bytes
import Expansion
import MailText

/// Kinds of `verify` that look at the header.
extension StatementRun {
    /// `header_syntax`: each address in the usual header lines must be a whole one.
    mutating func headerSyntax(_ state: inout ACLState) async -> ClauseResult {
        let settings = evaluator.settings
        let bareSenders = await isListed(settings.senderUnqualifiedHosts, &state)
        let bareRecipients = await isListed(settings.recipientUnqualifiedHosts, &state)
        for header in state.facts.message.headers where "FTCBRS".utf8.contains(header.type) {
            let line = HeaderAddresses(header)
            let isSender = "FRS".utf8.contains(header.type)
            let allowsBare =
                state.facts.connection.remoteAddress == nil || (isSender ? bareSenders : bareRecipients)
            for item in line.items {
                guard let fault = HeaderAddresses.fault(of: item, allowsBare: allowsBare) else { continue }
                let why: ByteString =
                    "\(fault.why): failing address in \"\(line.name):\" header is: \(fault.address)"
                fail(told(why), why, &state)
                return .fails
            }
        }
        return .holds
    }

    /// What the client hears of a fault of the header: nothing, unless `smtp_return_error_details` is set.
    private func told(_ why: ByteString) -> ByteString? {
        evaluator.settings.tellsDetails ? "Rejected after DATA: \(why)" : nil
    }

    private func isListed(_ list: ListText?, _ state: inout ACLState) async -> Bool {
        guard let list else { return false }
        let connection = state.facts.connection
        let host = HostIdentity(name: connection.hostName.name, address: connection.remoteAddress)
        return await evaluator.expander.matchHost(host, in: list, &state.facts).isMatch
    }

    /// `header_names_ascii`: names of header lines are printing characters.
    mutating func headerNames(_ state: ACLState) -> ClauseResult {
        for header in state.facts.message.headers where header.type != UInt8(ascii: "*") {
            let name = header.text.prefix { $0 != UInt8(ascii: ":") }
            guard name.allSatisfy({ $0 >= 33 && $0 <= 126 }) else {
                conditionLogMessage = "Invalid character in header \"\(name)\" found"
                return .fails
            }
        }
        return .holds
    }

    /// `not_blind`: each envelope recipient must stand in a To: or Cc: line.
    mutating func notBlind(_ request: VerifyRequest, _ state: ACLState) -> ClauseResult {
        func key(_ address: ByteString) -> ByteString {
            request.ignoresCase ? address.lowercasedASCII() : address
        }
        var shown: Set<ByteString> = []
        for header in state.facts.message.headers where "TC".utf8.contains(header.type) {
            for case .success(let parsed) in HeaderAddresses(header).items.map(\.outcome) {
                shown.insert(key(parsed.address.text))
            }
        }
        guard state.facts.message.recipients.allSatisfy({ shown.contains(key($0)) }) else {
            conditionLogMessage = "bcc recipient detected"
            return .fails
        }
        return .holds
    }

    /// `header_sender`: one address of Sender:, Reply-To: or From: must be good.
    mutating func headerSender(_ request: VerifyRequest, _ state: inout ACLState) async -> ClauseResult {
        var wasDeferred = false
        for type in "SRF".utf8 {
            for header in state.facts.message.headers where header.type == type {
                let line = HeaderAddresses(header)
                for item in line.items {
                    guard case .success(let parsed) = item.outcome else {
                        let fault = HeaderAddresses.fault(of: item, allowsBare: true)
                        let why: ByteString =
                            "syntax error in '\(line.name):' header when scanning for sender: \(fault?.why ?? "") in \"\(fault?.address ?? "")\""
                        fail(told(why), why, &state)
                        return .fails
                    }
                    switch await evaluator.verifier.verify(parsed.address.text, request.order, state.facts) {
                    case .accepted: return .holds
                    case .deferred: wasDeferred = true
                    case .failed: break
                    }
                }
            }
        }
        if wasDeferred {
            if request.acceptsDeferral { return .holds }
            return .deferred("all attempts to verify a sender in a header line deferred")
        }
        let why: ByteString = "there is no valid sender in any header line"
        fail(told(why), why, &state)
        return .fails
    }
}

/// The addresses of a header line.
struct HeaderAddresses {
    let name: ByteString
    let items: [AddressItem]

    init(_ header: HeaderText, _ rules: AddressRules = AddressRules()) {
        name = ByteString(header.text.prefix { $0 != UInt8(ascii: ":") })
        items = AddressParser.parseList(
            ByteString(header.text.dropFirst(name.count + 1).trimmedStart()), rules: rules)
    }

    /// What is wrong with an address; nil for nothing.
    static func fault(of item: AddressItem, allowsBare: Bool) -> (why: ByteString, address: ByteString)? {
        switch item.outcome {
        case .success(let parsed) where allowsBare || parsed.address.isQualified || parsed.address.isNull:
            nil
        case .success(let parsed): ("unqualified address not permitted", parsed.address.text)
        case .failure(let error):
            (
                error.message.replacing(ByteString("\n"), with: ByteString("\\n")),
                ByteString(error.subject.trimmed())
            )
        }
    }
}
