/// Exim's own error numbers, as retry records and log lines show them; system errnos are positive.
package enum EximErrno {
    /// Not known.
    package static let unknown: Int32 = -1
    /// Bad redirection data.
    package static let badRedirection: Int32 = -17
    /// The peer closed the SMTP connection.
    package static let smtpClosed: Int32 = -18
    /// A reply that is not SMTP.
    package static let badSMTPReply: Int32 = -19
    /// Exim's own quota is exceeded.
    package static let eximQuota: Int32 = -22
    /// The domain is held (`hold_domains`).
    package static let domainHeld: Int32 = -23
    /// The transport filter failed.
    package static let filterFailed: Int32 = -24
    /// Editing the header failed.
    package static let headerEditFailed: Int32 = -25
    /// Not all was written.
    package static let incompleteWrite: Int32 = -26
    /// An expansion failed.
    package static let expansionFailed: Int32 = -27
    /// The host is unknown, or its lookup failed.
    package static let unknownHost: Int32 = -32
    /// A list could not be decided.
    package static let listDeferred: Int32 = -35
    /// A DNS lookup did not complete.
    package static let dnsDeferred: Int32 = -36
    /// TLS could not be started.
    package static let tlsFailure: Int32 = -37
    /// TLS is required, but not available.
    package static let tlsRequired: Int32 = -38
    /// A callout was deferred.
    package static let calloutDeferred: Int32 = -41
    /// Authentication failed.
    package static let authenticationFailed: Int32 = -42
    /// RCPT was answered with 4xx.
    package static let rcpt4xx: Int32 = -44
    /// MAIL was answered with 4xx.
    package static let mail4xx: Int32 = -45
    /// DATA, or the end of the data, was answered with 4xx.
    package static let data4xx: Int32 = -46
    /// Negotiation with a proxy failed.
    package static let proxyFailed: Int32 = -47
    /// An authenticator has trouble.
    package static let authenticatorTrouble: Int32 = -48
    /// The peer lacks SMTPUTF8.
    package static let smtpUTF8Missing: Int32 = -49
    /// The remote host is the local one.
    package static let hostIsLocal: Int32 = -50
    /// A file name is tainted.
    package static let taintedFileName: Int32 = -51
    /// Not yet time to route; this and the lower ones are logged, never recorded.
    package static let routingRetry: Int32 = -52
    /// Not yet time to deliver locally.
    package static let localRetry: Int32 = -53
    /// No host is due yet.
    package static let hostRetry: Int32 = -54
    /// Local deliveries only.
    package static let localOnly: Int32 = -55
    /// The domain is in `queue_domains`.
    package static let queueDomain: Int32 = -56
    /// The transport runs often enough at once (`max_parallel`).
    package static let transportConcurrency: Int32 = -57
    /// An event refused.
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
