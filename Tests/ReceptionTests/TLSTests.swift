import Bytes
import Glibc
import TestKit
import Testing

/// TLS with clients: what no comparison with Exim can show, and what other programs make of it.
extension ReceptionTests {
    private static let secured: ByteString = """
        tls_advertise_hosts = *
        tls_certificate = SITE/mail.example.org.crt
        tls_privatekey = SITE/mail.example.org.key
        smtp_accept_max = 0
        queue_only
        acl_smtp_rcpt = accept

        """

    /// A site whose receiver runs, and a connection to it.
    static func securedServer(_ more: ByteString = "", acl: ByteString = "begin acl\n") throws -> Server {
        try Server(secured + more + acl, isExim: false)
    }

    private static func connected(_ server: Server, from source: UInt32 = 0x7F00_0001) throws -> SecureStream
    {
        let stream = SecureStream(try LoopbackStream(port: server.port, from: source))
        #expect(try stream.reply()?.code == 220)
        return stream
    }

    /// A client that has said EHLO and STARTTLS, and has been told to go ahead.
    static func readyForTLS(_ server: Server, from source: UInt32 = 0x7F00_0001) throws -> SecureStream {
        let stream = try connected(server, from: source)
        #expect(try stream.say("EHLO client.example.net")?.code == 250)
        #expect(try stream.say("STARTTLS")?.code == 220)
        return stream
    }

