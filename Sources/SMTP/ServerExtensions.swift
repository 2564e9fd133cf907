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

extension ServerExtensions {
    /// Reads the answer to EHLO; unknown keywords are passed over, malformed values count as not given.
    package init(ehlo reply: Reply) {
        for line in reply.lines.dropFirst() {
            let words = line.split(whereSeparator: \.isASCIISpace)
            guard let keyword = words.first?.uppercasedASCII() else { continue }
            take(keyword, words.dropFirst().map { ByteString($0) })
        }
    }

    private mutating func take(_ keyword: ByteString, _ values: [ByteString]) {
        switch keyword {
        case "SIZE": size = (true, values.first.flatMap(Self.number))
        case "PIPELINING": pipelining = true
        case "8BITMIME": eightBitMIME = true
        case "CHUNKING": chunking = true
        case "DSN": dsn = true
        case "SMTPUTF8": smtpUTF8 = true
        case "PRDR": prdr = true
        case "STARTTLS": startTLS = true
        case "IGNOREQUOTA": ignoreQuota = true
        case "PIPECONNECT", "X_PIPE_CONNECT": pipeConnect = true
        case "AUTH": authMechanisms += values.map { $0.uppercasedASCII() }
        case "LIMITS": values.forEach { takeLimit($0) }
        default: takeOldAuth(keyword)
        }
    }

    // Some servers write `AUTH=LOGIN`.
    private mutating func takeOldAuth(_ keyword: ByteString) {
        guard let (name, mechanism) = keyword.cut(at: UInt8(ascii: "=")), name.elementsEqual("AUTH".utf8),
            !mechanism.isEmpty, !authMechanisms.contains(ByteString(mechanism))
        else { return }
        authMechanisms.append(ByteString(mechanism))
    }

    private mutating func takeLimit(_ limit: ByteString) {
        guard let (name, value) = limit.cut(at: UInt8(ascii: "=")),
            let number = Self.number(ByteString(value)),
            number > 0
        else { return }
        switch name.uppercasedASCII() {
        case "MAILMAX": mailMax = number
        case "RCPTMAX": recipientMax = number
        case "RCPTDOMAINMAX": recipientDomainMax = number
        default: break
        }
    }

    private static func number(_ text: ByteString) -> Int? {
        guard text.allSatisfy(\.isASCIIDigit) else { return nil }
        return text.decimalInteger().map { Int($0) }
    }
}
