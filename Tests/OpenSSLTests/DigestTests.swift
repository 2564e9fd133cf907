import Bytes
import OpenSSL
import Testing

@Suite("Digests and keyed digests")
struct DigestTests {
    @Test(
        "A digest is the published one of the algorithm",
        arguments: [
            (Digest.Algorithm.md5, "900150983cd24fb0d6963f7d28e17f72"),
            (.sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (.sha3_256, "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532"),
        ])
    func published(algorithm: Digest.Algorithm, expected: String) throws {
        #expect(Hex.encode(try Digest.of("abc", algorithm)).string == expected)
    }

    @Test("Octets given in parts have the digest of the whole", arguments: Digest.Algorithm.allCases)
    func parts(algorithm: Digest.Algorithm) throws {
        var digest = try Digest(algorithm)
        try digest.update("The quick brown fox ")
        try digest.update("")
        try digest.update("jumps over the lazy dog")
        #expect(try digest.finish() == Digest.of("The quick brown fox jumps over the lazy dog", algorithm))
    }

    @Test("A keyed digest is that of RFC 2202 and RFC 4231")
    func keyed() throws {
        let text = ByteString("what do ya want for nothing?")
        let md5 = try MessageAuthentication.hmac(text, key: "Jefe", .md5)
        #expect(Hex.encode(md5) == "750c783e6ab0b503eaa86e310a5db738")
        let sha256 = try MessageAuthentication.hmac(text, key: "Jefe", .sha256)
        #expect(Hex.encode(sha256) == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    }
}
