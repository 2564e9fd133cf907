import Bytes
import Foundation
import TestKit
import Testing

/// Proofs that certificates are not revoked (OCSP), with a real Exim and with `openssl` at the other end.
extension DeliveryTests {
    /// A server's certificate and what its authority says of it, made once.
    private struct Proven: Sendable {
        let authority: TestAuthority
        let own: TestAuthority.Identity
        /// The files, in DER, by what is with them.
        let proofs: [String: ByteString]

        private static let shared = Result { try Proven() }

        static func made() throws -> Proven { try shared.get() }

        private init() throws {
            let authority = try TestAuthority()
            self.authority = authority
            own = try authority.issue("mx.proof.test")
            let other = try authority.issue("other.proof.test")
            let signer = try authority.delegate(named: "signer")
            var proofs: [String: ByteString] = [:]
            func prove(
                _ name: String, of identity: TestAuthority.Identity,
                _ change: (inout TestAuthority.Proof) -> Void = { _ in }
            ) throws {
                var proof = TestAuthority.Proof()
                change(&proof)
                proofs[name] = try authority.prove(identity, proof, named: name)
            }
            try prove("good", of: own)
            try prove("revoked", of: own) { $0.isRevoked = true }
            try prove("endless", of: own) { $0.days = nil }
            try prove("other", of: other)
            try prove("delegated", of: own) { $0.signer = signer }
            try prove("unsigned", of: own) {
                $0.signer = signer
                $0.hasSigner = false
            }
            self.proofs = proofs
        }

        /// Writes certificate, key, authority and a proof (`proof`) into a site.
        func put(into site: MailSite, _ proof: String?) throws {
            var files: [(ByteString, ByteString)] = [
                ("own.crt", own.certificate), ("own.key", own.key), ("ca.crt", authority.certificate),
            ]
            if let path = proof.flatMap({ proofs[$0] }) { files.append(("proof", path)) }
            for (name, path) in files {
                try site.directory.write(readFile(path.string), to: name)
                try MailSite.give(site.directory.file(name))
            }
        }
    }

    // MARK: As a client

    /// Sends a message by Bobbin to an Exim that staples a proof; whether it came, the value of `$tls_out_ocsp`, the log.
    private static func sent(_ proof: String?, _ options: ByteString) throws -> (Bool, String?, [String]) {
        let peer = try MailSite(
            """
            tls_advertise_hosts = *
            tls_certificate = SITE/own.crt
            tls_privatekey = SITE/own.key
            \(proof == nil ? "" : "tls_ocsp_file = SITE/proof")
            queue_only
            acl_smtp_rcpt = accept
            """)
        try Proven.made().put(into: peer, proof)
        let (daemon, port) = try peer.eximDaemon()
        let site = try sender(port, options)
        daemon.signal(15)
        try daemon.wait(within: 30)
        let log = try site.log()
        let code = log.compactMap { $0.firstMatch(of: /EV msg:delivery ocsp=([0-9])/) }.first
        let came = try peer.log().filter { $0.contains("<= a@example.org") }
        #expect(came.allSatisfy { $0.contains(" P=esmtps ") }, "\(came)")
        return (!came.isEmpty, code.map { String($0.1) }, log)
    }

    /// A site that has sent a message by Bobbin to a port of this machine.
    private static func sender(_ port: Int, _ options: ByteString) throws -> MailSite {
        let site = try MailSite(
            """
            acl_not_smtp = accept
            begin acl
            tell:
              warn logwrite = EV $event_name ocsp=$tls_out_ocsp
              accept message =
            begin routers
            remote:
              driver = manualroute
              route_list = * 127.0.0.1
              self = send
              transport = smtp
            begin transports
            smtp:
              driver = smtp
              port = \(port)
              allow_localhost
              tls_verify_cert_hostnames =
              event_action = ${if eq{$event_name}{msg:delivery}{${acl{tell}}}}
              \(options)
            begin retry
            * * F,1d,15m
            """)
        try Proven.made().put(into: site, nil)
        try site.exim("-odq", "-f", "a@example.org", "b@proof.test", input: "Subject: x\n\nx\n")
        try site.run("bobbin", "exim", "-q")
        return site
    }

