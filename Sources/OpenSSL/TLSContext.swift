import Bytes
internal import COpenSSL
import Glibc
import Synchronization

/// What sessions of one kind share: certificates, keys, trust, protocol versions; made once and then only read.
///
/// `@unchecked`: libssl counts its uses atomically, and nothing is changed after `init`.
@safe package final class TLSContext: @unchecked Sendable {
    let handle: OpaquePointer
    /// Our first certificate; nil without one.
    let ownCertificate: Certificate?
    /// What proves our certificates.
    let proofs: [OCSPProof]
    /// What is wrong with further proofs, which are not used, until somebody has heard of it.
    private let faults: Mutex<[OpenSSLError]>

    /// Reads all files that the settings name.
    ///
    /// - Throws: what libssl says of the file or the text that it refuses, with its name in `operation`.
    package init(_ settings: TLSSettings) throws(OpenSSLError) {
        ERR_clear_error()
        guard let handle = unsafe SSL_CTX_new(TLS_method()) else { throw .drain(after: "TLS context") }
        unsafe self.handle = handle
        let (proofs, faults) = Self.proofs(settings)
        self.proofs = proofs
        self.faults = Mutex(faults)
        do {
            try unsafe Self.limit(handle, settings)
            try unsafe Self.identify(handle, settings)
            try unsafe Self.trust(handle, settings)
            ownCertificate = try unsafe SSL_CTX_get0_certificate(handle).map {
                (own) throws(OpenSSLError) in try unsafe Certificate(CertificateReader(own))
            }
        } catch {
            unsafe SSL_CTX_free(handle)
            throw error
        }
    }

    deinit { unsafe SSL_CTX_free(handle) }

    /// Why proofs are not used (`tls_ocsp_file`); told once.
    package func takeFaults() -> [OpenSSLError] {
        faults.withLock { faults in
            defer { faults = [] }
            return faults
        }
    }

    private static func proofs(_ settings: TLSSettings) -> ([OCSPProof], [OpenSSLError]) {
        var (proofs, faults): ([OCSPProof], [OpenSSLError]) = ([], [])
        for file in settings.proofs {
            do throws(OpenSSLError) {
                proofs.append(try OCSPProof(file, now: Int64(time(nil))))
            } catch {
                faults.append(error)
            }
        }
        return (proofs, faults)
    }

    // MARK: Parts

    private static func limit(_ context: OpaquePointer, _ settings: TLSSettings) throws(OpenSSLError) {
        unsafe SSL_CTX_set_options(context, settings.options.bits)
        unsafe SSL_CTX_clear_options(context, settings.options.taken)
        // Whatever openssl_options says: a ticket would spare a client its certificate.
        unsafe SSL_CTX_set_options(context, TLSOptions.noTicket)
        // The chain is what the file has: else each handshake would look for its issuers among the trusted.
        unsafe shim_set_modes(context)
        // Sessions are not resumed: no identity is kept, no ticket given.
        unsafe shim_set_cache_off(context)
        unsafe SSL_CTX_set_num_tickets(context, 0)
        unsafe ServerCallbacks.install(in: context)
        // So that sessions may do it; this alone changes nothing.
        try unsafe check(SSL_CTX_dane_enable(context), "DANE")
        if let ciphers = settings.ciphers {
            try unsafe check(SSL_CTX_set_cipher_list(context, ciphers.string), "ciphers \(ciphers)")
        }
        if let groups = settings.groups {
            try unsafe check(CInt(shim_set_groups(context, groups.string)), "groups \(groups)")
        }
        guard let file = settings.dhParameters else {
            unsafe shim_set_dh_auto(context)
            return
        }
        let parameters = try unsafe read(file) { unsafe PEM_read_bio_Parameters($0, nil) }
        guard unsafe SSL_CTX_set0_tmp_dh_pkey(context, parameters) == 1 else {
            unsafe EVP_PKEY_free(parameters)
            throw .drain(after: file)
        }
    }

    private static func identify(_ context: OpaquePointer, _ settings: TLSSettings) throws(OpenSSLError) {
        if settings.certificates.isEmpty, let name = settings.selfSignedName {
            let own = try SelfSigned(name)
            try unsafe check(SSL_CTX_use_certificate(context, own.certificate), "self-signed certificate")
            return try unsafe check(SSL_CTX_use_PrivateKey(context, own.key), "self-signed certificate")
        }
        for (index, file) in settings.certificates.enumerated() {
            let keys = settings.privateKeys
            let key = keys.isEmpty ? file : keys[min(index, keys.count - 1)]
            try unsafe check(SSL_CTX_use_certificate_chain_file(context, file.string), file)
            try unsafe check(SSL_CTX_use_PrivateKey_file(context, key.string, SSL_FILETYPE_PEM), key)
            try unsafe check(SSL_CTX_check_private_key(context), key)
        }
    }

    private static func trust(_ context: OpaquePointer, _ settings: TLSSettings) throws(OpenSSLError) {
        switch settings.trust {
        case .nobody: break
        case .system: try unsafe check(SSL_CTX_set_default_verify_paths(context), "the system's certificates")
        case .path(let path) where isDirectory(path):
            try unsafe check(SSL_CTX_load_verify_dir(context, path.string), path)
        case .path(let path):
            try unsafe check(SSL_CTX_load_verify_file(context, path.string), path)
            // A client learns which authorities its certificate may come from.
            unsafe SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(path.string))
        }
        guard let list = settings.revocationList else { return }
        let store = unsafe SSL_CTX_get_cert_store(context)
        let isRead =
            isDirectory(list)
            ? unsafe X509_STORE_load_path(store, list.string)
            : unsafe X509_STORE_load_file(store, list.string)
        try check(isRead, list)
        unsafe X509_STORE_set_flags(store, UInt(X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL))
    }

    private static func check(_ code: CInt, _ operation: ByteString) throws(OpenSSLError) {
        guard code == 1 else { throw .drain(after: operation) }
    }

    private static func read(
        _ file: ByteString, _ parse: (OpaquePointer) -> OpaquePointer?
    ) throws(OpenSSLError) -> OpaquePointer {
        guard let source = unsafe BIO_new_file(file.string, "r") else { throw .drain(after: file) }
        defer { unsafe BIO_free(source) }
        guard let found = unsafe parse(source) else { throw .drain(after: file) }
        return unsafe found
    }
}