    /// Sends one message, and says goodbye.
    static func sendMessage(_ stream: SecureStream, from sender: ByteString = "a@example.net") throws {
        let lines: [(ByteString, Int)] = [
            ("EHLO client.example.net", 250), ("MAIL FROM:<\(sender)>", 250),
            ("RCPT TO:<b@example.org>", 250),
            ("DATA", 354), ("Subject: x\r\n\r\nbody\r\n.", 250), ("QUIT", 221),
        ]
        for (line, code) in lines { #expect(try stream.say(line)?.code == code, "\(line)") }
    }

    // MARK: Laws

    @Test(
        "Octets in the clear behind STARTTLS are never obeyed, in one packet with it or in the next",
        arguments: ["smtp_enforce_sync = true\n", "smtp_enforce_sync = false\n"])
    func injection(option: ByteString) throws {
        let server = try Self.securedServer(option)
        let evil: ByteString = "MAIL FROM:<evil@example.net>\r\nRCPT TO:<b@example.org>\r\n"
        // In one packet: the session ends, or goes on under TLS as if nothing had been said.
        let one = try Self.connected(server)
        #expect(try one.say("EHLO client.example.net")?.code == 250)
        try one.write("STARTTLS\r\n" + evil)
        let answer = try one.reply()
        if option.contains(ByteString("true")) {
            #expect(answer?.code == 554)
            #expect(try one.reply() == nil)
        } else {
            #expect(answer?.code == 220)
            _ = try one.shakeHands(SecureStream.Wishes())
            #expect(try one.say("EHLO client.example.net")?.code == 250)
            #expect(try one.say("RCPT TO:<b@example.org>")?.code == 503)
        }
        // After it: there is no TLS.
        let two = try Self.readyForTLS(server)
        try two.writeRaw(evil)
        #expect(throws: (any Error).self) { _ = try two.shakeHands(SecureStream.Wishes()) }
        let log = try server.site.log().joined(separator: "\n")
        #expect(!log.contains("<= evil"))
        #expect(log.contains("TLS error on connection from (client.example.net) [127.0.0.1] (SSL_accept)"))
    }

    @Test("A handshake and a message that come in single octets are a handshake and a message")
    func pieces() throws {
        let server = try Self.securedServer()
        let stream = try Self.readyForTLS(server)
        var wishes = SecureStream.Wishes()
        (wishes.isNew, wishes.piece) = (true, 1)
        #expect(try stream.shakeHands(wishes) == ("TLS1.3", "/O=Example/CN=mail.example.org"))
        try Self.sendMessage(stream)
        #expect(server.site.queue.count == 1)
    }

    @Test("Whatever comes instead of a handshake ends its session, and no other")
    func garbage() throws {
        let server = try Self.securedServer()
        let other = try Self.readyForTLS(server)
        _ = try other.shakeHands(SecureStream.Wishes())
        var random = SeededGenerator(seed: 7)
        for round in 0..<30 {
            let stream = try Self.readyForTLS(server)
            let octets = (0..<200).map { _ in UInt8.random(in: .min ... .max, using: &random) }
            try stream.writeRaw(round % 3 == 0 ? "\u{16}\u{3}\u{1}" + ByteString(octets) : ByteString(octets))
            stream.endWriting()
            while try stream.readLine() != nil {}
        }
        try Self.sendMessage(other)
        #expect(server.site.queue.count == 1)
    }

    @Test("A client that stops within the handshake holds nobody, and is given up after smtp_receive_timeout")
    func stalled() throws {
        let server = try Self.securedServer(
            "smtp_receive_timeout = ${if eq{$sender_host_address}{127.0.0.66}{8s}{10m}}\n")
        let idle = try (0..<20).map { _ in try Self.readyForTLS(server, from: 0x7F00_0042) }
        // It goes on sending, an octet at a time, and comes to no end.
        for stream in idle { try stream.writeRaw("\u{16}\u{3}\u{1}\u{2}") }
        let stream = try Self.readyForTLS(server)
        _ = try stream.shakeHands(SecureStream.Wishes())
        try Self.sendMessage(stream)
        for stream in idle { while try stream.readLine() != nil {} }
        try eventually("the log tells of each") {
            try server.site.log().count { $0.hasSuffix("(SSL_accept): timed out") } == idle.count
        }
    }

    @Test("A hundred sessions at once all have TLS, and each its message")
    func many() async throws {
        let server = try Self.securedServer("smtp_receive_timeout = 10m\n")
        let streams = try (0..<100).map { _ in try Self.readyForTLS(server) }
        for (number, stream) in streams.enumerated() {
            var wishes = SecureStream.Wishes()
            wishes.isNew = number % 2 == 0
            _ = try stream.shakeHands(wishes)
        }
        for (number, stream) in streams.enumerated() {
            try Self.sendMessage(stream, from: "s\(number)@example.net")
        }
        #expect(server.site.queue.count == streams.count)
    }

    @Test("A certificate that is renewed under its name is served to the next client")
    func renewal() throws {
        let server = try Self.securedServer()
        let site = server.site.directory
        for host in ["mail.example.org", "other.example.org"] as [ByteString] {
            if host != "mail.example.org" {
                try site.write(site.read("\(host).key"), to: "mail.example.org.key")
                try site.write(site.read("\(host).crt"), to: "mail.example.org.crt")
            }
            let stream = try Self.readyForTLS(server)
            #expect(try stream.shakeHands(SecureStream.Wishes()).peer == "/O=Example/CN=\(host)")
        }
    }

    @Test("A key that the mail user may not read is told when the daemon starts")
    func unreadable() throws {
        let good = try Self.securedServer()
        #expect(try good.site.log("panic") == [])
        let bad = try Server(
            "tls_advertise_hosts = *\ntls_certificate = SITE/mail.example.org.crt\ntls_privatekey = SITE/secret.key\n",
            isExim: false)
        let site = bad.site
        defer { withExtendedLifetime(bad) {} }
        let line = try #require(try site.log("panic").first)
        #expect(line.contains("TLS is not available to clients: (cert/key setup: cert="), "\(line)")
        #expect(line.contains("secret.key"), "\(line)")
    }

    // MARK: TLS from the first octet on

    /// Holds sessions at a port of `tls_on_connect_ports`; each begins with TLS.
    private static func holdSecure(_ scripts: [Script], isExim: Bool) async throws -> [String: [String]] {
        let (clear, port) = (try freePort(), try freePort())
        let site = try MailSite(
            secured + onConnect + "tls_on_connect_ports = \(port)\nbegin acl\n" + connectACL)
        try SiteCertificates.shared.get().put(into: site)
        defer { withExtendedLifetime(site) {} }
        let places = "127.0.0.1.\(clear) : 127.0.0.1.\(port)"
        let daemon =
            try isExim
            ? site.start(exim: ["-bdf", "-oX", places, "-oP", site.directory.file("exim.pid").string])
            : site.start(
                "bobbin-receiver",
                ["listen", "--queue-only", "--listen", "127.0.0.1:\(clear)", "--listen", "127.0.0.1:\(port)"])
        try eventually("a server listens on port \(clear)") {
            do { return try SMTPDialogue(port: clear).reply().code == 220 } catch { return false }
        }
        let started = try site.log().first { $0.contains("daemon started") } ?? ""
        #expect(
            started.contains("SMTP on [127.0.0.1]:\(clear) and for SMTPS on [127.0.0.1]:\(port)"),
            "\(started)")
        let clients = scripts.enumerated().map { Client($1, from: $1.source ?? 0x7F00_0A60 + UInt32($0)) }
        var heard: [String: [String]] = [:]
        for client in clients {
            let (title, lines) = try await client.hold(port)
            heard[title] = lines
        }
        // A client that hangs up does not see the end of its session: the log tells it.
        for client in clients where client.script.hangsUp {
            try eventually("the session of [\(client.address)] has ended") {
                try site.log().contains {
                    $0.contains("TLS error on connection from") && $0.contains("[\(client.address)]")
                }
            }
        }
        daemon.signal(SIGTERM)
        try daemon.wait(within: 30)
        if isExim {
            try eventually("the last of Exim's sessions has ended") { try ProcessGroup(daemon.number).isGone }
        }
        return try Traces(site, clients, heard).lines
    }

