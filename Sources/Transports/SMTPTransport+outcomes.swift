import Bytes
import Expansion
import Hints
import MailText
import Routing
import SMTP

// What a transaction came to, for each address, for the log and for the hints.
extension SMTPTransport {
    /// Takes what a transaction came to; gives the addresses that are to be sent again.
    mutating func take(
        _ ending: TransactionEnding, of indices: [Int], _ used: UsedHost, _ retryKey: RetryKey, isLast: Bool,
        _ peerKnowsDSN: Bool
    ) async -> [Int] {
        var delivered: [Int] = []
        var again: [Int] = []
        var said: Set<ByteString> = []
        for (index, outcome) in zip(indices, ending.outcomes) {
            switch outcome {
            case .delivered(let confirmation):
                var result = TransportOutcome(.delivered(confirmation: confirmation))
                result.host = used
                result.isFirst = delivered.isEmpty
                result.peerKnowsDSN = peerKnowsDSN
                // What an earlier host said about the recipient stays told.
                result.retries =
                    (outcomes[index]?.retries ?? []) + addressKeys(index).map { RetryItem($0, .delete) }
                outcomes[index] = result
                delivered.append(index)
            case .pending: again.append(index)
            case .troubled(let trouble): take(trouble, index, used, retryKey, isLast: isLast)
            }
        }
        if !delivered.isEmpty { await served(delivered) }
        // What was said to recipients comes first, as it did; of the host is told when the connection has ended.
        let troubles = ending.troubles(of: indices)
        for (index, trouble) in troubles where trouble.scope == .recipient {
            await tellOfRecipient(trouble, index, used, isLast: isLast)
            note(trouble, used, isLast: isLast, &said)
        }
        for (_, trouble) in troubles where trouble.scope == .message {
            note(trouble, used, isLast: isLast, &said)
        }
        if !troubles.contains(where: { $0.trouble.scope == .host }) {
            hostRetries.append(RetryItem(retryKey, .delete, isHost: true))
            environment.hosts.forgetFailure(retryKey)
        }
        return again
    }

    mutating func take(
        _ trouble: ClientTrouble, _ index: Int, _ used: UsedHost, _ retryKey: RetryKey, isLast: Bool
    ) {
        let said = shown(trouble)
        let isFinal = trouble.isPermanent && (trouble.scope != .host || isLast)
        var result = TransportOutcome(isFinal ? .failed(said) : .deferred(said))
        if !trouble.text.isEmpty { result.host = used }
        let error = retryError(trouble, used)
        switch trouble.scope {
        case .recipient where trouble.isPermanent: break
        case .recipient:
            let isLMTP = settings.protocolName == "lmtp" && trouble.errno == 0
            if !isLMTP { waits = false }
            let key = recipientKey(index, withSender: trouble.code != nil && !isLMTP)
            // A silence is held against the recipient that it met, though it keeps all from being served.
            let address = scene.items[index].recipient(
                includingAffixes: scene.transport.generic.includesAffixes)
            if trouble.code != nil || trouble.text.ends(with: ByteString("<\(address)>")) {
                result.retries.append(RetryItem(key, .record(error)))
            }
        case .message where trouble.isPermanent: break
        case .message:
            waits = false
            result.retries.append(
                RetryItem(retryKey.message(scene.message.id), .record(error), isHost: true, isMessage: true))
        case .host: remember(retryKey, error)
        }
        settle(index, result)
    }

    /// Gives an address its outcome at this host; what the hosts before have told the hints stays told.
    mutating func settle(_ index: Int, _ outcome: TransportOutcome) {
        var outcome = outcome
        if let earlier = outcomes[index] {
            outcome.retries = earlier.retries + outcome.retries
            outcome.host = outcome.host ?? earlier.host
        }
        outcomes[index] = outcome
    }

    /// The host cannot be used at all.
    mutating func take(
        hostTrouble trouble: ClientTrouble, _ used: UsedHost, _ retryKey: RetryKey, isLast: Bool
    ) async {
        let blamed = pending.map { (index: $0, trouble: trouble) }
        let error = retryError(trouble, used, connecting: trouble.text.isEmpty)
        for index in pending {
            let isFinal = trouble.isPermanent && isLast
            var result = TransportOutcome(isFinal ? .failed(shown(trouble)) : .deferred(shown(trouble)))
            if !trouble.text.isEmpty, !isOurDemand(trouble) { result.host = used }
            settle(index, result)
        }
        remember(retryKey, error)
        environment.hosts.noteFailure(retryKey, until: environment.now().seconds + 30)
        await tellOfEnding(blamed, used, isLast: isLast)
    }

    /// Whether the host did nothing wrong but is not good enough for `hosts_require_auth`, DANE or `event_action`: it is not
    /// shown then.
    private func isOurDemand(_ trouble: ClientTrouble) -> Bool {
        [EximErrno.authenticationFailed, EximErrno.expansionFailed, EximErrno.event, EximErrno.dnsDeferred]
            .contains { Int($0) == trouble.errno }
    }

