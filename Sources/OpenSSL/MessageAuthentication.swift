package import Bytes

/// Keyed digests (RFC 2104).
package enum MessageAuthentication {
    /// The HMAC of octets under a key, computed of two digests.
    package static func hmac(
        _ octets: ByteString, key: ByteString, _ algorithm: Digest.Algorithm
    ) throws(OpenSSLError) -> ByteString {
        let block = blockSize(of: algorithm)
        let short = key.count > block ? try Digest.of(key, algorithm) : key
        let padded = short + repeatElement(0, count: block - short.count)
        var inner = try Digest(algorithm)
        try inner.update(ByteString(padded.map { $0 ^ 0x36 }))
        try inner.update(octets)
        var outer = try Digest(algorithm)
        try outer.update(ByteString(padded.map { $0 ^ 0x5C }))
        try outer.update(try inner.finish())
        return try outer.finish()
    }

    private static func blockSize(of algorithm: Digest.Algorithm) -> Int {
        switch algorithm {
        case .md5, .sha1, .sha224, .sha256: 64
        case .sha384, .sha512: 128
        case .sha3_224: 144
        case .sha3_256: 136
        case .sha3_384: 104
        case .sha3_512: 72
        }
    }
}