    private static let onConnect: ByteString = """
        smtp_banner = $smtp_active_hostname ESMTP $tls_in_ver
        received_header_text = Received: from $sender_rcvhost by $primary_hostname with $received_protocol ($tls_in_ver)
        tls_try_verify_hosts = *
        tls_verify_certificates = SITE/ca.crt
        acl_smtp_connect = say
        acl_smtp_helo = say
        log_selector = +tls_peerdn +tls_sni +smtp_connection +smtp_no_mail +received_recipients

        """
    private static let connectACL: ByteString = """
        say:
          accept logwrite = $sender_host_address: $tls_in_ver $received_protocol $sender_host_authenticated

        begin authenticators
        certificate:
          driver = tls
          server_param = ${certextract{subject,CN}{$tls_in_peercert}}
          server_set_id = $auth1

        """

    @Test("AUX-17: a port of tls_on_connect_ports begins with TLS as Exim's does")
    func onConnect() async throws {
        let message = """
            W: 1
            C: EHLO client.example.net
            C: MAIL FROM:<a@example.net>
            C: RCPT TO:<b@example.org>
            C: DATA
            C: Subject: x\\r\\n\\r\\nbody\\r\\n.
            C: QUIT

            """
        let scripts = try Script.parse(
            ByteString(
                """
                == on connect
                T:
                \(message)== on connect with a certificate
                T: cert=joe
                \(message)== on connect with a stranger's
                T: cert=eve
                \(message)== on connect in the clear
                D: EHLO client.example.net
                X:

                """)
        ).map { script in
            var script = script
            script.isSilentServer = true
            return script
        }
        let wanted = try await Self.holdSecure(scripts, isExim: true)
        let found = try await Self.holdSecure(scripts, isExim: false)
        for script in scripts {
            let difference = KnownDifferences.between(wanted[script.title] ?? [], found[script.title] ?? [])
            #expect(difference == [], "\(script.title): \(difference.joined(separator: "\n"))")
        }
    }

    // MARK: Other programs as clients

