import Bytes
internal import COpenSSL

/// A certificate that vouches for itself, for a server that has been given none; freed with the value.
@safe struct SelfSigned: ~Copyable {
    let certificate: OpaquePointer
    let key: OpaquePointer

    /// Long enough for any process that does not read its configuration anew.
    private static let lifetime = 365 * 24 * 3600

    /// The longest common name (RFC 5280, appendix A.1).
    private static let longestName = 64

    /// Makes a key on the curve P-256 and a certificate for a host.
    init(_ name: ByteString) throws(OpenSSLError) {
        guard let key = unsafe shim_elliptic_key("P-256") else { throw .drain(after: "key") }
        guard let certificate = unsafe X509_new() else {
            unsafe EVP_PKEY_free(key)
            throw .drain(after: "certificate")
        }
        guard unsafe Self.fill(certificate, key, name) else {
            unsafe X509_free(certificate)
            unsafe EVP_PKEY_free(key)
            throw .drain(after: "self-signed certificate")
        }
        unsafe self.key = key
        unsafe self.certificate = certificate
    }

    deinit {
        unsafe X509_free(certificate)
        unsafe EVP_PKEY_free(key)
    }

    private static func fill(_ certificate: OpaquePointer, _ key: OpaquePointer, _ name: ByteString) -> Bool {
        let subject = unsafe X509_get_subject_name(certificate)
        return unsafe X509_set_version(certificate, 2) == 1
            && ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) == 1
            && X509_gmtime_adj(X509_getm_notBefore(certificate), 0) != nil
            && X509_gmtime_adj(X509_getm_notAfter(certificate), lifetime) != nil
            && X509_set_pubkey(certificate, key) == 1
            && X509_NAME_add_entry_by_txt(
                subject, "CN", MBSTRING_UTF8, name.bytes, CInt(min(name.count, longestName)), -1, 0) == 1
            && X509_set_issuer_name(certificate, subject) == 1
            && X509_sign(certificate, key, EVP_sha256()) > 0
    }
}