    /// A server of `openssl`, which staples whatever it is told to, and greets.
    private static func stranger(_ proof: String, in folder: TemporaryDirectory) throws -> (ChildProcess, Int)
    {
        let made = try Proven.made()
        let port = try freePort()
        let replies = "220 x\\r\\n"
        let path = try #require(made.proofs[proof])
        let command =
            "mkfifo \(folder.path)/in && exec 3<>\(folder.path)/in && printf '\(replies)' >&3"
            + " && exec openssl s_server -quiet -accept 127.0.0.1:\(port) -cert \(made.own.certificate)"
            + " -key \(made.own.key) -status_file \(path) <&3"
        let process = try ChildProcess("/bin/sh", ["-c", command])
        let place = ":\(String(port, radix: 16, uppercase: true)) 00000000:0000 0A"
        try eventually("the server listens") {
            Latin1.text(readFile("/proc/net/tcp")).contains(place)
        }
        return (process, port)
    }

    @Test("To a server of hosts_require_ocsp whose certificate is revoked nothing goes, and the log says why")
    func revoked() throws {
        let folder = try TemporaryDirectory()
        let (server, port) = try Self.stranger("revoked", in: folder)
        let site = try Self.sender(port, "\(Self.trust)\(Self.demand)protocol = smtps\n")
        let log = try site.log()
        server.signal(9)
        try server.wait(within: 30)
        #expect(!log.contains { $0.contains(" => ") }, "\(log)")
        let reason = "TLS session: (SSL_connect) Server certificate revoked; reason: superseded"
        #expect(log.contains { $0.contains("defer (-37)") && $0.hasSuffix(reason) }, "\(log)")
    }

    private static let trust: ByteString = "tls_verify_certificates = SITE/ca.crt\n"
    private static let demand: ByteString = "hosts_require_ocsp = *\n"

    @Test(
        "OCC-02, OCS-09, OCC-05: a proof is asked for, and what comes of it is known, but mail goes on",
        arguments: [
            (nil, "", "1"), ("good", "", "4"), ("delegated", "", "4"),
            ("unsigned", "", "3"), ("good", "hosts_request_ocsp = :\n", "0"),
        ] as [(String?, ByteString, String)])
    func proofRequested(proof: String?, option: ByteString, code: String) throws {
        let (came, found, log) = try Self.sent(proof, Self.trust + option)
        #expect(came, "\(log)")
        #expect(found == code, "\(log)")
    }

