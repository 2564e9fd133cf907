/// Exim's own error numbers, as retry records and log lines show them; system errnos are positive.
package enum EximErrno {
    package static let unknown: Int32 = -1
    package static let badRedirection: Int32 = -17
    package static let smtpClosed: Int32 = -18
    package static let badSMTPReply: Int32 = -19
    package static let eximQuota: Int32 = -22
    package static let domainHeld: Int32 = -23
    package static let filterFailed: Int32 = -24
    package static let headerEditFailed: Int32 = -25
    package static let incompleteWrite: Int32 = -26
    package static let expansionFailed: Int32 = -27
    package static let unknownHost: Int32 = -32
    package static let listDeferred: Int32 = -35
    package static let dnsDeferred: Int32 = -36
    package static let tlsFailure: Int32 = -37
    package static let tlsRequired: Int32 = -38
    package static let calloutDeferred: Int32 = -41
    package static let authenticationFailed: Int32 = -42
    package static let rcpt4xx: Int32 = -44
    package static let mail4xx: Int32 = -45
    package static let data4xx: Int32 = -46
    package static let proxyFailed: Int32 = -47
    package static let authenticatorTrouble: Int32 = -48
    package static let smtpUTF8Missing: Int32 = -49
    package static let hostIsLocal: Int32 = -50
    package static let taintedFileName: Int32 = -51
    /// Logged, but never recorded: not yet time to route (-52) down to an event's refusal (-58).
    package static let routingRetry: Int32 = -52
    package static let localRetry: Int32 = -53
    package static let hostRetry: Int32 = -54
    package static let localOnly: Int32 = -55
    package static let queueDomain: Int32 = -56
    package static let transportConcurrency: Int32 = -57
    package static let event: Int32 = -58

    /// The bit of `moreErrno` that tells a timeout while connecting.
    package static let connectBit: Int32 = 0x100

    /// The detail of an error that a remote host gave: how the host was found, and the reply code.
    ///
    /// - Parameters:
    ///   - fromMX: whether the host came from an MX record.
    ///   - replyCode: the code of a 4xx reply to RCPT, MAIL or DATA (400 to 499), or nil.
    ///   - connecting: whether the error is a timeout while connecting.
    package static func more(fromMX: Bool, replyCode: Int? = nil, connecting: Bool = false) -> Int32 {
        let source = Int32(UInt8(ascii: fromMX ? "M" : "A"))
        let code = Int32(min(max((replyCode ?? 400) - 400, 0), 99))
        return source | code << 8 | (connecting ? connectBit : 0)
    }
}
