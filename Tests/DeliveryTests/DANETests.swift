import Bytes
import Foundation
import TestKit
import Testing

/// DANE: the area Dane, whose deliveries are made once for all tests here, and what only we promise.
extension DeliveryTests {
    private enum Named {
        static let area = Task { try DeliveryArea.named("Dane") }
        static let outcomes = Task { try await area.value.outcomes() }

        /// What Bobbin's delivery left.
        static func lines(_ title: String) async throws -> [String] {
            let outcomes = try await outcomes.value
            return try #require(outcomes.first { $0.0 == title }, "no delivery \(title)").2
        }

        /// Whether Bobbin has delivered, with such a word for the verification.
        static func isDelivered(_ title: String, by verification: String) async throws -> Bool {
            try await lines(title).contains {
                $0.hasPrefix("main: ") && $0.contains(" => ") && $0.contains(" CV=\(verification) ")
            }
        }

        /// Whether Bobbin has put it off, and no server has heard of the message.
        static func isDeferred(_ title: String, _ number: Int32) async throws -> Bool {
            let lines = try await lines(title)
            return lines.contains { $0.contains(" == ") && $0.contains(" defer (\(number))") }
                && !lines.contains { $0.contains(/^127\.0\.1\.[0-9] .*(MAIL|RCPT|DATA|BDAT|\|)/) }
        }
    }

    @Test("Deliveries by DANE leave what Exim's leave")
    func namedDeliveries() async throws {
        try check(try await Named.area.value, try await Named.outcomes.value)
    }

    @Test(
        "DANE-01, DANE-08, DANE-09, DANE-12, DANE-13, DANE-23: a signed TLSA record of whatever kind verifies the server, whoever vouches for its certificate",
        arguments: [
            "its own certificate", "by MX", "by SHA-256", "the certificate, not the key",
            "the whole certificate", "self-signed, for another name", "expired", "an authority behind it",
            "records of several kinds", "records by another name", "a host by another name", "TLS at once",
        ])
    func verified(title: String) async throws {
        let lines = try await Named.lines(title)
        #expect(try await Named.isDelivered(title, by: "dane"), "\(lines)")
    }

    @Test(
        "DANE-06, DANE-07: once there is a usable TLSA record, nothing else serves: another certificate, none, no STARTTLS, a stripped offer, a broken handshake put the message off",
        arguments: [
            ("another certificate", -37), ("an authority, and a stranger's certificate", -37),
            ("records of several kinds, of which none fits", -37), ("a handshake that is none", -37),
            ("no STARTTLS", -38), ("EHLO is refused", -38), ("STARTTLS is refused", 0),
            ("TLS is avoided", -38), ("records that are of no use, and they are wanted", -37),
            ("records that are of no use, and no STARTTLS", -38),
        ] as [(String, Int32)])
    func compulsory(title: String, number: Int32) async throws {
        let lines = try await Named.lines(title)
        #expect(try await Named.isDeferred(title, number), "\(lines)")
    }

    @Test(
        "DANE-11: a certificate of the right authority must carry the host's name; one that is pinned need not"
    )
    func nameOfAnAuthority() async throws {
        #expect(try await Named.isDeferred("an authority for another name", -37))
        #expect(try await Named.isDelivered("an authority behind it", by: "dane"))
        #expect(try await Named.isDelivered("self-signed, for another name", by: "dane"))
    }

    @Test(
        "DANE-02: hosts_require_dane lets nothing go where DANE cannot verify",
        arguments: [
            "no records, but wanted", "records that are not signed, but wanted",
            "a host by a name outside, but wanted", "MX records that are not signed, but wanted",
            "an address that is not signed, but wanted",
        ])
    func required(title: String) async throws {
        let lines = try await Named.lines(title)
        #expect(lines.contains { $0.contains(" ** ") && $0.contains(": DANE error: ") }, "\(lines)")
        #expect(!lines.contains { $0.hasPrefix("127.0.1.") }, "\(lines)")
        #expect(try await Named.isDelivered("wanted, and there", by: "dane"))
    }

