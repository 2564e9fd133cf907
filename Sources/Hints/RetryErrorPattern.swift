package import Bytes

#if canImport(Glibc)
    import Glibc
#endif

/// The second field of a retry rule: which errors the rule is for (manual, chapter "Retry configuration").
package enum RetryErrorPattern: Sendable, Equatable {
    /// `*`.
    case any
    /// `quota`, or `quota_<time>`: mailbox full, and not read for that many seconds.
    case quota(unreadFor: Int64?)
    /// `refused`, `refused_A`, `refused_MX`.
    case refused(RetryHostSource?)
    /// `timeout`, `timeout_A`, `timeout_MX`: while connecting or later.
    case timeout(RetryHostSource?)
    /// `timeout_connect`, `timeout_connect_A`, `timeout_connect_MX`.
    case timeoutConnecting(RetryHostSource?)
    /// `mail_4xx`, `rcpt_4xx`, `data_4xx` and their narrower forms.
    case reply(RetryStage, RetryReplyCode)
    /// `auth_failed`.
    case authenticationFailed
    /// `lost_connection`.
    case lostConnection
    /// `tls_required`.
    case tlsRequired
    /// `lookup`.
    case lookup

    /// Whether a rule with this pattern is for that error.
    package func matches(basicErrno: Int32, moreErrno: Int32) -> Bool {
        switch self {
        case .any:
            true
        case .quota(let seconds):
            [EximErrno.eximQuota, EDQUOT, ENOSPC].contains(basicErrno)
                && (seconds.map { Int64(moreErrno) >= $0 } ?? true)
        case .refused(let source):
            basicErrno == ECONNREFUSED && (source.map { moreErrno == $0.octet } ?? true)
        case .timeout(let source):
            basicErrno == ETIMEDOUT && (source.map { moreErrno & 0xFF == $0.octet } ?? true)
        case .timeoutConnecting(let source):
            basicErrno == ETIMEDOUT && moreErrno & EximErrno.connectBit != 0
                && (source.map { moreErrno & 0xFF == $0.octet } ?? true)
        case .reply(let stage, let code):
            basicErrno == stage.errno && code.matches(moreErrno >> 8 & 0xFF)
        case .authenticationFailed: basicErrno == EximErrno.authenticationFailed
        case .lostConnection: basicErrno == EximErrno.smtpClosed
        case .tlsRequired: basicErrno == EximErrno.tlsRequired || basicErrno == EximErrno.tlsFailure
        case .lookup: basicErrno == EximErrno.unknownHost
        }
    }
}

extension RetryErrorPattern {
    /// An error that a rule with this pattern is for, and that only broader ones are for besides.
    package var example: (basicErrno: Int32, moreErrno: Int32) {
        switch self {
        case .any: (0, 0)
        case .quota(let seconds): (EximErrno.eximQuota, Int32(clamping: seconds ?? 0))
        case .refused(let source): (ECONNREFUSED, source?.octet ?? 0)
        case .timeout(let source): (ETIMEDOUT, source?.octet ?? 0)
        case .timeoutConnecting(let source): (ETIMEDOUT, EximErrno.connectBit | (source?.octet ?? 0))
        case .reply(let stage, let code): (stage.errno, code.example << 8)
        case .authenticationFailed: (EximErrno.authenticationFailed, 0)
        case .lostConnection: (EximErrno.smtpClosed, 0)
        case .tlsRequired: (EximErrno.tlsRequired, 0)
        case .lookup: (EximErrno.unknownHost, 0)
        }
    }
}

/// How a host was found.
package enum RetryHostSource: Sendable, Equatable {
    /// From an MX record.
    case mx
    /// From its address record alone.
    case a

    var octet: Int32 { Int32(UInt8(ascii: self == .mx ? "M" : "A")) }
}

/// The command whose 4xx reply a rule is for.
package enum RetryStage: Sendable, Equatable, CaseIterable {
    /// MAIL.
    case mail
    /// RCPT.
    case rcpt
    /// DATA, or the end of the data.
    case data

    var errno: Int32 {
        switch self {
        case .mail: EximErrno.mail4xx
        case .rcpt: EximErrno.rcpt4xx
        case .data: EximErrno.data4xx
        }
    }
}

/// Which 4xx replies a rule is for.
package enum RetryReplyCode: Sendable, Equatable {
    /// `4xx`.
    case any
    /// `4dx`: the second digit, 0 to 9.
    case decade(Int32)
    /// `4dd`: the last two digits, 0 to 99.
    case exact(Int32)

    var example: Int32 {
        switch self {
        case .any: 0xFF
        case .decade(let digit): digit * 10
        case .exact(let digits): digits
        }
    }

    func matches(_ code: Int32) -> Bool {
        switch self {
        case .any: true
        case .decade(let digit): code / 10 == digit
        case .exact(let digits): code == digits
        }
    }
}

extension RetryErrorPattern {
    /// Reads an error name as a retry rule has it; nil for a name that Exim does not know.
    package init?(_ name: ByteString) {
        switch name.string.lowercased() {
        case "*": self = .any
        case "auth_failed": self = .authenticationFailed
        case "lost_connection": self = .lostConnection
        case "tls_required": self = .tlsRequired
        case "lookup": self = .lookup
        case "quota": self = .quota(unreadFor: nil)
        case "refused": self = .refused(nil)
        case "refused_a": self = .refused(.a)
        case "refused_mx": self = .refused(.mx)
        case "timeout": self = .timeout(nil)
        case "timeout_a": self = .timeout(.a)
        case "timeout_mx": self = .timeout(.mx)
        case "timeout_connect": self = .timeoutConnecting(nil)
        case "timeout_connect_a": self = .timeoutConnecting(.a)
        case "timeout_connect_mx": self = .timeoutConnecting(.mx)
        default:
            guard let special = Self.quota(name) ?? Self.reply(name) else { return nil }
            self = special
        }
    }

    private static func quota(_ name: ByteString) -> RetryErrorPattern? {
        guard name.startsIgnoringCase(with: ByteString("quota_")),
            let seconds = RetryStep.seconds(name[6..<name.count])
        else { return nil }
        return .quota(unreadFor: seconds)
    }

    private static func reply(_ name: ByteString) -> RetryErrorPattern? {
        let stages: [(ByteString, RetryStage)] = [("mail_4", .mail), ("rcpt_4", .rcpt), ("data_4", .data)]
        guard name.count == 8, let stage = stages.first(where: { name.startsIgnoringCase(with: $0.0) })?.1
        else { return nil }
        let (tens, ones) = (name[6], name[7])
        let wild = UInt8(ascii: "x")
        switch (tens.isASCIIDigit, ones.isASCIIDigit) {
        case (true, true): return .reply(stage, .exact(Int32(tens - 0x30) * 10 + Int32(ones - 0x30)))
        case (true, false) where ones.lowercasedASCII == wild:
            return .reply(stage, .decade(Int32(tens - 0x30)))
        case (false, false) where tens.lowercasedASCII == wild && ones.lowercasedASCII == wild:
            return .reply(stage, .any)
        default: return nil
        }
    }
}
