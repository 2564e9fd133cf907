import Bytes
internal import COpenSSL

/// A session of libssl with its two ends in memory; freed with the value.
@safe struct LibraryEnds: ~Copyable {
    let session: OpaquePointer
    private let input: OpaquePointer
    private let output: OpaquePointer

    private init(_ session: OpaquePointer, _ input: OpaquePointer, _ output: OpaquePointer) {
        // From here on they belong to the session.
        unsafe SSL_set_bio(session, input, output)
        unsafe self.session = session
        unsafe self.input = input
        unsafe self.output = output
    }

    private static func made(_ context: TLSContext) throws(OpenSSLError) -> LibraryEnds {
        ERR_clear_error()
        guard let session = unsafe SSL_new(context.handle) else { throw .drain(after: "TLS session") }
        guard let input = unsafe BIO_new(BIO_s_mem()) else {
            unsafe SSL_free(session)
            throw .drain(after: "TLS session")
        }
        guard let output = unsafe BIO_new(BIO_s_mem()) else {
            unsafe BIO_free(input)
            unsafe SSL_free(session)
            throw .drain(after: "TLS session")
        }
        return unsafe LibraryEnds(session, input, output)
    }

    /// A server's; the exchange must live as long as the value.
    static func serving(_ exchange: ServerExchange, with context: TLSContext) throws(OpenSSLError)
        -> LibraryEnds
    {
        let ends = try made(context)
        unsafe SSL_set_accept_state(ends.session)
        unsafe SSL_set_ex_data(ends.session, 0, Unmanaged.passUnretained(exchange).toOpaque())
        return ends
    }

