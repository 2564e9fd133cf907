import Bytes
import Glibc
import TestKit
import Testing

extension SystemTests {
    @Suite(.serialized) struct Authentication {}
}

/// SMTP authentication with programs that others wrote.
extension SystemTests.Authentication {
    /// A client: its arguments for the port and the mechanism.
    struct Client: Sendable, CustomStringConvertible {
        let description: String
        let arguments: @Sendable (Int, String) -> [String]
    }

    private static let python = """
        import smtplib, sys
        with smtplib.SMTP("127.0.0.1", int(sys.argv[1]), local_hostname="client.example") as s:
            s.ehlo()
            s.user, s.password = "user", "wrong"
            how = {"PLAIN": s.auth_plain, "LOGIN": s.auth_login, "CRAM-MD5": s.auth_cram_md5}[sys.argv[2]]
            try:
                s.auth(sys.argv[2], how)
                sys.exit("a wrong password was taken")
            except smtplib.SMTPAuthenticationError as error:
                assert error.smtp_code == 535, error
            s.password = "secret"
            assert s.auth(sys.argv[2], how)[0] == 235
            s.sendmail("a@example.net", ["b@far.example"], "Subject: x\\r\\n\\r\\nfrom a real client\\r\\n")
        """

    static let clients = [
        Client(
            description: "swaks",
            arguments: {
                [
                    "swaks", "--server", "127.0.0.1:\($0)", "--helo", "client.example", "--from",
                    "a@example.net", "--to", "b@far.example", "--auth", $1, "--auth-user", "user",
                    "--auth-password", "secret", "--hide-all",
                ]
            }),
        Client(
            description: "Python's smtplib", arguments: { ["python3", "-c", python, "\($0)", $1] }),
        Client(
            description: "curl",
            arguments: {
                [
                    "/bin/sh", "-c",
                    "printf 'Subject: x\\r\\n\\r\\nx\\r\\n' | exec curl -sS --url smtp://127.0.0.1:\($0)/client.example --mail-from a@example.net --mail-rcpt b@far.example --user user:secret --login-options AUTH=\($1) -T -",
                ]
            }),
    ]

    static let mechanisms = ["PLAIN", "LOGIN", "CRAM-MD5"]

    private static let own: ByteString = """
        plain:
          driver = plaintext
          public_name = PLAIN
          server_prompts = :
          server_condition = ${if and {{eq{$auth2}{user}}{eq{$auth3}{secret}}}}
          server_set_id = $auth2
        login:
          driver = plaintext
          public_name = LOGIN
          server_prompts = <| Username: | Password:
          server_condition = ${if and {{eq{$auth1}{user}}{eq{$auth2}{secret}}}}
          server_set_id = $auth1
        cram:
          driver = cram_md5
          public_name = CRAM-MD5
          server_secret = ${if eq{$auth1}{user}{secret}fail}
          server_set_id = $auth1

        """

    private static func dovecots(_ socket: ByteString) -> ByteString {
        ["PLAIN", "LOGIN", "CRAM-MD5", "NTLM"].map { (name: ByteString) -> ByteString in
            """
            \(name.lowercasedASCII().replacing(ByteString("-"), with: ByteString("_"))):
              driver = dovecot
              public_name = \(name)
              server_socket = \(socket)
              server_set_id = $auth1

            """
        }.joined(separator: "")
    }

    private static func site(_ authenticators: ByteString) throws -> MailSite {
        try MailSite(
            """
            queue_only
            qualify_domain = example.org
            smtp_accept_max_nonmail = 100
            received_header_text = Received: from $sender_helo_name with $received_protocol id $message_exim_id
            acl_smtp_rcpt = check_recipient
            begin acl
            check_recipient:
              accept  authenticated = *
              deny    message = relay not permitted
            begin authenticators
            \(authenticators)
            """)
    }

