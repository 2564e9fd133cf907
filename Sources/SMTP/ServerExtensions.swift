package import Bytes

/// What a server offers in its answer to EHLO.
package struct ServerExtensions: Sendable, Hashable {
    /// SIZE offered, and its limit (nil or 0: none given).
    package var size: (isOffered: Bool, limit: Int?) {
        get { (offersSize, sizeLimit) }
        set { (offersSize, sizeLimit) = newValue }
    }
    var offersSize = false
    var sizeLimit: Int?
    /// PIPELINING.
    package var pipelining = false
    /// 8BITMIME.
    package var eightBitMIME = false
    /// CHUNKING.
    package var chunking = false
    /// DSN.
    package var dsn = false
    /// SMTPUTF8.
    package var smtpUTF8 = false
    /// PRDR.
    package var prdr = false
    /// STARTTLS.
    package var startTLS = false
    /// IGNOREQUOTA (LMTP).
    package var ignoreQuota = false
    /// PIPECONNECT.
    package var pipeConnect = false
    /// The mechanisms of AUTH in capitals, in the server's order.
    package var authMechanisms: [ByteString] = []
    /// LIMITS MAILMAX; nil for none (RFC 9422).
    package var mailMax: Int?
    /// LIMITS RCPTMAX.
    package var recipientMax: Int?
    /// LIMITS RCPTDOMAINMAX.
    package var recipientDomainMax: Int?

    /// Nothing offered: a HELO session.
    package init() {}
}
