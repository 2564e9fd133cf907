package import Bytes

/// What one side of TLS sessions is set up with: what the `tls_...` options come to, expanded.
///
/// Equal values make equal contexts, so that a context is made once (`TLSContexts`).
package struct TLSSettings: Sendable, Hashable {
    /// Where certificates come from that the peer's must lead to (`tls_verify_certificates`).
    package enum Trust: Sendable, Hashable {
        /// None is trusted.
        case nobody
        /// The library's default places.
        case system
        /// A file in PEM, or a directory with hashed names.
        case path(ByteString)
    }

    /// Files of our certificates with their chains, in PEM (`tls_certificate`); empty for none.
    package var certificates: [ByteString] = []
    /// Files of the keys, in the certificates' order; empty where they are in the same files (`tls_privatekey`).
    package var privateKeys: [ByteString] = []
    /// For a server without certificates: the name that a self-signed one is made for.
    package var selfSignedName: ByteString?
    /// OpenSSL's list of ciphers for TLS up to 1.2; nil for the library's own (`tls_require_ciphers`).
    package var ciphers: ByteString?
    /// What the peer's certificate must lead to.
    package var trust = Trust.nobody
    /// A file or directory of revocation lists; with it the whole chain is checked (`tls_crl`).
    package var revocationList: ByteString?
    /// A file with Diffie-Hellman parameters in PEM; nil for the library's choice (`tls_dhparam`).
    package var dhParameters: ByteString?
    /// Groups for key exchange, colons between them; nil for the library's own (`tls_eccurve`).
    package var groups: ByteString?
    /// Protocol versions and the like.
    package var options = TLSOptions.usual

    /// Nothing set.
    package init() {}

    /// Every file that is read when a context is made.
    var files: [ByteString] {
        var all = certificates + privateKeys
        if case .path(let path) = trust { all.append(path) }
        if let revocationList { all.append(revocationList) }
        if let dhParameters { all.append(dhParameters) }
        return all
    }
}

/// How much the peer's certificate matters.
package enum TLSVerification: Sendable, Hashable {
    /// A client is asked for none; a server's is not looked at.
    case none
    /// It is looked at, and what comes of it is known afterwards (`tls_try_verify_hosts`).
    case tried
    /// There is no session without a good one (`tls_verify_hosts`).
    case required
}

/// What a client says in its first message, before anything is decided.
package struct TLSClientHello: Sendable, Hashable {
    /// The name of the server that it wants (RFC 6066, section 3); nil when it names none.
    package var serverName: ByteString?
    /// The application protocols that it offers (RFC 7301).
    package var protocols: [ByteString] = []
}

/// What a client asks of a session.
package struct TLSClientWishes: Sendable, Hashable {
    /// The name to send (`tls_sni`); nil or empty for none.
    package var serverName: ByteString?
    /// The application protocols to offer (`tls_alpn`).
    package var protocols: [ByteString] = []
    /// How much the server's certificate matters.
    package var verification = TLSVerification.none
    /// Names of which the server's certificate must carry one; empty when any will do (`tls_verify_cert_hostnames`).
    package var names: [ByteString] = []

    /// Asks for nothing.
    package init() {}
}

/// What a session was negotiated to.
package struct TLSNegotiated: Sendable, Hashable {
    /// Such as `TLS1.3`.
    package var version: ByteString
    /// The cipher by OpenSSL's name.
    package var cipher: ByteString
    /// The cipher by its RFC's name.
    package var standardCipher: ByteString
    /// Key bits.
    package var bits: Int
    /// The peer's certificate and those that it sent to prove it, its own first; as checked where that worked.
    package var chain: [Certificate]
    /// The subject of the peer's certificate in OpenSSL's one-line form; nil without one.
    package var peerDN: ByteString?
    /// Whether the peer's certificate was looked at and found good.
    package var isVerified: Bool
    /// Why it was not; nil when it was, or when there is none or nobody looked.
    package var verifyError: ByteString?
    /// Our own certificate; nil without one.
    package var ourCertificate: Certificate?
    /// The application protocol agreed on.
    package var applicationProtocol: ByteString?
}
