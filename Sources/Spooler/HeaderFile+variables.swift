public import Bytes

// One property for each variable line that Exim writes (facts: spool-format/grammar.md, "Variables").

// MARK: - Text

extension HeaderFile {
    /// What the client said in HELO or EHLO.
    public var heloName: TaintedBytes? {
        get { self[.heloName] }
        set { self[.heloName] = newValue }
    }

    /// The client's name from reverse DNS; written only together with the address.
    public var hostName: TaintedBytes? {
        get { self[.hostName] }
        set { self[.hostName] = newValue }
    }

    /// The name of the authenticator that was used.
    public var hostAuth: TaintedBytes? {
        get { self[.hostAuth] }
        set { self[.hostAuth] = newValue }
    }

    /// The SASL mechanism that was used.
    public var hostAuthPubname: TaintedBytes? {
        get { self[.hostAuthPubname] }
        set { self[.hostAuthPubname] = newValue }
    }

    /// `smtp_active_hostname`, where it differs from `primary_hostname`.
    public var activeHostname: TaintedBytes? {
        get { self[.activeHostname] }
        set { self[.activeHostname] = newValue }
    }

    /// The answer of the ident protocol, or the local login.
    public var ident: TaintedBytes? {
        get { self[.ident] }
        set { self[.ident] = newValue }
    }

    /// How the message came: `esmtps`, `local` and so on.
    public var receivedProtocol: TaintedBytes? {
        get { self[.receivedProtocol] }
        set { self[.receivedProtocol] = newValue }
    }

    /// `$authenticated_id`.
    public var authID: TaintedBytes? {
        get { self[.authID] }
        set { self[.authID] = newValue }
    }

    /// `$authenticated_sender`.
    public var authSender: TaintedBytes? {
        get { self[.authSender] }
        set { self[.authSender] = newValue }
    }

    /// What `local_scan()` said.
    public var localScan: TaintedBytes? {
        get { self[.localScan] }
        set { self[.localScan] = newValue }
    }

    /// `$spam_bar`.
    public var spamBar: TaintedBytes? {
        get { self[.spamBar] }
        set { self[.spamBar] = newValue }
    }

    /// `$spam_score`.
    public var spamScore: TaintedBytes? {
        get { self[.spamScore] }
        set { self[.spamScore] = newValue }
    }

    /// `$spam_score_int`.
    public var spamScoreInt: TaintedBytes? {
        get { self[.spamScoreInt] }
        set { self[.spamScoreInt] = newValue }
    }

    /// The Brightmail verdicts (Exim up to 4.99).
    public var bmiVerdicts: TaintedBytes? {
        get { self[.bmiVerdicts] }
        set { self[.bmiVerdicts] = newValue }
    }

    /// The cipher suite of the incoming connection.
    public var tlsCipher: TaintedBytes? {
        get { self[.tlsCipher] }
        set { self[.tlsCipher] = newValue }
    }

    /// The TLS version of the incoming connection.
    public var tlsVersion: TaintedBytes? {
        get { self[.tlsVer] }
        set { self[.tlsVer] = newValue }
    }

    /// The client's address and port as spelled; `remoteHost` takes it apart.
    public var hostAddress: TaintedBytes? {
        get { self[.hostAddress] }
        set { self[.hostAddress] = newValue }
    }

    /// Our end's address and port as spelled; `interface` takes it apart.
    public var interfaceAddress: TaintedBytes? {
        get { self[.interfaceAddress] }
        set { self[.interfaceAddress] = newValue }
    }
}

// MARK: - Escaped text

extension HeaderFile {
    /// The client's certificate in PEM.
    public var tlsPeerCertificate: TaintedBytes? {
        get { self[escaped: .tlsPeercert] }
        set { self[escaped: .tlsPeercert] = newValue }
    }

    /// The subject of the client's certificate.
    public var tlsPeerDN: TaintedBytes? {
        get { self[escaped: .tlsPeerdn] }
        set { self[escaped: .tlsPeerdn] = newValue }
    }

    /// The server name that the client asked for.
    public var tlsSNI: TaintedBytes? {
        get { self[escaped: .tlsSNI] }
        set { self[escaped: .tlsSNI] = newValue }
    }

    /// Our certificate in PEM.
    public var tlsOurCertificate: TaintedBytes? {
        get { self[escaped: .tlsOurcert] }
        set { self[escaped: .tlsOurcert] = newValue }
    }
}

