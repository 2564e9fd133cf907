import Bytes
import OpenSSL
import TestKit
import Testing

/// What the corpus of `scripts/compare-exim certificates` does not look at: octets that are no certificate.
@Suite("Certificates")
struct CertificateTests {
    private static func sample(_ name: String) -> ByteString {
        let tests = #filePath.split(separator: "/").dropLast(2).joined(separator: "/")
        return readFile("/\(tests)/SystemTests/Fixtures/compare/certificates/\(name).crt")
    }

    private static func pem(_ octets: ByteString) -> ByteString {
        let text = Base64.encode(octets)
        let lines = stride(from: 0, to: text.count, by: 64).map {
            ByteString(text[$0..<min($0 + 64, text.count)])
        }
        return "-----BEGIN CERTIFICATE-----\n\(lines.joined(separator: "\n"))\n-----END CERTIFICATE-----\n"
    }

    @Test("A certificate is read as it stands, and its octets make it again")
    func whole() throws {
        let certificate = try Certificate(pem: Self.sample("rich"))
        #expect(
            certificate.alternativeNames.prefix(3) == [
                .dns("mail.example.org"), .dns("*.example.net"), .mail("joe@example.org"),
            ])
        #expect(certificate.subject.count { $0.isJoined } == 1)
        #expect(try Certificate(pem: Self.pem(certificate.encoded)) == certificate)
    }

    @Test(
        "What is no certificate is refused with libcrypto's reason",
        arguments: ["", "x", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"] as [ByteString]
    )
    func refused(text: ByteString) throws {
        let error = try #require(throws: OpenSSLError.self) { _ = try Certificate(pem: text) }
        #expect(!error.reason.isEmpty && error.reason != "no reason given")
    }

    @Test("A version that is no number of versions is none")
    func largestVersion() throws {
        let folder = #filePath.split(separator: "/").dropLast().joined(separator: "/")
        let text = readFile("/\(folder)/Fixtures/largest-version.pem")
        #expect(try Certificate(pem: text).version == 0)
    }

    @Test("A text that is longer than any certificate is refused unread")
    func long() throws {
        let text = Self.sample("ec") + ByteString(Array(repeating: UInt8.newline, count: Certificate.longest))
        #expect(throws: OpenSSLError.self) { _ = try Certificate(pem: text) }
    }

    @Test("Whatever becomes of a certificate's octets, reading ends", arguments: ["rich", "labels", "pss"])
    func fuzz(name: String) throws {
        var random = SeededGenerator(seed: 5280)
        let octets = try Certificate(pem: Self.sample(name)).encoded
        var readable = 0
        for _ in 0..<300 {
            if (try? Certificate(pem: Self.pem(octets.mutated(using: &random)))) != nil { readable += 1 }
            // One octet in place leaves the lengths as they are, so that more is looked at.
            var changed = octets
            changed[Int.random(in: 0..<octets.count, using: &random)] = .random(in: 0...255, using: &random)
            if (try? Certificate(pem: Self.pem(changed))) != nil { readable += 1 }
        }
        #expect(readable > 75)
    }
}