    @Test(
        "DANE-03, DANE-04, DANE-28: where MX, alias, address or TLSA record is not signed, the ordinary options decide",
        arguments: [
            "MX records that are not signed", "a host by a name outside",
            "an address that is not signed", "records that are not signed", "no records",
        ])
    func unsigned(title: String) async throws {
        let lines = try await Named.lines(title)
        #expect(try await Named.isDelivered(title, by: "no"), "\(lines)")
    }

    @Test("DANE-05: TLSA records are looked for where one of the two options has the host")
    func lookedFor() async throws {
        // Each of these hosts has a record that does not fit.
        for title in ["not tried", "tried elsewhere"] {
            #expect(try await Named.isDelivered(title, by: "no"))
        }
        #expect(try await Named.isDeferred("another certificate", -37))
        #expect(try await Named.isDelivered("wanted, but not tried", by: "dane"))
    }

    @Test(
        "DANE-15, DANE-16, DANE-17, DANE-18, DANE-19, DANE-20: where DANE verifies, the other options on TLS do not count"
    )
    func ignored() async throws {
        for title in ["options that do not count", "no authorities"] {
            let lines = try await Named.lines(title)
            #expect(try await Named.isDelivered(title, by: "dane"), "\(lines)")
        }
        #expect(
            try await Named.lines("options that do not count").contains {
                $0.hasSuffix("<TLS sni=lone.tls.test>")
            })
    }

    @Test(
        "DANE-21, DANE-22: dnssec_request_domains must have the domain; dnssec_require_domains does nothing for DANE"
    )
    func requested() async throws {
        #expect(try await Named.isDelivered("nobody asks for signatures", by: "no"))
        #expect(
            try await Named.lines("signatures must be, and nobody tries").contains { $0.contains(" == ") })
    }

    @Test("EVT-39, DANE-24, DANE-25: events know whether DANE has verified, and which usages there were")
    func events() async throws {
        func heard(_ title: String) async throws -> [String] {
            try await Named.lines(title).compactMap {
                $0.firstMatch(of: /EV (dane:fail|msg:delivery) .*? (dane=[a-z]+( usage=[0-9]+)?).* H=/).map {
                    "\($0.1) \($0.2)"
                }
            }
        }
        #expect(try await heard("its own certificate") == ["msg:delivery dane=yes"])
        #expect(try await heard("no records") == ["msg:delivery dane=no"])
        #expect(try await heard("another certificate") == ["dane:fail dane=no usage=8"])
        #expect(
            try await heard("an authority, and a stranger's certificate") == ["dane:fail dane=no usage=4"])
        #expect(
            try await heard("records of several kinds, of which none fits") == ["dane:fail dane=no usage=12"])
        #expect(try await heard("no STARTTLS") == ["dane:fail dane=no usage=0"])
    }

    @Test(
        "OCC-06, OCC-07, DANE-26: a proof is asked for without DANE and where only authorities are pinned, unless hosts_request_ocsp says otherwise by the usage"
    )
    func proofs() async throws {
        let names = try await Self.names(6)
        let byUsage: ByteString = "smtp: hosts_request_ocsp = ${if ={8}{$tls_out_tlsa_usage}{*}}\n"
        for (domain, certificate, option, code) in [
            ("without", "good", "", 1), ("ta", "rooted", "", 1), ("ee", "good", "", 0),
            ("mixed", "good", "", 0), ("ee", "good", byUsage, 1), ("ta", "rooted", byUsage, 0),
        ] as [(String, String, ByteString, Int)] {
            let text = Self.letter(to: domain, certificate).replacing(
                ByteString("offers:"),
                with: option + ByteString("main: PROOF = ocsp=$tls_out_ocsp\noffers:"))
            let lines = try await Self.performed(text, names)
            #expect(
                lines.contains { $0.contains("EV msg:delivery ") && $0.contains("ocsp=\(code) ") },
                "\(domain): \(lines)")
        }
    }

    @Test("A host whose TLSA records cannot be had is passed over, and the next one serves")
    func passedOver() async throws {
        for title in ["records that cannot be had", "records that cannot be had, but are wanted"] {
            #expect(try await Named.isDeferred(title, -36))
            let lines = try await Named.lines(title)
            #expect(!lines.contains { $0.hasPrefix("127.0.1.2") })
        }
        let lines = try await Named.lines("the first host's records cannot be had")
        #expect(lines.contains { $0.contains(" => ") && $0.contains("H=mx3.tls.test") })
    }

    /// Serves the area's zones at an address of its own, edited after they were signed.
    private static func names(
        _ place: UInt32, forge: (ZoneServer.Zone) -> ZoneServer.Zone = { $0 }
    ) async throws -> NameService {
        let address = 0x7F06_0000 + (place << 12) + UInt32(getpid() & 0xFFF | 1)
        return try NameService(try await Named.area.value.zones, at: address, forge: forge)
    }

    /// Makes a delivery of the area by Bobbin alone; gives what is left.
    private static func performed(_ text: ByteString, _ names: NameService) async throws -> [String] {
        let delivery = try Delivery.parse(text)[0]
        let area = try await Named.area.value
        return try Stage(delivery, area.configuration, names, isExim: false).perform()
    }

    private static func letter(to domain: String, _ certificate: String) -> ByteString {
        """
        == one
        offers: SIZE STARTTLS
        tls: \(ByteString(certificate))
        mail: <a@example.org>
        rcpt: <b@\(ByteString(domain)).tls.test>
        run: -q
        """
    }

    @Test(
        "What a forger makes of a signed zone's TLSA record, address or MX keeps the mail here, whatever his server shows"
    )
    func forgers() async throws {
        let papers = try Papers.made()
        let (good, stranger) = try (
            papers.association(["good", "1", "1"]), papers.association(["stranger", "1", "1"])
        )
        // The forger's own certificate in the place of the host's.
        let pinned = try await Self.performed(
            Self.letter(to: "ee256", "stranger"),
            Self.names(1) { $0.tampered(good, with: stranger) })
        // Another host in the place of the one that is meant.
        let led = try await Self.performed(
            Self.letter(to: "viamx", "stranger"),
            Self.names(2) { $0.tampered("MX\t10 ee.tls.test.", with: "MX\t10 mx3.tls.test.") })
        for lines in [pinned, led] {
            #expect(lines.contains { $0.contains(" == ") }, "\(lines)")
            #expect(!lines.contains { $0.hasPrefix("127.0.1.2") || $0.contains(" => ") }, "\(lines)")
        }
    }

    @Test(
        "A message that DANE must verify does not use a connection that it has not verified, to the same host"
    )
    func notPooledWithoutDANE() async throws {
        let lines = try await Self.performed(
            """
            == two
            smtp: hosts_try_dane = ${if eq{$domain}{alsoviamx.tls.test}{*}}
            offers: SIZE STARTTLS
            tls: stranger
            mail: <a@example.org>
            rcpt: <b@viamx.tls.test>
            mail: <a@example.org>
            rcpt: <b@alsoviamx.tls.test>
            run: -q
            """, Self.names(3))
        #expect(lines.contains { $0.contains("<TLS RCPT TO:<b@viamx.tls.test>") }, "\(lines)")
        #expect(!lines.contains { $0.contains("RCPT TO:<b@alsoviamx.tls.test>") }, "\(lines)")
        #expect(lines.contains { $0.contains(" == b@alsoviamx.tls.test ") })
    }

    @Test(
        "A recipient whose domain is signed is verified by DANE, whatever recipient of the same host comes first"
    )
    func notGroupedWithoutDANE() async throws {
        let lines = try await Self.performed(
            """
            == mixed
            offers: SIZE STARTTLS
            tls: stranger
            mail: <a@example.org>
            rcpt: <b@viaplain.plain.test>
            rcpt: <b@viamx.tls.test>
            run: -q
            """, Self.names(7))
        #expect(lines.contains { $0.contains(" => b@viaplain.plain.test ") }, "\(lines)")
        #expect(lines.contains { $0.contains(" == b@viamx.tls.test ") }, "\(lines)")
        #expect(!lines.contains { $0.contains("RCPT TO:<b@viamx.tls.test>") }, "\(lines)")
    }

    @Test("dane_require_tls_ciphers stands in the place of tls_require_ciphers where DANE verifies")
    func ciphers() async throws {
        for (host, suite) in [("ee", "AES128"), ("without", "AES256")] {
            let lines = try await Self.performed(
                """
                == ciphers
                main: .ifdef _OPT_MAIN_DNS_TRUST_ANCHOR_FILE
                main: openssl_options = +no_tlsv1_3
                main: .endif
                smtp: dane_require_tls_ciphers = ECDHE-RSA-AES128-GCM-SHA256
                smtp: tls_require_ciphers = ECDHE-RSA-AES256-GCM-SHA384
                trust: tls_verify_certificates = SITE/ca.crt
                offers: SIZE STARTTLS
                tls: good
                mail: <a@example.org>
                rcpt: <b@\(ByteString(host)).tls.test>
                run: -q
                """, Self.names(4))
            let bits = suite.dropFirst(3)
            #expect(
                lines.contains { $0.contains(" => ") && $0.contains("X=TLS1.2:<cipher>:\(bits) ") },
                "\(lines)")
        }
    }

    @Test("A callout goes by DANE as a delivery does")
    func calloutByDANE() async throws {
        let names = try await Self.names(5)
        for (domain, certificate, code) in [
            ("ee", "good", "250"), ("wrong", "good", "451"), ("lost", "good", "451"),
            ("without", "own", "250"),
        ] {
            let text: ByteString = """
                == callout
                main: acl_smtp_rcpt = check
                offers: SIZE STARTTLS
                tls: \(ByteString(certificate))
                """
            let area = try await Named.area.value
            let check: ByteString =
                "begin acl\ncheck:\n  require verify = recipient/callout=30s,no_cache\n  accept\n"
            let configuration = area.configuration.replacing(ByteString("begin acl\n"), with: check)
                .replacing(ByteString("acl_smtp_rcpt = accept\n"), with: ByteString())
            let stage = try Stage(Delivery.parse(text)[0], configuration, names, isExim: false)
            let view = try stage.site.asking(names.address)
            let dialogue: ByteString =
                "EHLO c\r\nMAIL FROM:<a@one.test>\r\nRCPT TO:<b@\(ByteString(domain)).tls.test>\r\nQUIT\r\n"
            let ending = try stage.site.start("bobbin", ["exim", "-bs"], input: dialogue, through: view)
                .wait()
            let answers = Latin1.text(ending.output).split(separator: "\r\n").map(String.init)
            #expect(answers.dropLast().last?.hasPrefix(code) == true, "\(domain): \(answers)")
            let heard = stage.servers.flatMap { $0.lines }
            #expect(heard.contains { $0.contains("RCPT") } == (code == "250"), "\(heard)")
            #expect(heard.allSatisfy { !$0.contains("RCPT") || $0.contains("<TLS RCPT") }, "\(heard)")
        }
    }

    @Test("DANE-14: the command that the guide gives makes the data of a TLSA record")
    func command() throws {
        let guide = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../doc/guides/dane.md")
        let lines = try String(contentsOf: guide, encoding: .utf8).split(separator: "\n").map(String.init)
        let command = try #require(lines.first { $0.contains("openssl x509 ") }).trimmingCharacters(
            in: .whitespaces)
        let papers = try Papers.made()
        let folder = try TemporaryDirectory()
        try folder.write(readFile(papers.good.certificate.string), to: "certificate.pem")
        let ending = try ChildProcess("/bin/sh", ["-c", "cd \"$0\" && \(command)", folder.path.string]).wait()
        #expect(ByteString(ending.output.trimmed()) == (try papers.association(["good", "1", "2"])))
    }
}
