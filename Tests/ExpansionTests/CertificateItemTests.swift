import Bytes
import Expansion
import OpenSSL
import TestKit
import Testing

/// `certextract` with selectors that nobody would write; what it gives is compared with Exim by `scripts/compare-exim`.
@Suite("Certificates in expansions")
struct CertificateItemTests {
    @Test("Whatever the selector, certextract gives a text, nothing, or says that the selector is bad")
    func selectors() async throws {
        let tests = #filePath.split(separator: "/").dropLast(2).joined(separator: "/")
        let sample = readFile("/\(tests)/SystemTests/Fixtures/compare/certificates/rich.crt")
        var facts = Facts()
        facts.connection.tlsIn.peerCertificate = try Certificate(pem: sample)
        let expander = Expander(Environment())
        var random = SeededGenerator(seed: 4514)
        let seeds: [ByteString] = [
            "version", "serial_number,int", "subject,CN,>:", "issuer,>;", "notbefore,int",
            "subj_altname,dns,>,",
            "crl_uri,>:", "ocsp_uri", "sig_algorithm", "signature",
        ]
        for round in 0..<1000 {
            let selector = seeds[round % seeds.count].mutated(alphabet: ",>:;. dnsintCN", using: &random)
            do throws(ExpansionError) {
                _ = try await expander.expand(
                    Template("${certextract{\(selector)}{$tls_in_peercert}{yes}{no}}"), facts)
            } catch {
                #expect(error.text.starts(with: ByteString("bad field selector")), "\(error.text)")
            }
        }
    }
}
