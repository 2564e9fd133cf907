import Bytes
import Foundation
import TestKit
import Testing

/// Scanners of content: Exim and Bobbin talk to the same one, must ask the same and conclude the same.
extension ReceptionTests {
    /// A message that is scanned: its sender chooses the scanner, `X-Answer:` is what that says.
    struct Scan: Sendable {
        let title: String
        let sender: String
        let answer: String
        init(_ title: String, _ sender: String, _ answer: String) {
            (self.title, self.sender, self.answer) = (title, sender, answer)
        }

        var script: Script {
            get throws {
                try Script.parse(
                    ByteString(
                        """
                        == \(title)
                        C: EHLO client.example.net
                        C: MAIL FROM:<\(sender)@example.net>
                        C: RCPT TO:<a@example.org>
                        C: RCPT TO:<b@example.org>
                        C: DATA
                        D: Subject: x
                        D: X-Title: \(title)
                        D: X-Answer: \(answer.replacing("\\", with: "\\\\"))
                        D:
                        D: hello world
                        D: ..
                        C: .
                        C: QUIT

                        """))[0]
            }
        }
    }

    static let scans: [Scan] =
        [
            ("clean", "stream: OK~"), ("found", "stream: Eicar-Test FOUND~"),
            ("found with facts", "stream: Eicar-Test(abc:12) FOUND|"), ("error", "stream: foo ERROR~"),
            ("nothing", ""), ("no colon", "garbage|"), ("null", "~"), ("only a colon", ": |"),
            ("a name with blanks", "stream: Eicar Test.B FOUND|"), ("a name with a colon", "a: b: c FOUND|"),
        ].flatMap { name, answer in
            [Scan("clamd \(name)", "clam", answer)]
        } + [
            Scan("clamd local clean", "clamlocal", "/x: OK|"),
            Scan("clamd local found", "clamlocal", "/x: A FOUND|"),
            Scan("clamd second server", "clamsecond", "stream: Eicar FOUND~"),
            Scan("clamd nobody", "clamnobody", ""), Scan("clamd nobody, taken", "clamtaken", ""),
            Scan("clamd retry", "clamretry", ""), Scan("clamd no socket", "clamsocket", ""),
            Scan("clamd bad option", "clambad", ""), Scan("clamd no port", "clamport", ""),
            Scan("clamd no host", "clamhost", ""),
            Scan("pattern that matches", "pattern1", "stream: Eicar FOUND~"),
            Scan("pattern that does not", "pattern2", "stream: Eicar FOUND~"),
            Scan("pattern that is broken", "pattern3", "stream: Eicar FOUND~"),
            Scan("no scan", "pattern4", "stream: Eicar FOUND~"),
            Scan("bad timeout", "pattern5", "stream: Eicar FOUND~"),
            Scan("denied", "denied", "stream: Eicar FOUND~"), Scan("deferred", "denied", "x"),
            Scan("unknown scanner", "unknown", ""), Scan("empty scanner", "empty", ""),
            Scan("scanner that does not expand", "unexpanded", ""),
            Scan("sock found", "sock", "a VIRUS: Foo.Bar here|"), Scan("sock clean", "sock", "fine|"),
            Scan("sock nameless", "sock2", "VIRUS|"),
            Scan("f-prot6d clean", "fprot", "0 <clean> x|"),
            Scan("f-prot6d found", "fprot", "1 <infected: EICAR_Test> x.eml->a|"),
            Scan("cmdline clean", "cmdline", ""), Scan("cmdline found", "cmdline2", ""),
            Scan("cmdline failed", "cmdline3", ""), Scan("cmdline without a name", "cmdline4", ""),
            Scan("cmdline without expressions", "cmdline5", ""),
            Scan("cmdline broken expression", "cmdline6", ""),
        ]
        + [
            "12.3/5.0", "1.2/5.0", "-3.2/5.0", "5.0/5.0", "0.0/5.0", "0.05/0.0", "70.49/5.0", "1000.6/5",
            "4.99/5.0",
        ].map {
            Scan(
                "spamd \($0.replacing("/", with: " of "))", "spam",
                "SPAMD/1.1 0 EX_OK|Content-length: 40||\($0)|Report line 1|line 2||end|")
        }
        + [
            Scan("spamd protocol error", "spam", "SPAMD/1.1 76 EX_PROTOCOL|Content-length: 0||12/5|"),
            Scan("spamd nothing", "spam", ""), Scan("spamd garbage", "spam", "garbage"),
            Scan("spamd without a report", "spam", "SPAMD/1.1 0 EX_OK|Content-length: 8||12/5.0|"),
            Scan("spamd always", "spamalways", "SPAMD/1.1 0 EX_OK|Content-length: 8||1/5.0|"),
            Scan("spamd not wanted", "spamfalse", ""),
            Scan("spamd second", "spamsecond", "SPAMD/1.1 0 EX_OK|Content-length: 8||9/5|x|"),
            Scan("spamd nobody", "spamnobody", ""), Scan("spamd nobody, taken", "spamtaken", ""),
            Scan("spamd options", "spamoptions", ""), Scan("spamd no port", "spamport", ""),
            Scan("spamd no servers", "spamnone", ""), Scan("spamd no host", "spamhost", ""),
            Scan("spamd ports", "spamports", ""),
            Scan(
                "rspamd spam", "rspamd",
                "RSPAMD/1.3 0 EX_OK|Metric: default; True; 16.40 / 15.00 / 0.0|Action: reject|Symbol: MIME_GOOD(-0.1)||"
            ),
            Scan(
                "rspamd no spam", "rspamd",
                "RSPAMD/1.3 0 EX_OK|Metric: default; False; -2.5 / 15.00 / 0.0|Action: no action|Symbol: A|Symbol: B||"
            ),
            Scan("rspamd garbage", "rspamd", "SPAMD/1.3 0 EX_OK|"),
        ]

