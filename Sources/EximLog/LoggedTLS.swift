package import Bytes

/// What a log line tells of TLS.
package struct LoggedTLS: Sendable, Hashable {
    /// How the peer's certificate stands.
    package enum Verification: Sendable, Hashable {
        case yes, no, dane
    }

    /// `TLS1.3:TLS_AES_256_GCM_SHA384:256`.
    package var cipher: ByteString
    /// Whether the peer's certificate was verified.
    package var verification: Verification
    /// The peer's subject; nil when there is none.
    package var peerDN: ByteString?
    /// The name that the client asked for (reception only).
    package var sni: ByteString?
    /// Whether the session was resumed.
    package var isResumed: Bool

    /// Makes a value.
    package init(
        cipher: ByteString, verification: Verification, peerDN: ByteString? = nil, sni: ByteString? = nil,
        isResumed: Bool = false
    ) {
        self.cipher = cipher
        self.verification = verification
        self.peerDN = peerDN
        self.sni = sni
        self.isResumed = isResumed
    }

    private static func isOfName(_ octet: UInt8) -> Bool {
        octet.isASCIIAlphanumeric || [UInt8](".-_".utf8).contains(octet)
    }

    // ` X=... CV=... DN="..." SNI=...`, each with its blank before it.
    func items(by selector: LogSelector, withSNI: Bool) -> ByteString {
        var text = ByteString()
        if selector.has(.tlsCipher) {
            text += " X=\(cipher)\(isResumed && selector.has(.tlsResumption) ? "*" : "")" as ByteString
        }
        if selector.has(.tlsCertificateVerified) { text += " CV=\(verification.word)" as ByteString }
        if selector.has(.tlsPeerDN), let peerDN {
            text += " DN=\(peerDN.shown(by: selector).inDoubleQuotes())" as ByteString
        }
        if withSNI, selector.has(.tlsSNI), let sni {
            // A name of another form is quoted: a client must not write items of its own.
            let shown = sni.shown(by: selector)
            text += " SNI=\(sni.allSatisfy(Self.isOfName) ? shown : shown.inDoubleQuotes())" as ByteString
        }
        return text
    }
}

extension LoggedTLS.Verification {
    fileprivate var word: ByteString {
        switch self {
        case .yes: "yes"
        case .no: "no"
        case .dane: "dane"
        }
    }
}

/// Who authenticated, as `A=` shows it.
package struct LoggedAuthentication: Sendable, Hashable {
    /// The authenticator's name.
    package var authenticator: ByteString
    /// `$authenticated_id`; nil when none was set.
    package var id: ByteString?
    /// The AUTH value of MAIL; shown with selector `smtp_mailauth`.
    package var sender: ByteString?

    /// Makes a value.
    package init(authenticator: ByteString, id: ByteString? = nil, sender: ByteString? = nil) {
        self.authenticator = authenticator
        self.id = id
        self.sender = sender
    }

    func item(by selector: LogSelector) -> ByteString {
        var text: ByteString = " A=\(authenticator)"
        guard let id else { return text }
        text += ":\(id)" as ByteString
        if selector.has(.smtpMailauth), let sender { text += ":\(sender)" as ByteString }
        return text
    }
}

/// How PIPELINING went in a session.
package enum LoggedPipelining: Sendable, Hashable {
    /// Not offered: nothing is shown.
    case notOffered
    /// ` L-`.
    case offeredOnly
    /// ` L`.
    case used
    /// ` L.`: early pipelining advertised but not used.
    case usedEarlyOffered
    /// ` L*`: early pipelining used.
    case usedEarly

    var item: ByteString {
        switch self {
        case .notOffered: ""
        case .offeredOnly: " L-"
        case .used: " L"
        case .usedEarlyOffered: " L."
        case .usedEarly: " L*"
        }
    }
}
