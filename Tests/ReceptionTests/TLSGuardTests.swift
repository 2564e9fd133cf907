import Bytes
import Foundation
import TestKit
import Testing

/// What clients under TLS would do to a server, and what is looked at anew.
extension ReceptionTests {
    @Test(
        "A client that changes its keys for ever instead of speaking does not hold a session until its time is over",
        arguments: [false, true])
    func keyFlood(isAsking: Bool) throws {
        // The test is over, well or ill, long before these ten minutes.
        let server = try Self.securedServer("smtp_receive_timeout = 10m\n")
        let client = try KeyFlood(.client, port: server.port, isAsking: isAsking)
        try client.awaitFlood()
        try client.awaitEnd()
        try eventually("the log says why") {
            try server.site.log().contains {
                $0.hasSuffix("(SSL_read): too many records in which the client says nothing")
            }
        }
    }

    @Test("A server name that is no name of a host is none, and writes nothing into logs and spool")
    func strangeServerName() throws {
        let server = try Self.securedServer("log_selector = +tls_sni +tls_peerdn\n")
        for name in ["a\n1999-01-01 forged", "../../etc/passwd", "a b", ".", "a\"b"] as [ByteString] {
            let stream = try Self.readyForTLS(server)
            var wishes = SecureStream.Wishes()
            wishes.serverName = name
            _ = try stream.shakeHands(wishes)
            try Self.sendMessage(stream)
        }
        let log = try server.site.log()
        #expect(log.count { $0.contains(" <= a@example.net ") } == 5, "\(log)")
        #expect(!log.contains { $0.contains("SNI=") || !$0.hasPrefix("20") }, "\(log)")
        for id in server.site.queue {
            #expect(try !server.site.spoolFile(id, "H").contains(ByteString("-tls_sni")))
        }
    }

    @Test("A name in a client's certificate writes no lines into logs, headers and spool")
    func strangeNames() throws {
        let server = try Self.securedServer(
            """
            log_selector = +tls_peerdn
            tls_try_verify_hosts = *
            tls_verify_certificates = SITE/ca.crt
            received_header_text = Received: from $tls_in_peerdn

            """,
            acl: """
                acl_smtp_mail = names
                begin acl
                names:
                  accept
                    add_header = X-Peer: $tls_in_peerdn
                    add_header = X-Subject: ${certextract{subject}{$tls_in_peercert}}
                    add_header = X-Name: ${certextract{subject,CN}{$tls_in_peercert}}
                    logwrite = ${certextract{subject}{$tls_in_peercert}}

                """)
        let stream = try Self.readyForTLS(server)
        var wishes = SecureStream.Wishes()
        wishes.identity = try SiteCertificates.shared.get().identities["evil"]
        _ = try stream.shakeHands(wishes)
        try Self.sendMessage(stream)
        let log = try server.site.log()
        #expect(log.contains { $0.contains(#" DN="/O=Example/CN=evil\\x0A1999"#) }, "\(log)")
        let header = try server.site.spoolFile(#require(server.site.queue.first), "H")
        for line in log + Latin1.text(header).split(separator: "\n").map(String.init) {
            #expect(!line.contains("forged") || line.contains("evil"), "\(line)")
        }
        #expect(header.contains(ByteString(#"X-Name: evil\0A1999"#)), "\(header)")
    }

    @Test("A list of revocations that changes in its directory is obeyed by the next session")
    func changedRevocations() throws {
        let authority = try TestAuthority()
        let (joe, bob) = (try authority.issue("joe"), try authority.issue("bob"))
        let server = try Self.securedServer(
            "tls_verify_hosts = *\ntls_verify_certificates = SITE/own.crt\ntls_crl = SITE/lists\n")
        let site = server.site.directory
        let list: ByteString = try "lists/\(authority.revocationName())"
        try FileManager.default.createDirectory(
            atPath: site.file("lists").string, withIntermediateDirectories: false)
        try site.write(readFile(authority.certificate.string), to: "own.crt")
        for (revoked, isServed) in [
            ([], [true, true]), ([joe], [false, true]), ([joe, bob], [false, false]),
        ] {
            // In its place: the directory stays as it is.
            try site.write(readFile(authority.revoke(revoked).string), to: list)
            for path in ["own.crt", "lists", list] { try MailSite.give(site.file(path)) }
            #expect(try [joe, bob].map { try Self.isServed($0, by: server) } == isServed, "\(revoked.count)")
        }
        #expect(try server.site.log().count { $0.contains("certificate revoked") } == 3)
    }

    /// Whether a client with a certificate may speak.
    private static func isServed(_ own: TestAuthority.Identity, by server: Server) throws -> Bool {
        let stream = try readyForTLS(server)
        var wishes = SecureStream.Wishes()
        wishes.identity = own
        // Up to TLS 1.2 the server has looked at the certificate when the client is done.
        do { _ = try stream.shakeHands(wishes) } catch { return false }
        return try stream.say("EHLO client.example.net")?.code == 250
    }

    @Test(
        "No client is ever given a session to resume, whatever openssl_options says",
        arguments: ["", "openssl_options = -no_ticket\n", "openssl_options = -all -no_ticket\n"],
        ["-tls1_2", "-tls1_3"])
    func notResumed(option: ByteString, version: String) throws {
        let server = try Self.securedServer(option)
        let kept = server.site.directory.file("session").string
        let client = try ChildProcess(
            "/usr/bin/openssl",
            [
                "s_client", "-starttls", "smtp", "-connect", "127.0.0.1:\(server.port)", version, "-sess_out",
                kept,
                "-reconnect",
            ], input: "QUIT\r\n")
        let said = Latin1.text(try client.wait().output)
        #expect(said.contains("New, TLSv1."), "\(said)")
        #expect(!said.contains("Reused, "))
        #expect(!said.contains("TLS session ticket"))
        // Under TLS 1.2 what is written has neither ticket nor name; with 1.3 there is nothing to write.
        #expect(!said.contains("New Session Ticket arrived"))
        #expect(!said.contains(/Session-ID: [0-9A-F]/))
    }
}
