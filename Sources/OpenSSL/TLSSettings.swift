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
    /// Files that prove our certificates to clients that ask (`tls_ocsp_file`).
    package var proofs: [OCSPProof.File] = []

    /// Nothing set.
    package init() {}

    /// Whether whom to trust stands in the files of a directory.
    var trustsDirectory: Bool {
        if case .path(let path) = trust { isDirectory(path) } else { false }
    }

    /// Every file that is read when a context is made.
    var files: [ByteString] {
        var all = certificates + privateKeys + proofs.map(\.path)
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
    /// What the DNS says that the server's certificate is (DANE), which nothing else verifies then; nil without DANE.
    package var dane: TLSADemand?
    /// Whether the server is to prove that its certificate is not revoked (`hosts_request_ocsp`, `hosts_require_ocsp`).
    package var proof = TLSProofWish.none

    /// Asks for nothing.
    package init() {}
}

/// Whether a server is to prove that its certificate is not revoked.
package enum TLSProofWish: Sendable, Hashable {
    /// It is not asked.
    case none
    /// It is asked, and may have none.
    case requested
    /// There is no session without a good proof; who drives the session sees to it.
    case required
}

/// What came of the question whether a certificate is revoked.
package enum TLSProof: Sendable, Hashable {
    /// Nobody asked.
    case notRequested
    /// There was no answer.
    case absent
    /// What is wrong with the answer, or with the certificate.
    case bad(ByteString)
    /// The certificate is not revoked; at a server: the client was told so.
    case good

    /// The value of `$tls_in_ocsp` and `$tls_out_ocsp`.
    package var code: Int {
        switch self {
        case .notRequested: 0
        case .absent: 1
        case .bad: 3
        case .good: 4
        }
    }
}

/// A TLSA record, as far as a certificate is compared with it (RFC 6698, section 2.1).
package struct TLSAssociation: Sendable, Hashable {
    /// 2 for an authority (DANE-TA), 3 for the server's own certificate (DANE-EE); others are of no use for SMTP
    /// (RFC 7672, section 3.1.3).
    package var usage: UInt8
    /// 0 for the certificate, 1 for its public key.
    package var selector: UInt8
    /// 0 for the octets themselves, 1 for SHA-256, 2 for SHA-512.
    package var matching: UInt8
    /// The octets to compare with.
    package var data: ByteString

    /// Makes a value.
    package init(usage: UInt8, selector: UInt8, matching: UInt8, data: ByteString) {
        (self.usage, self.selector, self.matching, self.data) = (usage, selector, matching, data)
    }

    /// Whether SMTP can verify with it: the usage, the selector and the matching type are known, and a digest is as long as it
    /// must be.
    package var isUsable: Bool {
        guard usage == 2 || usage == 3, selector <= 1 else { return false }
        return switch matching {
        case 0: !data.isEmpty
        case 1: data.count == 32
        case 2: data.count == 64
        default: false
        }
    }
}

/// What DANE demands of a server's certificate (RFC 7672): there is no session unless it is met.
package struct TLSADemand: Sendable, Hashable {
    /// The name that the records are published for (the TLSA base domain), which is also the name that is asked for.
    package var base: ByteString
    /// Further names that a certificate of an authority may carry.
    package var otherNames: [ByteString] = []
    /// The records; those that are not usable count for nothing.
    package var records: [TLSAssociation]

    /// Makes a demand.
    package init(base: ByteString, records: [TLSAssociation]) { (self.base, self.records) = (base, records) }

    /// A bit for each usage of the records that count, such as 4 where there is DANE-TA only (`$tls_out_tlsa_usage`).
    package var usages: Int { records.filter(\.isUsable).reduce(0) { $0 | 1 << Int($1.usage) } }
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
    /// Whether a TLSA record has verified the server.
    package var isVerifiedByDANE = false
    /// Whether the server's certificate is known not to be revoked.
    package var proof = TLSProof.notRequested
    /// Our own certificate; nil without one.
    package var ourCertificate: Certificate?
    /// The application protocol agreed on.
    package var applicationProtocol: ByteString?
}
