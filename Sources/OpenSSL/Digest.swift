package import Bytes

/// A message digest under way (FIPS 180-4, FIPS 202, RFC 1321).
package struct Digest: ~Copyable {
    /// The algorithms that mail and Exim's expansions use.
    package enum Algorithm: String, Sendable, Hashable, CaseIterable {
        /// 16 octets.
        case md5 = "MD5"
        /// 20 octets.
        case sha1 = "SHA1"
        /// 28 octets.
        case sha224 = "SHA224"
        /// 32 octets.
        case sha256 = "SHA256"
        /// 48 octets.
        case sha384 = "SHA384"
        /// 64 octets.
        case sha512 = "SHA512"
        /// 28 octets.
        case sha3_224 = "SHA3-224"
        /// 32 octets.
        case sha3_256 = "SHA3-256"
        /// 48 octets.
        case sha3_384 = "SHA3-384"
        /// 64 octets.
        case sha3_512 = "SHA3-512"
    }

    private let context: DigestContext
    private let algorithm: Algorithm

    /// Begins a digest.
    ///
    /// - Throws: what libcrypto says when it has no such algorithm (a FIPS provider lacks MD5).
    package init(_ algorithm: Algorithm) throws(OpenSSLError) {
        let context = try DigestContext()
        guard context.begin(algorithm.rawValue) else { throw .drain(after: "digest \(algorithm.rawValue)") }
        self.context = context
        self.algorithm = algorithm
    }

    /// Adds octets.
    package mutating func update(_ octets: ByteString) throws(OpenSSLError) {
        guard context.update(octets.bytes) else { throw .drain(after: "digest \(algorithm.rawValue)") }
    }

    /// Ends the digest and gives its octets.
    package consuming func finish() throws(OpenSSLError) -> ByteString {
        guard let result = context.finish() else { throw .drain(after: "digest \(algorithm.rawValue)") }
        return ByteString(result)
    }

    /// The digest of octets that are all at hand.
    package static func of(_ octets: ByteString, _ algorithm: Algorithm) throws(OpenSSLError) -> ByteString {
        var digest = try Digest(algorithm)
        try digest.update(octets)
        return try digest.finish()
    }
}