    @Test(
        "OCC-01, OCC-03, OCC-04: a host of hosts_require_ocsp gets nothing without a good proof, in clear text neither, whatever tls_tempfail_tryclear says",
        arguments: [
            ("good", trust, nil), ("delegated", trust, nil),
            (nil, trust, "(SSL_connect) Required TLS certificate status not received"),
            ("unsigned", trust, "itself unverifiable"),
            ("good", "tls_verify_certificates =\n", "itself unverifiable: no verified certificate"),
            ("good", "tls_try_verify_hosts = !*\n", "itself unverifiable: no verified certificate"),
        ] as [(String?, ByteString, String?)])
    func proofRequired(proof: String?, option: ByteString, reason: String?) throws {
        let (came, code, log) = try Self.sent(proof, Self.demand + option)
        #expect(came == (reason == nil), "\(log)")
        #expect(code == (reason == nil ? "4" : nil), "\(log)")
        if let reason {
            #expect(
                log.contains {
                    $0.contains("defer (-37)") && $0.contains("TLS session: ") && $0.contains(reason)
                }, "\(log)")
        }
    }

    // MARK: As a server

    /// Starts Bobbin's receiver with an option `tls_ocsp_file`, and a body that may ask it.
    private static func serving(
        _ proof: String?, _ option: ByteString, prepare: (MailSite) throws -> Void = { _ in },
        _ body: (MailSite, (String...) throws -> String) throws -> Void
    ) throws {
        let site = try MailSite(
            """
            tls_advertise_hosts = *
            tls_certificate = SITE/own.crt
            tls_privatekey = SITE/own.key
            \(option)
            acl_smtp_mail = mail
            begin acl
            mail:
              accept logwrite = OCSP=$tls_in_ocsp
            """)
        try Proven.made().put(into: site, proof)
        try prepare(site)
        let (daemon, port) = try site.receiver("--queue-only")
        try body(site) { (words: String...) in
            let ending = try ChildProcess(
                "/usr/bin/openssl",
                ["s_client", "-starttls", "smtp", "-connect", "127.0.0.1:\(port)", "-crlf", "-ign_eof"]
                    + ["-CAfile", site.directory.file("ca.crt").string] + words,
                input: "EHLO client.example.net\nMAIL FROM:<a@example.org>\nQUIT\n"
            ).wait()
            return Latin1.text(ending.output)
        }
        daemon.signal(15)
        try daemon.wait(within: 30)
    }

    private static let stapled = "OCSP Response Status: successful"
    private static let unstapled = "OCSP response: no response sent"

    @Test(
        "OCS-01, OCS-03: openssl s_client gets the proof where it asks, in DER and in PEM, and $tls_in_ocsp knows",
        arguments: [true, false])
    func proofServed(isPEM: Bool) throws {
        let option: ByteString = isPEM ? "tls_ocsp_file = PEM SITE/proof" : "tls_ocsp_file = SITE/proof"
        try Self.serving("good", option) { site, ask in
            if isPEM {
                let text = try Data(contentsOf: URL(filePath: site.directory.file("proof").string))
                    .base64EncodedString(options: .lineLength64Characters)
                try site.directory.write(
                    "-----BEGIN OCSP RESPONSE-----\n\(ByteString(text.replacing("\r\n", with: "\n")))\n-----END OCSP RESPONSE-----\n",
                    to: "proof")
            }
            #expect(try ask("-status").contains(Self.stapled))
            #expect(try ask("-status", "-tls1_2").contains(Self.stapled))
            #expect(!(try ask().contains("OCSP")))
            let values = try site.log().compactMap { $0.firstMatch(of: /OCSP=([0-9])/).map { String($0.1) } }
            #expect(values == ["4", "4", "0"])
        }
    }

    @Test(
        "OCS-02, OCS-04, OCS-05: a proof that is none, has no end, has ended or speaks of another certificate is not sent; the session goes on, and the log says why",
        arguments: [
            ("garbage", "no OCSP response in DER"), ("endless", "it does not say until when it is good"),
            ("expired", "it has expired"), ("revoked", "the certificate is not good"), ("other", nil),
        ] as [(String, String?)])
    func proofNotServed(proof: String, reason: String?) throws {
        func prepare(_ site: MailSite) throws {
            if proof == "garbage" { try site.directory.write("no proof", to: "proof") }
            if proof == "expired" { try Self.age(site) }
        }
        let kind = proof == "expired" ? "good" : proof
        try Self.serving(kind, "tls_ocsp_file = SITE/proof", prepare: prepare) { site, ask in
            let heard = try ask("-status")
            #expect(heard.contains(Self.unstapled), "\(heard)")
            #expect(heard.contains("Verify return code: 0 (ok)"))
            #expect(heard.contains("221 "))
            _ = try ask("-status")
            let log = try site.log()
            #expect(log.contains { $0.contains("OCSP=1") }, "\(log)")
            #expect(log.count { $0.contains(" is not used: ") } == (reason == nil ? 0 : 1), "\(log)")
            if let reason {
                #expect(log.contains { $0.hasSuffix("/proof is not used: \(reason)") }, "\(log)")
            }
        }
    }

    /// Moves the end of a site's proof into the past; its dates are in clear text (the signature is for clients to check).
    private static func age(_ site: MailSite) throws {
        let year = Calendar(identifier: .gregorian).component(.year, from: Date())
        var proof = try site.directory.read("proof")
        for old in [year, year + 1] {
            proof = proof.replacing(ByteString("\u{18}\u{0F}\(old)"), with: ByteString("\u{18}\u{0F}2001"))
        }
        try site.directory.write(proof, to: "proof")
    }

    @Test("OCS-06: what a delegated signer says is sent with the signer's certificate, and verifies")
    func proofOfDelegate() throws {
        try Self.serving("delegated", "tls_ocsp_file = SITE/proof") { _, ask in
            let heard = try ask("-status")
            #expect(heard.contains(Self.stapled))
            #expect(heard.contains("CN = signer"), "\(heard)")
        }
    }

    @Test("OCS-07: a proof that is put in place later is sent to the next client")
    func proofReplaced() throws {
        try Self.serving(nil, "tls_ocsp_file = SITE/proof") { site, ask in
            #expect(try ask("-status").contains(Self.unstapled))
            try Proven.made().put(into: site, "good")
            #expect(try ask("-status").contains(Self.stapled))
            try FileManager.default.removeItem(atPath: site.directory.file("proof").string)
            #expect(try ask("-status").contains(Self.unstapled))
        }
    }

    // MARK: Fetching

    /// Keeps a responder of `openssl` while a body runs.
    private static func responding<Value>(
        for own: TestAuthority.Identity, of authority: TestAuthority, _ proof: TestAuthority.Proof, port: Int,
        _ body: () throws -> Value
    ) throws -> Value {
        let words = try authority.responder(for: own, proof, named: "responder", port: port)
        let process = try ChildProcess(words[0], Array(words.dropFirst()))
        let place = ":\(String(port, radix: 16, uppercase: true)) "
        try eventually("the responder listens") {
            ["/proc/net/tcp", "/proc/net/tcp6"].contains { file in
                Latin1.text(readFile(file)).split(separator: "\n").contains {
                    $0.contains(place) && $0.contains(" 0A ")
                }
            }
        }
        defer { process.signal(9) }
        return try body()
    }

    @Test(
        "OCH-01, OCH-02: bobbin tls staple fetches a proof from the responder that the certificate or --url names, where the old one does not serve for long"
    )
    func fetched() throws {
        let authority = try TestAuthority()
        let port = try freePort()
        let address = "http://127.0.0.1:\(port)/"
        let named = try authority.issue("named.test", responder: address)
        let bare = try authority.issue("bare.test")
        let site = try MailSite("queue_only\n")
        let output = site.directory.file("proof").string
        func staple(_ own: TestAuthority.Identity, _ words: String...) throws -> ChildProcess.Ending {
            try site.start(
                "bobbin",
                ["tls", "staple", "--output", output, "--issuer", authority.certificate.string] + words
                    + [own.certificate.string]
            ).wait()
        }
        // Nobody answers yet, and a certificate names nobody.
        #expect(try staple(named).code == 75)
        #expect(try staple(bare).code == 64)
        #expect(!FileManager.default.fileExists(atPath: output))
        var proof = TestAuthority.Proof()
        try Self.responding(for: named, of: authority, proof, port: port) {
            let ending = try staple(named)
            #expect(ending.code == 0, "\(ending.errors)")
        }
        let first = try site.directory.read("proof")
        let openssl = try Program("openssl", package: "openssl")
        let text = try openssl.run([
            "ocsp", "-respin", output, "-CAfile", authority.certificate.string, "-issuer",
            authority.certificate.string, "-cert", named.certificate.string,
        ])
        #expect(Latin1.text(text).contains("named.test.crt: good"), "\(text)")
        // The responder is gone, and need not be asked.
        #expect(try staple(named).code == 0)
        #expect(try staple(named, "--force").code == 75)
        #expect(try site.directory.read("proof") == first)
        // Of another certificate it proves nothing, however long its time is.
        proof.days = 3
        try Self.responding(for: bare, of: authority, proof, port: port) {
            let ending = try staple(bare, "--url", address)
            #expect(ending.code == 0, "\(ending.errors)")
        }
        #expect(try site.directory.read("proof") != first)
        proof.isRevoked = true
        let second = try site.directory.read("proof")
        try Self.responding(for: bare, of: authority, proof, port: port) {
            let ending = try staple(bare, "--url", address, "--force")
            #expect(ending.code == 65)
            #expect(Latin1.text(ending.errors).contains("Server certificate revoked; reason: superseded"))
        }
        #expect(try site.directory.read("proof") == second)
    }

    @Test(
        "OCH-03: bobbin tls staple notices a signer whose certificate ends before the proof, and fetches again in good time"
    )
    func fetchedFromShortSigner() throws {
        let authority = try TestAuthority()
        let port = try freePort()
        let own = try authority.issue("short.test", responder: "http://127.0.0.1:\(port)/")
        let site = try MailSite("queue_only\n")
        var proof = TestAuthority.Proof()
        proof.days = 20
        proof.signer = try authority.delegate(named: "short", days: 1)
        let ending = try Self.responding(for: own, of: authority, proof, port: port) {
            try site.start(
                "bobbin",
                [
                    "tls", "staple", "--output", site.directory.file("proof").string, "--issuer",
                    authority.certificate.string, own.certificate.string,
                ]
            ).wait()
        }
        #expect(ending.code == 0, "\(ending.errors)")
        #expect(
            Latin1.text(ending.errors).contains("the certificate of the proof's signer ends before the proof")
        )
        // Half of the signer's day, not of the proof's twenty.
        let openssl = try Program("openssl", package: "openssl")
        let date = try openssl.run([
            "x509", "-in", proof.signer?.certificate.string ?? "", "-noout", "-enddate", "-dateopt",
            "iso_8601",
        ])
        let end = Latin1.text(ByteString(date.trimmed())).dropFirst("notAfter=".count)
        #expect(Latin1.text(ending.output).contains("good until \(end)"), "\(ending.output) \(end)")
    }
}