    private mutating func remember(_ key: RetryKey, _ error: RetryError) {
        hostRetries.removeAll { $0.key == key }
        hostRetries.append(RetryItem(key, .record(error), isHost: true))
    }

    private func shown(_ trouble: ClientTrouble) -> TransportTrouble {
        var shown = TransportTrouble(
            trouble.text, errno: Int32(clamping: trouble.errno),
            userText: trouble.mayBeShown ? trouble.text : nil)
        shown.more = Int32(clamping: trouble.code ?? 0)
        return shown
    }

    /// The host's own line in the log, once for all addresses that share the trouble.
    mutating func note(
        _ trouble: ClientTrouble, _ used: UsedHost, isLast: Bool, _ said: inout Set<ByteString>
    ) {
        if trouble.errno == Int(EximErrno.authenticationFailed) || TLSOffer.isFailure(trouble) { return }
        let isOfRecipient = trouble.scope == .recipient
        if trouble.isPermanent, trouble.scope == .message { return }
        if isOfRecipient, trouble.code == nil || trouble.text.starts(with: ByteString("LMTP")) { return }
        guard said.insert("\(trouble.text) \(trouble.errno)").inserted else { return }
        if isOfRecipient { addNote(trouble, used) }
        if isOfRecipient, isLast || trouble.isPermanent { return }
        var line = TransportLogLine(trouble.text)
        line.host = used
        line.isNoted = !isOfRecipient
        line.errno = isOfRecipient ? 0 : Int32(clamping: trouble.errno)
        lines.append(line)
    }

    private mutating func addNote(_ trouble: ClientTrouble, _ used: UsedHost) {
        var line = TransportLogLine(trouble.text)
        line.host = used
        line.isNote = true
        lines.append(line)
    }

    private func retryError(_ trouble: ClientTrouble, _ used: UsedHost, connecting: Bool = false)
        -> RetryError
    {
        let number = Int32(clamping: trouble.errno)
        let code = trouble.scope == .host ? nil : trouble.code
        let text: ByteString
        if number > 0 {
            text = SystemFailure(number: number).text
        } else if isOurDemand(trouble) {
            text = trouble.text.isEmpty ? "unknown error" : trouble.text
        } else {
            text = "H=\(used.host.name) [\(used.host.address?.text ?? "")]: \(trouble.text)"
        }
        return RetryError(
            basicErrno: number,
            moreErrno: EximErrno.more(
                fromMX: used.host.mx != nil, replyCode: code, connecting: connecting && number == 110),
            text: text)
    }

    private func addressKeys(_ index: Int) -> [RetryKey] {
        [recipientKey(index, withSender: false), recipientKey(index, withSender: true)]
    }

    private func recipientKey(_ index: Int, withSender: Bool) -> RetryKey {
        let address = scene.items[index].uniqueKey
        guard withSender, settings.addressRetryIncludesSender else { return .address(address) }
        return .address(address, sender: scene.message.sender)
    }

    /// Gives each address its outcome; those that no host was tried for learn why.
    func finished(_ hosts: [RouteHost]) -> [TransportOutcome] {
        let names = hosts.map(\.name)
        let waitingHosts = waits && settings.maximumMessages != 1 ? names : []
        return outcomes.enumerated().map { index, outcome in
            var result = outcome ?? TransportOutcome(untried(hosts))
            if index == 0 || outcome == nil { result.retries += hostRetries }
            if index > 0, outcome != nil, Self.isOpen(result) {
                result.retries += hostRetries.filter(Self.isRecord)
            }
            if Self.isOpen(result) {
                result.waitingHosts = waitingHosts
                result.skippedHosts = skipped
            }
            return result
        }
    }

    private static func isRecord(_ item: RetryItem) -> Bool {
        if case .record = item.action { true } else { false }
    }

    private func untried(_ hosts: [RouteHost]) -> TransportVerdict {
        let areAllExpired =
            !standings.isEmpty && standings.allSatisfy { if case .expired = $0 { true } else { false } }
        if areAllExpired {
            let tail: ByteString =
                settings.delaysAfterCutoff
                ? "(and retry time not reached)" : "and were last tried after this message arrived"
            let text: ByteString = "all hosts\(forDomain) have been failing for a long time \(tail)"
            return .failed(TransportTrouble(text, errno: -54, userText: text))
        }
        let text: ByteString =
            if limited == 0 {
                "retry time not reached for any host\(forDomain)"
            } else if limited == hosts.count {
                "connection limit reached for all hosts\(forDomain)"
            } else {
                "some host address lookups failed and retry time not reached for other hosts or connection limit reached\(forDomain)"
            }
        return .deferred(TransportTrouble(text, errno: -54))
    }
}
