package import Bytes

/// What the DNS said to one question.
package struct DNSAnswer: Sendable, Equatable {
    /// How it went.
    package var outcome: DNSOutcome
    /// Whether the answer, be it records or their absence, was validated from a trust anchor (DNSSEC).
    package var secure: Bool
    /// Whether nobody tried to validate, since the servers pass no DNSSEC records for the time being.
    package var isUnvalidated = false
    /// How many seconds the answer may be kept; zero after trouble.
    package var timeToLive: Int
    /// The name at the end of the chain of aliases, or the name that was asked for; without final dot.
    package var canonicalName: ByteString

    /// Makes an answer.
    package init(
        _ outcome: DNSOutcome, secure: Bool = false, timeToLive: Int = 0, canonicalName: ByteString = ""
    ) {
        self.outcome = outcome
        self.secure = secure
        self.timeToLive = timeToLive
        self.canonicalName = canonicalName
    }

    /// The records; none unless the outcome is `.records`.
    package var records: [DNSRecord] {
        if case .records(let records) = outcome { records } else { [] }
    }
}

/// How a DNS question went.
package enum DNSOutcome: Sendable, Equatable {
    /// At least one record, in the order of the answer.
    case records([DNSRecord])
    /// The name exists, but has no record of that type.
    case noData
    /// The name does not exist, or may not be asked for (`dns_check_names_pattern`).
    case noSuchDomain
    /// No usable answer now: time limit, server trouble, or an answer whose signatures are wrong (bogus).
    case tryAgain(ByteString)
    /// Servers refused the question, or libunbound could not ask it.
    case failed(ByteString)
}
