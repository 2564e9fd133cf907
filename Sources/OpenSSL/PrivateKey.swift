package import Bytes
internal import COpenSSL

/// What a key for signing messages is for (RFC 6376, RFC 8463).
package enum KeyType: Sendable, Hashable, CaseIterable {
    /// RSASSA-PKCS1-v1_5 (RFC 8017, section 8.2).
    case rsa
    /// Pure Ed25519 (RFC 8032).
    case ed25519
}

/// A private key, wiped and freed with the value.
@safe package struct PrivateKey: ~Copyable {
    private let key: OpaquePointer
    /// What it is for.
    package let type: KeyType

    /// The longest text of a key, in octets.
    private static let longest = 1 << 16

    /// Reads a key of a text in PEM, as PKCS#1 or PKCS#8 (RFC 7468).
    ///
    /// - Throws: what libcrypto says of one that it cannot read, or that the key is of another type.
    package init(pem: ByteString) throws(OpenSSLError) {
        guard pem.count <= Self.longest else {
            throw OpenSSLError(operation: "private key", reason: "longer than \(Self.longest) octets")
        }
        ERR_clear_error()
        let found = unsafe pem.bytes.withUnsafeBytes { octets -> OpaquePointer? in
            guard let source = unsafe BIO_new_mem_buf(octets.baseAddress, CInt(octets.count)) else {
                return nil
            }
            defer { unsafe BIO_free(source) }
            // Nobody is asked for a password.
            return unsafe PEM_read_bio_PrivateKey(source, nil, { _, _, _, _ in -1 }, nil)
        }
        guard let key = unsafe found else { throw .drain(after: "private key") }
        guard let type = unsafe KeyType(key) else {
            unsafe EVP_PKEY_free(key)
            throw OpenSSLError(operation: "private key", reason: "neither RSA nor Ed25519")
        }
        self.type = type
        unsafe self.key = key
    }

    deinit { unsafe EVP_PKEY_free(key) }

    /// The octets of a signature.
    package var signatureLength: Int { Int(unsafe EVP_PKEY_get_size(key)) }

    /// Signs octets: by a digest for RSA, as they are for Ed25519.
    package borrowing func sign(
        _ octets: ByteString, _ digest: Digest.Algorithm
    ) throws(OpenSSLError) -> ByteString {
        ERR_clear_error()
        guard let context = unsafe EVP_MD_CTX_new() else { throw .drain(after: "EVP_MD_CTX_new") }
        defer { unsafe EVP_MD_CTX_free(context) }
        let name = type == .rsa ? digest.rawValue : nil
        var result = [UInt8](repeating: 0, count: signatureLength)
        var length = result.count
        let done =
            unsafe EVP_DigestSignInit_ex(context, nil, name, nil, nil, key, nil) == 1
            && EVP_DigestSign(context, &result, &length, octets.bytes, octets.count) == 1
        guard done else { throw .drain(after: "signing") }
        return ByteString(result.prefix(length))
    }
}

extension KeyType {
    /// What a key of libcrypto's is for; nil for another.
    init?(_ key: OpaquePointer) {
        switch unsafe EVP_PKEY_get_base_id(key) {
        case EVP_PKEY_RSA: self = .rsa
        case EVP_PKEY_ED25519: self = .ed25519
        default: return nil
        }
    }
}