    /// A client's.
    static func asking(_ wishes: TLSClientWishes, with context: TLSContext) throws(OpenSSLError)
        -> LibraryEnds
    {
        let ends = try made(context)
        let session = unsafe ends.session
        unsafe SSL_set_connect_state(session)
        if let name = wishes.serverName, !name.isEmpty {
            try check(unsafe shim_set_server_name(session, name.string) == 1, "server name \(name)")
        }
        if !wishes.protocols.isEmpty {
            let list = wishes.protocols.flatMap { [UInt8(clamping: $0.count)] + $0.prefix(255) }
            // Unlike the others this one gives 0 for success.
            try check(unsafe SSL_set_alpn_protos(session, list, UInt32(list.count)) == 0, "ALPN")
        }
        for name in wishes.names {
            try check(unsafe SSL_add1_host(session, name.string) == 1, "host name \(name)")
        }
        unsafe SSL_set_hostflags(session, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
        if let dane = wishes.dane { try ends.demand(dane) }
        if wishes.proof != .none { try check(unsafe shim_ask_for_proof(session) == 1, "OCSP") }
        ends.verify(wishes.dane == nil ? wishes.verification : .required, asServer: false)
        return ends
    }

    /// Makes the server's certificate one of those that the DNS tells of.
    private func demand(_ dane: TLSADemand) throws(OpenSSLError) {
        try Self.check(unsafe SSL_dane_enable(session, dane.base.string) == 1, "DANE for \(dane.base)")
        // The record of a server's own certificate says all: neither names nor dates count (RFC 7672, section 3.1.1).
        unsafe SSL_dane_set_flags(session, UInt(DANE_FLAG_NO_DANE_EE_NAMECHECKS))
        for name in dane.otherNames {
            try Self.check(unsafe SSL_add1_host(session, name.string) == 1, "host name \(name)")
        }
        var usable = 0
        for record in dane.records where record.isUsable {
            let octets = record.data.bytes
            let outcome = unsafe SSL_dane_tlsa_add(
                session, record.usage, record.selector, record.matching, octets, octets.count)
            if outcome > 0 { usable += 1 }
        }
        ERR_clear_error()
        guard usable > 0 else { throw OpenSSLError(operation: "DANE", reason: "No usable TLSA records") }
    }

    /// Whether a TLSA record was what verified the peer.
    var isVerifiedByDANE: Bool {
        unsafe SSL_get_verify_result(session) == X509_V_OK && SSL_get0_dane_authority(session, nil, nil) >= 0
    }

    deinit { unsafe SSL_free(session) }

    private static func check(_ isDone: Bool, _ operation: ByteString) throws(OpenSSLError) {
        guard isDone else { throw .drain(after: operation) }
    }

    /// A peer whose certificate is only tried goes on whatever is found.
    func verify(_ verification: TLSVerification, asServer: Bool) {
        switch verification {
        case .none: unsafe SSL_set_verify(session, SSL_VERIFY_NONE, nil)
        case .tried: unsafe SSL_set_verify(session, SSL_VERIFY_PEER, { _, _ in 1 })
        case .required:
            unsafe SSL_set_verify(
                session, SSL_VERIFY_PEER | (asServer ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), nil)
        }
        // Sessions of one kind only are resumed, where they are at all.
        if asServer { unsafe SSL_set_session_id_context(session, Array("bobbin".utf8), 6) }
    }

    // MARK: Octets

    func feed(_ octets: ArraySlice<UInt8>) {
        unsafe octets.withUnsafeBytes { _ = unsafe BIO_write(input, $0.baseAddress, CInt($0.count)) }
    }

    /// How many octets for the peer wait to be taken.
    var waiting: Int { unsafe shim_bio_pending(output) }

    func takeOutput() -> [UInt8] {
        let waiting = waiting
        guard waiting > 0 else { return [] }
        return unsafe [UInt8](unsafeUninitializedCapacity: waiting) { space, count in
            count = max(0, unsafe Int(BIO_read(output, space.baseAddress, CInt(clamping: waiting))))
        }
    }

    /// libssl's answer, and what its error means.
    func handshake() -> (code: CInt, kind: CInt) {
        ERR_clear_error()
        let code = unsafe SSL_do_handshake(session)
        return unsafe (code, SSL_get_error(session, code))
    }

    /// Whether all was taken; memory takes all.
    func write(_ octets: ArraySlice<UInt8>) -> Bool {
        ERR_clear_error()
        var written = 0
        return unsafe octets.withUnsafeBytes {
            unsafe SSL_write_ex(session, $0.baseAddress, $0.count, &written) == 1
        } && written == octets.count
    }

    func read(atMost size: Int) -> (octets: [UInt8], kind: CInt) {
        ERR_clear_error()
        var kind = SSL_ERROR_NONE
        let octets = unsafe [UInt8](unsafeUninitializedCapacity: size) { space, count in
            let code = unsafe SSL_read_ex(session, space.baseAddress, size, &count)
            guard code != 1 else { return }
            count = 0
            kind = unsafe SSL_get_error(session, code)
        }
        return (octets, kind)
    }

    func close() {
        ERR_clear_error()
        unsafe SSL_shutdown(session)
        ERR_clear_error()
    }

    // MARK: What was agreed on

    var negotiated: TLSNegotiated {
        let cipher = unsafe SSL_get_current_cipher(session)
        // OpenSSL writes TLSv1.3.
        let version = unsafe Self.text(SSL_get_version(session))
        return unsafe TLSNegotiated(
            version: ByteString(version.filter { $0 != UInt8(ascii: "v") }),
            cipher: Self.text(SSL_CIPHER_get_name(cipher)),
            standardCipher: Self.text(SSL_CIPHER_standard_name(cipher)),
            bits: Int(SSL_CIPHER_get_bits(cipher, nil)), chain: [], peerDN: peerDN,
            isVerified: false, verifyError: nil, ourCertificate: nil,
            applicationProtocol: applicationProtocol)
    }

    private var peerDN: ByteString? {
        guard let certificate = unsafe SSL_get0_peer_certificate(session),
            let text = unsafe X509_NAME_oneline(X509_get_subject_name(certificate), nil, 0)
        else { return nil }
        defer { unsafe CRYPTO_free(text, nil, 0) }
        // As long as it may be in Exim's logs and spool files.
        return unsafe ByteString(Self.text(text).prefix(Self.longestDN))
    }

    private static let longestDN = 255

    private var applicationProtocol: ByteString? {
        var start: UnsafePointer<UInt8>?
        var count: UInt32 = 0
        unsafe SSL_get0_alpn_selected(session, &start, &count)
        guard let start = unsafe start, count > 0 else { return nil }
        return unsafe ByteString(UnsafeBufferPointer(start: start, count: Int(count)))
    }

    /// The peer's own certificate first; the verified chain where there is one.
    func peerChain() throws(OpenSSLError) -> [Certificate] {
        guard let own = unsafe SSL_get0_peer_certificate(session) else { return [] }
        var others: [Certificate] = []
        if let chain = unsafe SSL_get0_verified_chain(session) ?? SSL_get_peer_cert_chain(session) {
            for index in 0..<max(0, unsafe OPENSSL_sk_num(chain)) {
                guard let element = unsafe OPENSSL_sk_value(chain, index) else { continue }
                let certificate = OpaquePointer(element)
                if unsafe X509_cmp(certificate, own) == 0 { continue }
                others.append(try unsafe Certificate(CertificateReader(certificate)))
            }
        }
        return try unsafe [Certificate(CertificateReader(own))] + others
    }

    /// Whether the server has asked for our certificate, and got it.
    var hasSentCertificate: Bool { unsafe SSL_get_certificate(session) != nil }

    var verifyError: ByteString? {
        let code = unsafe SSL_get_verify_result(session)
        return code == X509_V_OK ? nil : unsafe Self.text(X509_verify_cert_error_string(code))
    }

    private static func text(_ pointer: UnsafePointer<CChar>?) -> ByteString {
        unsafe pointer.map { unsafe ByteString(String(cString: $0)) } ?? ""
    }
}
