package import Bytes
internal import COpenSSL

/// A public key, freed with the value.
@safe package struct PublicKey: ~Copyable {
    private let key: OpaquePointer
    /// What it is for.
    package let type: KeyType

    /// The octets of an Ed25519 key (RFC 8032, section 5.1.5).
    private static let rawLength = 32

    /// Reads an RSA key of its DER: a SubjectPublicKeyInfo (RFC 5280), or a bare RSAPublicKey (RFC 8017).
    ///
    /// - Throws: what libcrypto says of one that it cannot read, or that it is none of RSA.
    package init(rsa der: ByteString) throws(OpenSSLError) {
        ERR_clear_error()
        guard let key = unsafe Self.wrapped(der) ?? Self.bare(der) else { throw .drain(after: "public key") }
        guard unsafe KeyType(key) == .rsa else {
            unsafe EVP_PKEY_free(key)
            throw OpenSSLError(operation: "public key", reason: "not one of RSA")
        }
        type = .rsa
        unsafe self.key = key
    }

    /// Makes an Ed25519 key of its 32 octets, or of the last 32 of a SubjectPublicKeyInfo.
    ///
    /// - Throws: that they are too few, or what libcrypto says of them.
    package init(ed25519 octets: ByteString) throws(OpenSSLError) {
        let raw = Array(octets.suffix(Self.rawLength))
        guard raw.count == Self.rawLength else {
            throw OpenSSLError(operation: "public key", reason: "fewer than 32 octets")
        }
        ERR_clear_error()
        guard let key = unsafe EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nil, raw, raw.count) else {
            throw .drain(after: "public key")
        }
        type = .ed25519
        unsafe self.key = key
    }

    deinit { unsafe EVP_PKEY_free(key) }

    private static func wrapped(_ der: ByteString) -> OpaquePointer? {
        unsafe der.bytes.withUnsafeBufferPointer { octets in
            var place = unsafe octets.baseAddress
            return unsafe d2i_PUBKEY(nil, &place, octets.count)
        }
    }

    private static func bare(_ der: ByteString) -> OpaquePointer? {
        unsafe der.bytes.withUnsafeBufferPointer { octets in
            var place = unsafe octets.baseAddress
            return unsafe d2i_PublicKey(EVP_PKEY_RSA, nil, &place, octets.count)
        }
    }

    /// The bits of the modulus, or 256 for Ed25519.
    package var bits: Int { type == .rsa ? Int(unsafe EVP_PKEY_get_bits(key)) : Self.rawLength * 8 }

    /// Checks a signature; throws what libcrypto says of one that is not of these octets by this key.
    package borrowing func check(
        _ signature: ByteString, of octets: ByteString, _ digest: Digest.Algorithm
    ) throws(OpenSSLError) {
        ERR_clear_error()
        guard let context = unsafe EVP_MD_CTX_new() else { throw .drain(after: "EVP_MD_CTX_new") }
        defer { unsafe EVP_MD_CTX_free(context) }
        let name = type == .rsa ? digest.rawValue : nil
        guard unsafe EVP_DigestVerifyInit_ex(context, nil, name, nil, nil, key, nil) == 1 else {
            throw .drain(after: "verifying")
        }
        let verdict = unsafe EVP_DigestVerify(
            context, signature.bytes, signature.count, octets.bytes, octets.count)
        guard verdict == 1 else {
            ERR_clear_error()
            throw OpenSSLError(
                operation: "verifying", reason: "Public key signature verification has failed.")
        }
    }
}
