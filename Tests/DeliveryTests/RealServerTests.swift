import Bytes
import TestKit
import Testing

extension DeliveryTests {
    /// Deliveries to a real Exim, whose mailboxes must hold what was sent, octet for octet.
    @Test(
        "A real Exim takes messages of many sizes octet for octet, by BDAT and by DATA, in clear text and under TLS",
        arguments: [("*", false), ("", false), ("*", true), ("", true)] as [(ByteString, Bool)])
    func realServer(chunking: ByteString, isSecure: Bool) throws {
        let peer = try MailSite(Self.peer)
        if isSecure { try Self.secure(peer) }
        let (daemon, port) = try peer.eximDaemon()
        let site = try MailSite(Self.sender(port: port, chunking: chunking))
        let bodies = (0..<24).map { Self.body(lines: $0 * $0 * 4, $0) }
        for body in bodies {
            let ending = try site.exim(
                "-odq", "-i", "-f", "alice@example.org", "bob@peer.test", input: "Subject: real\n\n" + body)
            try #require(ending.code == 0, "\(ending.errors)")
        }
        let ending = try site.run("bobbin", "exim", "-q")
        #expect(ending.code == 0, "\(ending.errors)")
        #expect(site.queue.isEmpty)
        try eventually("the peer has delivered all") { try peer.delivered().count == bodies.count }
        daemon.signal(15)
        try daemon.wait(within: 30)
        let found = try peer.delivered().compactMap { message in
            message.firstRange(of: ByteString("\n\n")).map { ByteString(message[$0.upperBound...]) }
        }
        #expect(Set(found) == Set(bodies))
        let marked = try peer.log().count { $0.contains("<= ") && $0.contains(" K ") }
        #expect(marked == (chunking.isEmpty ? 0 : bodies.count))
        let secured = try peer.log().count { $0.contains("<= ") && $0.contains(" P=esmtps X=TLS1.3:") }
        #expect(secured == (isSecure ? bodies.count : 0))
    }

    /// Gives the peer a certificate.
    private static func secure(_ peer: MailSite) throws {
        let papers = try Papers.made()
        try peer.directory.write(
            readFile(papers.good.certificate.string) + readFile(papers.good.key.string), to: "both.pem")
        try MailSite.give(peer.directory.file("both.pem"))
        let text = Latin1.text(try peer.directory.read("exim.conf")).replacing(
            "tls_advertise_hosts =\n",
            with: "tls_advertise_hosts = *\ntls_certificate = \(peer.directory.file("both.pem"))\n")
        try peer.directory.write(ByteString(text), to: "exim.conf")
    }

    /// Lines that begin with dots, octets above 127 and a number that tells bodies apart.
    private static func body(lines: Int, _ number: Int) -> ByteString {
        var body: ByteString = "message \(number)\n"
        for line in 0..<lines {
            body += ByteString(["\n", ".\n", "..x\n", "\(line) plain\n", "From here\n"][line % 5])
            if line % 7 == 0 { body += ByteString([0xE4, 0xF6, 0xFC, 0x0A]) }
        }
        return body
    }

    private static let peer: ByteString = """
        acl_smtp_rcpt = accept
        begin acl
        begin routers
        all:
          driver = accept
          transport = box
        begin transports
        box:
          driver = appendfile
          directory = MAIL/bob
          maildir_format
          user = Debian-exim
        """

    private static func sender(port: Int, chunking: ByteString) -> ByteString {
        """
        qualify_domain = example.org
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
          hosts_try_chunking = \(chunking)
        begin retry
        * * F,1d,15m
        """
    }
}