    @Test(
        "Real clients authenticate by each mechanism, and no password is in a log", arguments: [false, true])
    func authenticates(byDovecot: Bool) throws {
        let dovecot = byDovecot ? try DovecotProcess() : nil
        defer { withExtendedLifetime(dovecot) {} }
        let site = try Self.site(dovecot.map { Self.dovecots($0.socket) } ?? Self.own)
        let (daemon, port) = try site.receiver("--queue-only")
        for client in Self.clients {
            for mechanism in Self.mechanisms {
                let arguments = client.arguments(port, mechanism)
                let ending = try ChildProcess("/usr/bin/env", arguments).wait()
                #expect(ending.code == 0, "\(client) \(mechanism): \(ending.errors) \(ending.output)")
            }
        }
        daemon.signal(SIGTERM)
        #expect(try daemon.wait().code == 0)
        let arrivals = try site.log().filter { $0.contains(" <= ") }
        #expect(arrivals.count == Self.clients.count * Self.mechanisms.count)
        for line in arrivals { #expect(line.contains(" P=esmtpa A=") && line.contains(":user "), "\(line)") }
        for id in site.queue {
            let header = try site.spoolFile(id, "H")
            #expect(header.contains(ByteString("\n-received_protocol esmtpa\n")))
            #expect(header.contains(ByteString("\n--auth_id user\n")))
            #expect(header.contains(ByteString("\n-host_auth ")))
        }
        let text = try ["main", "reject", "panic"].flatMap { try site.log($0) }.joined(separator: "\n")
        // The words in base 64 too: the end of what PLAIN sends, and LOGIN's password.
        for secret in ["secret", "c2VjcmV0", "AHNlY3JldA"] { #expect(!text.contains(secret)) }
        #expect(try site.log("panic") == [])
    }

    @Test("Dovecot's answers are heard and told as Exim hears and tells them")
    func dovecotBesideExim() throws {
        let dovecot = try DovecotProcess()
        let gone: ByteString = """
            gone:
              driver = dovecot
              public_name = GONE
              server_socket = \(dovecot.socket)-that-is-not-there
            refusing:
              driver = dovecot
              public_name = SCRAM-SHA-1
              server_socket = \(dovecot.socket)

            """
        let site = try Self.site(Self.dovecots(dovecot.socket) + gone)
        func base64(_ text: ByteString) -> ByteString { Base64.encode(text) }
        let lines: [ByteString] = [
            "EHLO client.example.net", "AUTH PLAIN \(base64("\0user\0wrong"))", "AUTH PLAIN", "*",
            "AUTH PLAIN %%%", "AUTH PLAIN a\tb", "AUTH PLAIN =", "AUTH NTLM", "AUTH SCRAM-SHA-1", "AUTH GONE",
            "AUTH LOGIN", base64("user"), base64("bad"), "AUTH LOGIN", base64("user"), "*",
            "AUTH PLAIN \(base64("\0nobody\0x"))", "AUTH LOGIN", base64("user"), base64("secret"), "QUIT",
        ]
        let input = lines.map { "\($0)\r\n" as ByteString }.joined(separator: "")
        let arguments = ["-bs", "-oMa", "192.0.2.7", "-oMi", "192.0.2.1"]
        let wanted = try site.start(exim: arguments, input: input).wait()
        let loggedByExim = try site.log().filter { $0.contains("authenticator failed") }.map { masked($0) }
        let found = try site.start("bobbin", ["exim"] + arguments, input: input).wait()
        let logged = try site.log().filter { $0.contains("authenticator failed") }.map { masked($0) }
        #expect(masked(found.output) == masked(wanted.output))
        #expect(Array(logged.dropFirst(loggedByExim.count)) == loggedByExim)
        #expect(masked(found.output).contains("235 Authentication succeeded"))
    }

    @Test(
        "AUX-17: a live Exim and Bobbin authenticate to each other by each mechanism",
        arguments: [false, true])
    func eachOther(servesExim: Bool) throws {
        let server = try Self.site(Self.own)
        let (daemon, port) = try servesExim ? server.eximDaemon() : server.receiver("--queue-only")
        for (mechanism, secrets) in [
            ("PLAIN", "driver = plaintext\n  client_send = ^user^secret"),
            ("LOGIN", "driver = plaintext\n  client_send = : user : secret"),
            ("CRAM-MD5", "driver = cram_md5\n  client_name = user\n  client_secret = secret"),
        ] as [(ByteString, ByteString)] {
            let client = try MailSite(
                """
                queue_only
                qualify_domain = example.org
                begin routers
                all:
                  driver = manualroute
                  route_list = * 127.0.0.1 byname
                  self = send
                  transport = out
                begin transports
                out:
                  driver = smtp
                  port = \(port)
                  allow_localhost
                  hosts_require_auth = *
                begin retry
                * * F,1d,15m
                begin authenticators
                mine:
                  public_name = \(mechanism)
                  \(secrets)
                  client_set_id = user

                """)
            try client.exim("-odq", "-f", "a@example.org", "b@far.example", input: "Subject: x\n\nx\n")
            let ending =
                try servesExim ? client.run("bobbin-queuerunner") : client.start(exim: ["-q"]).wait()
            #expect(ending.code == 0)
            let log = try client.log()
            #expect(
                log.contains { $0.contains(" => b@far.example") && $0.contains(" A=mine:user ") }, "\(log)")
        }
        #expect(try server.log().count { $0.contains(" P=esmtpa A=") } == 3)
        daemon.signal(SIGTERM)
        try daemon.wait()
    }
}