    @Test("openssl s_client trusts the certificate, and hands in a message under TLS")
    func openssl() throws {
        let server = try Self.securedServer(
            "tls_try_verify_hosts = *\ntls_verify_certificates = SITE/ca.crt\n")
        let authority = server.site.directory.file("ca.crt").string
        let own = try #require(try SiteCertificates.shared.get().identities["joe"])
        let client = try ChildProcess(
            "/usr/bin/openssl",
            [
                "s_client", "-starttls", "smtp", "-connect", "127.0.0.1:\(server.port)", "-CAfile", authority,
                "-verify_return_error", "-servername", "mail.example.org", "-cert", own.certificate.string,
                "-key", own.key.string, "-quiet", "-no_ign_eof", "-crlf",
            ],
            input: """
                EHLO client.example.net
                MAIL FROM:<a@example.net>
                RCPT TO:<b@example.org>
                DATA
                Subject: x

                body
                .
                QUIT

                """)
        _ = try client.wait()
        try eventually("the message is there") { server.site.queue.count == 1 }
        let line = try #require(try server.site.log().first { $0.contains(" <= ") })
        #expect(line.contains("P=esmtps"), "\(line)")
        #expect(line.contains("X=TLS1.3:TLS_AES_256_GCM_SHA384:256 CV=yes"), "\(line)")
        let id = try #require(server.site.queue.first)
        let header = try server.site.spoolFile(id, "H")
        #expect(header.contains(ByteString("with esmtps  (TLS1.3) tls TLS_AES_256_GCM_SHA384\n")))
    }

    @Test("swaks hands in a message under TLS, by STARTTLS and at a port that begins with it")
    func swaks() throws {
        let port = try freePort()
        let server = try Self.securedServer()
        let site = try MailSite(Self.secured)
        try SiteCertificates.shared.get().put(into: site)
        let daemon = try site.start(
            "bobbin-receiver",
            ["listen", "--queue-only", "--listen", "127.0.0.1:\(port)", "--tls-on-connect"])
        defer { daemon.signal(SIGTERM) }
        try eventually("the daemon listens") { try site.log().contains { $0.contains("for SMTPS on") } }
        let swaks = try Program("swaks", package: "swaks")
        let words = ["--from", "a@example.net", "--to", "b@example.org", "--helo", "client.example.net"]
        try swaks.run(words + ["--server", "127.0.0.1:\(server.port)", "-tls"])
        try swaks.run(words + ["--server", "127.0.0.1:\(port)", "--tls-on-connect"])
        #expect(server.site.queue.count == 1)
        #expect(site.queue.count == 1)
    }

    // MARK: Events

    /// What `event_action` of the main section heard of a client with a certificate by a lower authority.
    private static func heardOfChain(refusing depth: Int? = nil) throws -> (greeted: Bool, log: [String]) {
        let options: ByteString = """
            tls_try_verify_hosts = *
            tls_verify_certificates = SITE/ca.crt
            event_action = ${if eq{$event_name}{tls:cert}{${acl{seen}}}}

            """
        let acl: ByteString = """
            begin acl
            seen:
              accept
                message = ${if eq{$event_data}{\(depth ?? -1)}{no thanks}}
                logwrite = seen $event_data ${certextract{subject,CN}{$tls_in_peercert}}

            """
        let server = try Self.securedServer(options, acl: acl)
        let stream = try Self.readyForTLS(server)
        var wishes = SecureStream.Wishes()
        wishes.identity = try SiteCertificates.shared.get().identities["low"]
        _ = try stream.shakeHands(wishes)
        let reply = try stream.say("EHLO client.example.net")
        if reply != nil { try stream.say("QUIT") }
        return (reply != nil, try server.site.log().map { String($0.dropFirst(20)) })
    }

    @Test(
        "EVT-23 EVT-27 EVT-52: tls:cert tells of each certificate of a client's chain with its depth, the local root included"
    )
    func certificateEvents() throws {
        let (greeted, log) = try Self.heardOfChain()
        #expect(greeted)
        #expect(
            log.filter { $0.hasPrefix("seen ") } == [
                "seen 2 Test Authority", "seen 1 Lower Authority", "seen 0 low",
            ])
    }

    @Test("EVT-45: what tls:cert is answered ends the session before anything is heard", arguments: [2, 0])
    func refusedCertificate(depth: Int) throws {
        let (greeted, log) = try Self.heardOfChain(refusing: depth)
        #expect(!greeted)
        #expect(log.contains("SSL verify denied by event-action: depth=\(depth): no thanks"), "\(log)")
        #expect(log.count { $0.hasPrefix("seen ") } == 3 - depth)
        #expect(!log.contains { $0.contains("EHLO") && $0.contains("C=EHLO,STARTTLS,") })
    }
}
