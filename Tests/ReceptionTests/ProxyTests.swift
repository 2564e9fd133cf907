import Bytes
import Foundation
import Glibc
import TestKit
import Testing

/// Clients that come by a proxy which says so (`hosts_proxy`): a real haproxy, and what Exim has no answer to.
extension ReceptionTests {
    @Test(
        """
        AUX-17, PRX-01, PRX-02, PRX-03, PRX-05, PRX-12, PRX-13, PRX-16, PRX-17, PRX-19, PRX-25: hosts_proxy must say first for \
        whom they connect, and nobody else can; by its old name too, it does what Exim's does
        """)
    func proxiedSessions() async throws {
        var area = try #require(try Area.all().first { $0.name == "Proxy" })
        // PRX-01: what the option was called before it was released.
        let text = Latin1.text(area.configuration)
        area.ownConfiguration = ByteString(
            text.replacing("\nhosts_proxy =", with: "\nproxy_required_hosts ="))
        let found = try await compare(area)
        func expect(_ title: String, _ texts: String..., without unwanted: String...) {
            let lines = found[title] ?? []
            for text in texts {
                #expect(
                    lines.contains { $0.contains(text) },
                    "\(title): \(text) in \(lines.joined(separator: "\n"))")
            }
            for text in unwanted {
                #expect(
                    !lines.contains { $0.contains(text) },
                    "\(title): \(text) in \(lines.joined(separator: "\n"))")
            }
        }
        expect(
            "version 1",
            "[192.0.2.11] session=yes local=127.0.10.10:port external=198.51.100.7:25 client=4000",
            " <= a@example.net H=(client.example.net) [192.0.2.11] I=[127.0.0.1]:<port> P=esmtp PRX=127.0.10.10 S=",
            without: "negotiat")
        let refused = "reply: 503 Command refused, required Proxy negotiation failed"
        expect(
            "nothing", "reply: 220 mail.example.org ESMTP ready", refused, "reply: 221 ",
            "session=yes local=:none external=:0",
            without: "reply: 250", "main: <time> <id>")
        expect("nothing, and PROXY late", refused, without: "reply: 250")
        expect("EHLO at once", "reply: 554 SMTP synchronization error")
        expect(
            "a host that is no proxy", "reply: 500 unrecognized command", "session=no",
            without: "main: <time> [192.0.2.203]")
        for (title, lines) in found where title.contains("version 1, ") || title.contains("version 2, no") {
            // Whoever says nothing valid gets nothing done, not even as himself.
            #expect(!lines.contains { $0.hasPrefix("reply: 250") }, "\(title)")
            #expect(!lines.contains { $0.contains("main: <time> [192.0.2.") }, "\(title)")
        }
    }

    private static func proxied(_ selector: ByteString = "log_selector = +proxy\n", more: ByteString = "")
        -> ByteString
    {
        """
        \(selector)hosts_proxy = 127.0.78.0/24
        smtp_banner = $smtp_active_hostname ESMTP ready
        tls_certificate = SITE/mail.example.org.crt
        tls_privatekey = SITE/mail.example.org.key
        tls_advertise_hosts = *
        acl_smtp_connect = connect
        acl_smtp_rcpt = accept
        \(more)begin acl
        connect:
          accept hosts = 127.0.0.1
          accept condition = ${if eq{$sender_host_address}{127.0.78.1}}
                 logwrite = probe
          defer  ratelimit = ${lookup{$sender_host_address}iplsearch{SITE/limits}{$value}{100}} / 1h / per_conn / strict
                 message = Too many connections from this IP right now
          accept logwrite = connect client=$sender_host_address proxy=$proxy_local_address,$proxy_host_address \\
                 port=${if and{{eq{$proxy_local_port}{$proxy_host_port}}{>{$proxy_local_port}{0}}}{same}{none}} \\
                 target=$proxy_external_address,$proxy_target_address port=${if eq{$proxy_external_port}{$proxy_target_port}{same}{other}} \\
                 session=$proxy_session server=$received_ip_address

        """
    }

    /// Where the proxies are: the harness itself, which looks whether a server listens, is none.
    private static let proxyAddress: UInt32 = 0x7F00_4E01

    private static func proxiedServer(_ configuration: ByteString) throws -> Server {
        let server = try Server(configuration, isExim: false)
        try server.site.directory.write("192.0.2.0/24: 2\n", to: "limits")
        try MailSite.give(server.site.directory.file("limits"))
        return server
    }

    private static func end(_ server: Server) throws {
        server.daemon.signal(SIGTERM)
        try server.daemon.wait(within: 60)
    }

    /// Sends a message; gives the reply to it.
    private static func sendMessage(over stream: LoopbackStream) throws -> ByteString? {
        for line in ["HELO x.example", "MAIL FROM:<a@example.net>", "RCPT TO:<b@example.org>", "DATA"]
            as [ByteString]
        {
            try stream.write("\(line)\r\n")
            guard let reply = try stream.readLine(),
                reply.starts(with: ByteString(line == "DATA" ? "354" : "250"))
            else {
                return nil
            }
        }
        try stream.write("Subject: x\r\n\r\nbody\r\n.\r\n")
        return try stream.readLine()
    }

    @Test(
        """
        PRX-04, PRX-06, PRX-07, PRX-08, PRX-09, PRX-10, PRX-11, PRX-22, PRX-24: haproxy says who its clients are, by version 1 \
        and version 2: their names are looked up, and ACL and log show client, target, proxy and server
        """)
    func haproxy() throws {
        let names = try ZoneServer([
            .init("2.0.192.in-addr.arpa", "9 IN PTR client.proxy.test.\n"),
            .init("proxy.test", "client IN A 192.0.2.9\n"),
        ])
        defer { withExtendedLifetime(names) {} }
        let forwarders: ByteString = "dns_forwarders = \(names.forwarder)\n"
        for selector in ["log_selector = +proxy\n", ""] as [ByteString] {
            let server = try Self.proxiedServer(Self.proxied(selector, more: forwarders))
            let words = ["send-proxy", "send-proxy-v2", "send-proxy-v2 proxy-v2-options unique-id,crc32c"]
                .map { "source 127.0.78.1 \($0)" }
            let proxy = try ProxyProcess.haproxy(before: server.port, words)
            for port in proxy.ports {
                let stream = try LoopbackStream(port: port, from: 0x7F00_4D01)
                #expect(try stream.readLine() == "220 mail.example.org ESMTP ready")
                #expect(try Self.sendMessage(over: stream)?.starts(with: ByteString("250 OK id=")) == true)
            }
            let direct = try LoopbackStream(port: server.port, from: Self.proxyAddress)
            try direct.write("PROXY TCP4 192.0.2.9 198.51.100.7 4000 25\r\n")
            #expect(try direct.readLine() == "220 mail.example.org ESMTP ready")
            #expect(try Self.sendMessage(over: direct)?.starts(with: ByteString("250 OK id=")) == true)
            let log = try server.site.log()
            let shown = selector.isEmpty ? "" : " PRX=127.0.78.1"
            let named = " <= a@example.net H=client.proxy.test (x.example) [192.0.2.9] P=smtp\(shown) S="
            #expect(log.contains { $0.contains(named) }, "\(log)")
            let arrival = " <= a@example.net H=(x.example) [127.0.77.1] P=smtp\(shown) S="
            #expect(log.count { $0.contains(arrival) } == words.count, "\(log)")
            let seen =
                "connect client=127.0.77.1 proxy=127.0.78.1,127.0.78.1 port=same target=127.0.0.1,127.0.0.1 port=same session=yes server=127.0.0.1"
            #expect(log.count { $0.contains(seen) } == words.count, "\(log)")
            let header = Latin1.text(try server.site.spoolFile(try #require(server.site.queue.first), "H"))
            #expect(header.contains("-host_address [127.0.77.1]"), "\(header)")
            try Self.end(server)
        }
    }

    @Test("PRX-14: an ACL leaves out haproxy's own health checks, and TLS is with the client behind it")
    func haproxySecured() throws {
        let server = try Self.proxiedServer(Self.proxied())
        let proxy = try ProxyProcess.haproxy(
            before: server.port,
            ["send-proxy-v2 check check-send-proxy inter 200ms", "send-proxy"].map {
                "source 127.0.78.1 \($0)"
            })
        try eventually("a check has come") { try server.site.log().contains { $0.contains("probe") } }
        let stream = SecureStream(try LoopbackStream(port: proxy.ports[1], from: 0x7F00_4D02))
        _ = try stream.readLine()
        try stream.write("EHLO x.example\r\n")
        while let line = try stream.readLine(), line.count > 3, line[3] == UInt8(ascii: "-") {}
        try stream.write("STARTTLS\r\n")
        #expect(try stream.readLine()?.starts(with: ByteString("220")) == true)
        let peer = try stream.shakeHands(try SecureStream.Wishes([], [:])).1
        #expect(peer.contains(ByteString("mail.example.org")), "\(peer)")
        try stream.write("HELO x.example\r\n")
        #expect(try stream.readLine() == "250 mail.example.org Hello x.example [127.0.77.2]")
        let log = try server.site.log()
        #expect(!log.contains { $0.contains("connect client=127.0.78.1") }, "\(log)")
        #expect(log.contains { $0.contains("connect client=127.0.77.2") }, "\(log)")
        try Self.end(server)
    }

    @Test(
        """
        PRX-15, PRX-18, PRX-20, PRX-21: the greeting waits for the header, connections are counted by the proxy, and a \
        rate in the connect ACL by the client
        """)
    func waiting() throws {
        let server = try Self.proxiedServer(
            Self.proxied(more: "proxy_protocol_timeout = 1h\nsmtp_accept_max_per_host = 3\n"))
        func connection(by octet: UInt32, patience: CInt = LoopbackStream.patience) throws -> LoopbackStream {
            try LoopbackStream(port: server.port, from: 0x7F00_4E00 + octet, patience: patience)
        }
        func header(_ client: ByteString) -> ByteString { "PROXY TCP4 \(client) 198.51.100.7 4000 25\r\n" }
        let (waiting, silent) = (try connection(by: 2), try connection(by: 3, patience: 100))
        // Others are served meanwhile; two from that client, and then it is too much, for it alone.
        let clients: [(ByteString, ByteString)] = [
            ("192.0.2.1", "220"), ("192.0.2.1", "220"), ("192.0.2.1", "451"), ("198.51.100.1", "220"),
        ]
        for (index, (client, code)) in clients.enumerated() {
            let stream = try connection(by: 10 + UInt32(index))
            try stream.write(header(client))
            let reply = try stream.readLine()
            #expect(reply?.starts(with: code) == true, "\(client): \(reply ?? "")")
        }
        #expect(throws: (any Error).self) { try silent.readLine() }
        // Three connections by one proxy, for different clients.
        let counted = try (1...4).map { number in
            let stream = try connection(by: 4)
            try stream.write(header("203.0.113.\(number)"))
            return (stream, try stream.readLine())
        }
        #expect(counted.prefix(3).allSatisfy { $0.1 == "220 mail.example.org ESMTP ready" })
        #expect(
            counted[3].1
                == "421 Too many concurrent SMTP connections from this IP address; please try again later.")
        try waiting.write(header("203.0.113.9"))
        #expect(try waiting.readLine() == "220 mail.example.org ESMTP ready")
        try Self.end(server)
        // With the ordinary limit the greeting comes at last, and a header comes too late.
        let brief = try Self.proxiedServer(Self.proxied())
        let late = try LoopbackStream(port: brief.port, from: Self.proxyAddress)
        #expect(try late.readLine() == "220 mail.example.org ESMTP ready")
        try late.write(header("203.0.113.4") + ByteString("EHLO x.example\r\n"))
        for _ in 0..<2 {
            #expect(try late.readLine() == "503 Command refused, required Proxy negotiation failed")
        }
        // It may not go on for ever.
        try late.write("NOOP\r\n")
        #expect(try late.readLine() == "503 Command refused, required Proxy negotiation failed")
        try late.write("NOOP\r\n")
        #expect(try late.readLine() == "500 Too many unrecognized commands")
        try Self.end(brief)
    }
}
