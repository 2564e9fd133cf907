import Bytes
import Glibc
import TestKit
import Testing

/// Servers under TLS that would hold a delivery, and connections that must not be used for others.
extension DeliveryTests {
    @Test(
        "A server that changes its keys for ever instead of answering does not hold a delivery until its time is over",
        arguments: [false, true])
    func keyFlood(isAsking: Bool) throws {
        let port = try freePort()
        let papers = try Papers.made()
        // The run is killed long before these ten minutes are over.
        let site = try MailSite(
            port: port, main: "queue_only\nacl_smtp_rcpt = accept",
            options:
                "protocol = smtps\n tls_verify_hosts =\n tls_try_verify_hosts = :\n command_timeout = 10m")
        let server = try KeyFlood(
            .server(at: "127.0.1.2", certificate: papers.good.certificate, key: papers.good.key), port: port,
            isAsking: isAsking)
        let sent = try site.exim("-odq", "-f", "a@example.org", "b@one.test", input: "Subject: x\n\nx\n")
        try #require(sent.code == 0, "\(sent.errors)")
        let run = try site.start("bobbin", ["exim", "-q"])
        try server.awaitFlood()
        try server.awaitEnd()
        #expect(try run.wait().code == 0)
        let log = try site.log()
        #expect(
            log.contains { $0.contains("== b@one.test") && $0.contains("Remote host closed connection") },
            "\(log)")
        #expect(!log.contains { $0.contains("timed out") || $0.contains("timeout") }, "\(log)")
    }

    /// Two names of one address, of which the server there has a certificate for the first only.
    private static let names: [ZoneServer.Zone] = ZoneServer.Zone.list(
        "zone: tls.test\nmx2 IN A 127.0.1.2\nlate IN A 127.0.1.2\n")
    private static let strict: ByteString =
        "hosts_require_tls = *\n tls_verify_certificates = SITE/ca.crt\n tls_verify_hosts = *"

    /// A site that asks each domain for a host of that name, its DNS, and what looks there.
    private static func twoNames(
        _ main: ByteString, acl: ByteString = ""
    ) throws -> (site: MailSite, host: ScriptedServer, names: ZoneServer, view: [String]) {
        let port = try freePort()
        let names = try ZoneServer(names, at: 0x7F09_0000 + UInt32(getpid() & 0xFFFF | 1))
        let site = try MailSite(
            sendingTo: "* $domain", port: port, main: main, acl: acl,
            options: strict + "\n multi_domain = false")
        try Papers.made().give(to: site)
        var host = Delivery.Server(address: 2, offers: ["SIZE", "STARTTLS"])
        host.tls = try ServerTLS(["good"])
        let server = try ScriptedServer(host, port: port, socketPath: site.directory.file("socket"))
        return (site, server, names, try site.asking(names.addressText))
    }

    @Test("A connection that was verified for one host name serves no other name at the same address")
    func twoNamesAtDelivery() throws {
        let (site, host, names, view) = try Self.twoNames(
            """
            queue_only
            queue_run_in_order
            remote_max_parallel = 1
            remote_sort_domains = mx2.tls.test : late.tls.test
            acl_smtp_rcpt = accept
            """)
        defer { withExtendedLifetime(names) {} }
        // The first two are one message's, the third is another one's, for which the connection is kept.
        for recipients in [["b@mx2.tls.test", "b@late.tls.test"], ["c@mx2.tls.test"]] {
            let sent = try site.start(
                exim: ["-odq", "-f", "a@example.org"] + recipients, input: "Subject: x\n\nx\n")
            try #require(try sent.wait().code == 0)
        }
        let run = try site.start("bobbin", ["exim", "-q"], through: view)
        #expect(try run.wait().code == 0)
        let lines = host.lines
        #expect(
            lines.count { $0.contains("<TLS RCPT TO:<") && $0.contains("@mx2.tls.test>") } == 2, "\(lines)")
        #expect(!lines.contains { $0.contains("@late.tls.test") }, "\(lines)")
        let log = try site.log()
        #expect(
            log.count { $0.contains("@late.tls.test") && $0.hasSuffix("(hostname mismatch)") } == 1, "\(log)")
    }

    @Test("A connection that is held for a transaction serves no other name at the same address")
    func twoNamesHeld() throws {
        let (site, host, names, view) = try Self.twoNames(
            "acl_smtp_rcpt = rcpt",
            acl: "rcpt:\n require verify = recipient/callout=use_sender,hold,no_cache\n accept")
        defer { withExtendedLifetime(names) {} }
        let said = ["b@mx2.tls.test", "c@mx2.tls.test", "b@late.tls.test"].map { "RCPT TO:<\($0)>\r\n" }
        let session = try site.start(
            "bobbin", ["exim", "-bs"],
            input: ByteString("EHLO c\r\nMAIL FROM:<a@one.test>\r\n\(said.joined())QUIT\r\n"), through: view)
        let answers = Latin1.text(try session.wait().output).split(separator: "\r\n")
        #expect(answers.suffix(4).map { $0.prefix(3) } == ["250", "250", "451", "221"], "\(answers)")
        let lines = host.lines
        // The second one's is the same connection.
        #expect(lines.count { $0.contains("<TLS MAIL") } == 1, "\(lines)")
        #expect(lines.count { $0.contains("<TLS RCPT") } == 2, "\(lines)")
        #expect(!lines.contains { $0.contains("@late.tls.test") }, "\(lines)")
    }
}