// MARK: - Flags

extension HeaderFile {
    /// Whether `-D` holds lines as they were received, with CRLF.
    public var isWireFormat: Bool {
        get { has(.spoolFileWireformat) }
        set { setFlag(.spoolFileWireformat, newValue) }
    }

    /// Whether recipients in headers may lack a domain.
    public var allowUnqualifiedRecipient: Bool {
        get { has(.allowUnqualifiedRecipient) }
        set { setFlag(.allowUnqualifiedRecipient, newValue) }
    }

    /// Whether senders in headers may lack a domain.
    public var allowUnqualifiedSender: Bool {
        get { has(.allowUnqualifiedSender) }
        set { setFlag(.allowUnqualifiedSender, newValue) }
    }

    /// Whether nothing has been tried yet.
    public var deliverFirstTime: Bool {
        get { has(.deliverFirsttime) }
        set { setFlag(.deliverFirsttime, newValue) }
    }

    /// Whether the message came with `-N` and is only pretended to be delivered.
    public var dontDeliver: Bool {
        get { has(.dontDeliver) }
        set { setFlag(.dontDeliver, newValue) }
    }

    /// Whether the client's name could not be looked up for now.
    public var hostLookupDeferred: Bool {
        get { has(.hostLookupDeferred) }
        set { setFlag(.hostLookupDeferred, newValue) }
    }

    /// Whether the client has no name.
    public var hostLookupFailed: Bool {
        get { has(.hostLookupFailed) }
        set { setFlag(.hostLookupFailed, newValue) }
    }

    /// Whether a local user submitted the message.
    public var isLocal: Bool {
        get { has(.local) }
        set { setFlag(.local, newValue) }
    }

    /// Whether this is a bounce made here.
    public var isLocalError: Bool {
        get { has(.localError) }
        set { setFlag(.localError, newValue) }
    }

    /// Whether a person thawed the message.
    public var manualThaw: Bool {
        get { has(.manualThaw) }
        set { setFlag(.manualThaw, newValue) }
    }

    /// Whether an untrusted caller set the sender.
    public var senderSetUntrusted: Bool {
        get { has(.senderSetUntrusted) }
        set { setFlag(.senderSetUntrusted, newValue) }
    }

    /// Whether the client's certificate was verified.
    public var tlsCertificateVerified: Bool {
        get { has(.tlsCertificateVerified) }
        set { setFlag(.tlsCertificateVerified, newValue) }
    }

    /// Whether the message needs SMTPUTF8.
    public var smtpUTF8: Bool {
        get { has(.smtpUTF8) }
        set { setFlag(.smtpUTF8, newValue) }
    }

    /// Whether addresses must be converted down.
    public var utf8Downconvert: Bool {
        get { has(.utf8Downcvt) }
        set { setFlag(.utf8Downcvt, newValue) }
    }

    /// Whether addresses may be converted down.
    public var utf8OptionalDownconvert: Bool {
        get { has(.utf8Optdowncvt) }
        set { setFlag(.utf8Optdowncvt, newValue) }
    }
}

// MARK: - Numbers

extension HeaderFile {
    /// The newlines of the body; absent in wire format.
    public var bodyLineCount: Int? {
        get { number(.bodyLinecount).map(Int.init) }
        set { setNumber(.bodyLinecount, newValue) }
    }

    /// The NUL octets of the body; absent when there are none.
    public var bodyZeroCount: Int? {
        get { number(.bodyZerocount).map(Int.init) }
        set { setNumber(.bodyZerocount, newValue) }
    }

    /// The longest line as received, without its end.
    public var maxReceivedLineLength: Int? {
        get { number(.maxReceivedLinelength).map(Int.init) }
        set { setNumber(.maxReceivedLinelength, newValue) }
    }

    /// When the message was frozen, in seconds since 1970; nil when it is not.
    public var frozenSince: Int64? {
        get { number(.frozen) }
        set { setNumber(.frozen, newValue) }
    }

    /// 1 no response, 2 not tried, 3 failed, 4 verified.
    public var tlsOCSP: Int? {
        get { number(.tlsOCSP).map(Int.init) }
        set { setNumber(.tlsOCSP, newValue) }
    }

    /// RET: 1 for FULL, 2 for HDRS.
    public var dsnReturn: Int? {
        get { number(.dsnRet).map(Int.init) }
        set { setNumber(.dsnRet, newValue) }
    }
}