    @Test("The same scanner is asked the same by Exim and Bobbin, and its answer has the same effect")
    func scanners() async throws { try await compare("exim.conf", Self.scans) }

    /// F-Secure's daemon: it says OK to each setting, and of the file what its header line `X-Answer:` has, `^` in it a tab and `|` a
    /// line end.
    private static let fsecure = """
        import os, socket, sys
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(sys.argv[1])
        os.chmod(sys.argv[1], 0o777)
        listener.listen(20)
        print("ready", flush=True)
        while True:
            client, _ = listener.accept()
            for line in client.makefile("rb"):
                words = line.decode().rstrip("\\n").split("\\t")
                if words[0] == "CONFIGURE":
                    print(line, flush=True)
                    client.sendall(b"OK\\n")
                    continue
                for field in open(words[1], encoding="latin1"):
                    if field.startswith("X-Answer: "):
                        answer = field[10:].strip().replace("^", "\\t").replace("|", "\\n")
                        client.sendall(answer.encode("latin1"))
                break
            client.close()
        """

    @Test("F-Secure's daemon is asked the same by Exim and Bobbin, and its answer has the same effect")
    func fsecureScans() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("fsav").string
        let server = try ChildProcess("/usr/bin/python3", ["-c", Self.fsecure, path])
        defer { server.signal(SIGKILL) }
        try eventually("the scanner listens") { try server.output.contains(ByteString("ready")) }
        let text: ByteString = """
            smtp_accept_max = 100
            queue_only
            smtp_banner = $smtp_active_hostname ESMTP ready
            received_header_text = Received: by $primary_hostname id $message_exim_id
            qualify_domain = example.org
            av_scanner = $acl_m_scanner
            acl_smtp_rcpt = accept
            acl_smtp_data = check

            begin acl

            check:
              warn   set acl_m_scanner = fsecure:${if eq{$sender_address_local_part}{nobody}{/nonexistent}{\(ByteString(path))}}
              deny   malware = *
                     message = this message has $malware_name
              accept
            """
        let answers = [
            ("clean", "OK^Scan ok.|"), ("a name", "INFECTED^/x^Eicar Test^a|OK^Scan ok.|"),
            ("a name behind others", "1^INFECTED^/x^One^a|INFECTED^/x^Two^a|OK^Scan ok.|"),
            ("words before the end", "x|y|OK^Scan ok.|"),
            (
                "an answer to a setting that comes late",
                "OK^Server configured.|INFECTED^/x^Late^a|OK^Scan ok.|"
            ), ("no end", "INFECTED^/x^Eicar^a|x|"),
            ("nothing", ""),
            ("another end", "OK Scan ok.|"),
        ]
        let scans = answers.map { Scan("fsecure \($0)", "a", $1) } + [Scan("fsecure nobody", "nobody", "")]
        let area = Area(name: "Scanners", configuration: text, scripts: try scans.map { try $0.script })
        let (wanted, found) = try await area.outcomes()
        for scan in scans {
            let difference = KnownDifferences.between(wanted[scan.title] ?? [], found[scan.title] ?? [])
            #expect(difference == [], "\(scan.title):\n\(difference.joined(separator: "\n"))")
        }
        let said = { (title: String) in (found["fsecure \(title)"] ?? []).joined(separator: "\n") }
        #expect(said("a name").contains("550 this message has Eicar Test"))
        #expect(!said("clean").contains("550"))
    }

    @Test("What a scanner said is used again in the same message, but not for another user of spamd")
    func cachedScans() async throws {
        let server = try await compare(
            "cached.conf",
            [
                Scan("virus", "virus", "stream: Eicar FOUND~"), Scan("no virus", "virus", "stream: OK~"),
                Scan("spam", "spam", "SPAMD/1.1 0 EX_OK|Content-length: 8||9/5.0|Report|"),
            ])
        #expect(server.requests("virus").count == 2)
        #expect(server.requests("no virus").count == 2)
        #expect(server.requests("spam").count == 4)
    }

    @Test(
        "A real clamd finds a signature in an attachment for Bobbin as for Exim, and nothing in a clean message"
    )
    func clamAV() async throws {
        let clam = try ClamProcess()
        let text = try Self.configuration("clamav.conf", port: clam.port)
            .replacing(ByteString("SOCKET"), with: ByteString(clam.socket))
        let hidden = Base64.encode("a \(ClamProcess.marker) b".utf8)
        let scripts = try ["stream", "local", "socket"].flatMap { sender in
            try ["found": hidden, "clean": Base64.encode("nothing".utf8)].map { name, body in
                try Self.attachment("clamd \(sender) \(name)", sender, body)
            }
        }
        let area = Area(name: "ClamAV", configuration: text, scripts: scripts)
        let (wanted, found) = try await area.outcomes()
        for script in scripts {
            let lines = found[script.title] ?? []
            #expect(KnownDifferences.between(wanted[script.title] ?? [], lines) == [], "\(script.title)")
            #expect(
                lines.contains { $0.contains("this message has \(ClamProcess.virus)") }
                    == script.title.hasSuffix("found"), "\(script.title): \(lines)")
        }
    }

    private static func attachment(_ title: String, _ sender: String, _ body: ByteString) throws -> Script {
        let text = """
            == \(title)
            C: EHLO client.example.net
            C: MAIL FROM:<\(sender)@example.net>
            C: RCPT TO:<a@example.org>
            C: DATA
            D: Content-Type: application/octet-stream
            D: Content-Transfer-Encoding: base64
            D: MIME-Version: 1.0
            D:
            D: \(body.string)
            C: .
            C: QUIT

            """
        return try Script.parse(ByteString(text))[0]
    }

    private static func configuration(_ file: String, port: Int) throws -> ByteString {
        let place = Area.fixtures.appendingPathComponent("../Scanners/\(file)")
        return ByteString(try Data(contentsOf: place))
            .replacing(ByteString("PORT"), with: ByteString("\(port)"))
    }

    @discardableResult
    private func compare(_ file: String, _ scans: [Scan]) async throws -> ScannerServer {
        let server = try ScannerServer()
        let text = try Self.configuration(file, port: server.port)
        let area = Area(name: "Scanners", configuration: text, scripts: try scans.map { try $0.script })
        let (wanted, found) = try await area.outcomes()
        for scan in scans {
            let difference = KnownDifferences.between(wanted[scan.title] ?? [], found[scan.title] ?? [])
            #expect(difference == [], "\(scan.title):\n\(difference.joined(separator: "\n"))")
            // Each was sent by both.
            let requests = server.requests(scan.title)
            let counts = Dictionary(requests.map { ($0, 1) }, uniquingKeysWith: +).values
            #expect(
                counts.allSatisfy { $0 % 2 == 0 }, "\(scan.title):\n\(requests.joined(separator: "\n====\n"))"
            )
        }
        return server
    }
}
