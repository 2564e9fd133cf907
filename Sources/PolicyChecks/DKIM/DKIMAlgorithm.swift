package import Bytes
package import OpenSSL

/// How a signature is made (RFC 6376, section 3.3; RFC 8463): `rsa-sha256` and its kind.
package struct DKIMAlgorithm: Sendable, Hashable {
    /// The hashes.
    package enum Hash: Sendable, Hashable, CaseIterable {
        /// Broken (RFC 8301); not taken unless `dkim_verify_hashes` says so.
        case sha1
        /// The usual one.
        case sha256
        /// Exim's addition.
        case sha512

        /// The word in `a=` and `h=`.
        package var word: ByteString {
            switch self {
            case .sha1: "sha1"
            case .sha256: "sha256"
            case .sha512: "sha512"
            }
        }

        /// The hash of a word.
        package init?(_ word: some Collection<UInt8>) {
            guard let hash = Self.allCases.first(where: { $0.word.elementsEqual(word) }) else { return nil }
            self = hash
        }

        /// What computes it.
        package var digest: Digest.Algorithm {
            switch self {
            case .sha1: .sha1
            case .sha256: .sha256
            case .sha512: .sha512
            }
        }
    }

    /// What the key is for.
    package let type: KeyType
    /// What is signed of the message.
    package let hash: Hash

    /// Makes an algorithm.
    package init(_ type: KeyType, _ hash: Hash) {
        self.type = type
        self.hash = hash
    }

    /// The algorithm of an `a=` tag; nil for one that is not known.
    package init?(_ word: some Collection<UInt8>) {
        guard let (before, after) = ByteString(word).cut(at: UInt8(ascii: "-")),
            let type = KeyType(ByteString(before)), let hash = Hash(after)
        else { return nil }
        self.init(type, hash)
    }

    /// The word in `a=`.
    package var word: ByteString { "\(type.word)-\(hash.word)" }

    /// What of canonical octets the key signs: the octets, or their hash for Ed25519 (RFC 8463, section 3).
    func signed(_ octets: ByteString) throws(OpenSSLError) -> ByteString {
        type == .rsa ? octets : try Digest.of(octets, hash.digest)
    }
}

extension KeyType {
    /// The word in `a=` and `k=`.
    package var word: ByteString {
        switch self {
        case .rsa: "rsa"
        case .ed25519: "ed25519"
        }
    }

    /// The type of a word; nil for another.
    package init?(_ word: ByteString) {
        guard let type = Self.allCases.first(where: { $0.word == word }) else { return nil }
        self = type
    }
}
