import Bytes
import Foundation
import TestKit
import Testing

/// TLS with servers: the area Tls, whose deliveries are made once for all tests here, and what only we promise.
extension DeliveryTests {
    private enum Secured {
        static let area = Task { try DeliveryArea.named("Tls") }
        static let outcomes = Task { try await area.value.outcomes() }

        /// What Bobbin's delivery left.
        static func lines(_ title: String) async throws -> [String] {
            let outcomes = try await outcomes.value
            return try #require(outcomes.first { $0.0 == title }, "no delivery \(title)").2
        }

        /// The event lines of Bobbin's delivery.
        static func events(_ title: String) async throws -> [String] {
            try await lines(title).compactMap { $0.firstMatch(of: /EV (.*)/).map { String($0.1) } }
        }
    }

    @Test("Deliveries under TLS leave what Exim's leave")
    func securedDeliveries() async throws {
        try check(try await Secured.area.value, try await Secured.outcomes.value)
    }

    @Test(
        "A message for a host of hosts_require_tls never crosses the wire in clear text, and none for smtps does"
    )
    func neverClear() async throws {
        let area = try await Secured.area.value
        let demanding = area.deliveries.filter { delivery in
            delivery.settings["smtp", default: []].contains {
                $0 == "hosts_require_tls = *" || $0 == "protocol = smtps"
            }
        }
        #expect(demanding.count >= 18)
        for delivery in demanding {
            let wire = try await Secured.lines(delivery.title).filter { $0.hasPrefix("127.0.1.") }
            #expect(!wire.isEmpty)
            #expect(Self.clearMail(wire).isEmpty, "\(delivery.title): \(wire)")
        }
        // The search finds what it looks for.
        #expect(!Self.clearMail(try await Secured.lines("no handshake")).isEmpty)
    }

    /// What a server heard of mail outside of TLS.
    private static func clearMail(_ lines: [String]) -> [String] {
        var isSecure = false
        return lines.filter { line in
            guard line.hasPrefix("127.0.1.") else { return false }
            if line.contains("<connection>") { isSecure = false }
            if line.contains(" <TLS>") || line.contains(" <TLS ") { isSecure = true }
            return !isSecure && line.contains(/\ (< (MAIL|RCPT|DATA|BDAT|AUTH)|\|)/)
        }
    }

    @Test("What a server says in clear text behind its go-ahead is not taken as if it had come under TLS")
    func injected() async throws {
        let lines = try await Secured.lines("clear text behind the go-ahead")
        #expect(
            lines.contains { $0.contains("defer (-38)") && $0.hasSuffix("synch error before starting TLS") })
        #expect(!lines.contains { $0.contains("< AUTH") || $0.contains("< MAIL") })
    }

    @Test("The deferral says why there was no session, and what is wrong with the certificate")
    func reasons() throws {
        let area = try DeliveryArea.named("Tls")
        let names = try NameService(area.zones, at: 0x7F05_0000 + UInt32(getpid() & 0xFFFF | 1))
        for (title, reason) in [
            ("a handshake that stalls", "TLS session: (SSL_connect): timed out"),
            ("of a stranger", "certificate verify failed (unable to get local issuer certificate)"),
            ("another's name", "certificate verify failed (hostname mismatch)"),
            (
                "a protocol that the server does not know of",
                "TLS session: (handshake): ALPN required but not negotiated"
            ),
        ] {
            let delivery = try #require(area.deliveries.first { $0.title == title })
            let stage = try Stage(delivery, area.configuration, names, isExim: false)
            _ = try stage.perform()
            let log = try stage.site.log()
            #expect(log.contains { $0.contains("defer (-37)") && $0.hasSuffix(reason) }, "\(title): \(log)")
        }
    }

    @Test(
        "EVT-23, EVT-27, EVT-37, EVT-52: each certificate of the chain is asked about, from the top, by its depth"
    )
    func chain() async throws {
        #expect(
            try await Secured.events("an event for each certificate") == [
                "tls:cert <2> O=Example,CN=Test Authority", "tls:cert <1> O=Example,CN=Middle",
                "tls:cert <0> O=Example,CN=mx2.tls.test",
            ])
    }

    @Test("EVT-45: what tls:cert comes to refuses the certificate")
    func certificateRefused() async throws {
        let lines = try await Secured.lines("an event refuses the certificate")
        let denial = "SSL verify denied by event-action: depth=0 cert=CN=wire.example.com: not this one"
        #expect(lines.contains { $0.hasSuffix(denial) }, "\(lines)")
        #expect(lines.contains { $0.contains("defer (-37)") })
        #expect(!lines.contains { $0.contains("<TLS EHLO") }, "\(lines)")
    }

    /// A site whose messages go to 127.0.1.2 under different demands, by their domains.
    private static func demands(_ options: ByteString, _ server: Delivery.Server) throws -> (
        MailSite, ScriptedServer
    ) {
        let port = try freePort()
        let site = try MailSite(
            port: port,
            main: """
                queue_only
                remote_max_parallel = 1
                remote_sort_domains = one.test : two.test : three.test
                acl_smtp_rcpt = accept
                """, options: "multi_domain = false\n" + options)
        try Papers.made().give(to: site)
        return (site, try ScriptedServer(server, port: port, socketPath: site.directory.file("socket")))
    }

    /// Sends to each domain, and gives what the server heard.
    private static func heard(
        _ domains: [String], _ options: ByteString, _ server: Delivery.Server
    ) throws -> [String] {
        let (site, server) = try demands(options, server)
        try send(from: site, to: domains)
        return server.lines
    }

    /// Sends a message to an address in each domain, one after the other.
    private static func send(from site: MailSite, to domains: [String]) throws {
        let sent = try site.start(
            exim: ["-odq", "-f", "a@example.org"] + domains.map { "b@\($0)" }, input: "Subject: x\n\nx\n")
        try #require(try sent.wait().code == 0)
        let ending = try site.run("bobbin", "exim", "-q")
        #expect(ending.code == 0, "\(ending.errors)")
    }

    private static func server(_ words: [String], _ rules: [Delivery.Rule] = []) throws -> Delivery.Server {
        var server = Delivery.Server(address: 2, offers: ["SIZE", "STARTTLS"], rules: rules)
        server.tls = try ServerTLS(words)
        return server
    }

    @Test("Messages with the same demands share a connection under TLS, and hosts_nopass_tls parts them")
    func shared() throws {
        let domains = ["one.test", "two.test", "three.test"]
        for (option, count) in [("", 1), ("hosts_nopass_tls = *", 3)] as [(ByteString, Int)] {
            let lines = try Self.heard(domains, option, Self.server(["own"]))
            #expect(lines.count { $0.hasSuffix("<connection>") } == count, "\(lines)")
            #expect(lines.count { $0.contains("<TLS MAIL") } == 3)
        }
    }

    @Test("A message that must go under TLS does not use a connection in clear text that another has left")
    func notPooledInClear() throws {
        let refusal = Delivery.Rule(verb: "STARTTLS", text: "", occurrence: 1, answer: "454 not now")
        let lines = try Self.heard(
            ["one.test", "two.test"], "hosts_require_tls = ${if eq{$domain}{two.test}{*}}",
            Self.server(["own"], [refusal]))
        let clear = Self.clearMail(lines)
        #expect(clear.contains { $0.contains("RCPT TO:<b@one.test>") }, "\(lines)")
        #expect(!clear.contains { $0.contains("two.test") }, "\(lines)")
        #expect(lines.contains { $0.contains("<TLS RCPT TO:<b@two.test>") }, "\(lines)")
    }

    @Test("A message that needs a verified session does not use one that was not verified")
    func notPooledUnverified() throws {
        let lines = try Self.heard(
            ["one.test", "two.test"],
            """
            hosts_require_tls = *
              tls_verify_certificates = SITE/ca.crt
              tls_verify_hosts = ${if eq{$domain}{two.test}{*}}
            """, Self.server(["stranger"]))
        #expect(lines.contains { $0.contains("<TLS RCPT TO:<b@one.test>") }, "\(lines)")
        #expect(!lines.contains { $0.contains("two.test") }, "\(lines)")
    }

    @Test("A connection on which we are somebody by what the session told us is used by no one else")
    func notPooledForOthers() throws {
        let (site, server) = try Self.demands(
            "hosts_require_auth = *",
            {
                var server = try Self.server(
                    ["own"], [Delivery.Rule(verb: "AUTH", text: "", answer: "235 yes")])
                server.offers.append("AUTH PLAIN")
                return server
            }())
        let authenticators: ByteString = """

            begin authenticators
            plain:
              driver = plaintext
              public_name = PLAIN
              client_send = ${if def::tls_out_cipher{^${if eq{$domain}{three.test}{other}{same}}^secret}{^nobody^x}}

            """
        for file in ["exim.conf", "bobbin.conf"] as [ByteString] {
            try site.directory.write(site.directory.read(file) + authenticators, to: file)
        }
        try Self.send(from: site, to: ["one.test", "two.test", "three.test"])
        let log = try site.log()
        let words = server.lines.compactMap { line in
            line.firstMatch(of: /<TLS (AUTH|MAIL) ?(.*)/).map { "\($0.1) \($0.2)" }
        }
        #expect(words.count { $0.hasPrefix("AUTH") } == 2, "\(words) \(log)")
        #expect(words.count { $0.hasPrefix("MAIL") } == 3)
    }

    @Test("A server that stalls in the handshake holds no other delivery")
    func stalled() throws {
        let port = try freePort()
        let site = try MailSite(
            sendingTo: "one.test 127.0.1.2 ; * 127.0.1.3", port: port,
            main: "queue_only\nacl_smtp_rcpt = accept", options: "command_timeout = 10m")
        let stall = Delivery.Rule(verb: "STARTTLS", text: "", answer: "<stalled>220 go")
        let first = try ScriptedServer(
            Self.server([], [stall]), port: port, socketPath: site.directory.file("socket"))
        var other = try Self.server(["own"])
        other.address = 3
        let second = try ScriptedServer(other, port: port, socketPath: site.directory.file("socket"))
        for domain in ["one.test", "two.test", "three.test"] {
            let ending = try site.exim(
                "-odq", "-f", "a@example.org", "b@\(domain)", input: "Subject: x\n\nx\n")
            try #require(ending.code == 0, "\(ending.errors)")
        }
        let run = try site.start("bobbin", ["exim", "-q"])
        try eventually("the first server is asked for TLS") {
            first.lines.contains { $0.hasSuffix("< STARTTLS") }
        }
        try eventually("the others are served") {
            try site.log().count { $0.contains("=> b@t") } == 2
        }
        #expect(run.isRunning)
        // It would wait for its delivery.
        run.signal(9)
        try run.wait()
        withExtendedLifetime(second) {}
    }

    @Test("A callout speaks TLS as a delivery does, by its own list", arguments: [true, false])
    func callout(isExim: Bool) throws {
        let demands: [(ByteString, [String], [ByteString], Bool)] = [
            ("", ["own"], ["SIZE", "STARTTLS"], true),
            ("hosts_require_tls = *", ["own"], ["SIZE", "STARTTLS"], true),
            ("hosts_require_tls = *", [], ["SIZE"], false),
            ("hosts_require_tls = *\n hosts_verify_avoid_tls = *", ["own"], ["SIZE", "STARTTLS"], false),
            ("hosts_verify_avoid_tls = *", ["own"], ["SIZE", "STARTTLS"], true),
            ("protocol = smtps", ["own", "atonce"], ["SIZE"], true),
        ]
        for (options, words, offers, isAccepted) in demands {
            var server = try Self.server(words)
            server.offers = offers
            let (lines, answer) = try Self.callout(options, server, isExim: isExim)
            #expect(answer == (isAccepted ? "250" : "451"), "\(options): \(lines)")
            let mail = lines.filter { $0.contains("RCPT TO:<b@two.test>") }
            #expect(mail.count == (isAccepted ? 1 : 0), "\(options): \(lines)")
            let isSecure = !options.contains(ByteString("verify_avoid"))
            #expect(mail.allSatisfy { $0.contains("<TLS RCPT") == isSecure }, "\(options): \(lines)")
        }
    }

    @Test(
        "A callout whose handshake fails goes on in clear text, unless TLS is required",
        arguments: [true, false])
    func failedCallout(isExim: Bool) throws {
        let garbage = Delivery.Rule(verb: "STARTTLS", text: "", answer: "<garbage>220 go")
        for (options, isAccepted) in [("", true), ("hosts_require_tls = *", false)] as [(ByteString, Bool)] {
            let (lines, answer) = try Self.callout(options, Self.server(["own"], [garbage]), isExim: isExim)
            #expect(answer == (isAccepted ? "250" : "451"), "\(lines)")
            #expect(lines.contains { $0.contains("< RCPT") } == isAccepted, "\(lines)")
        }
    }

    /// What the server of a callout heard, and the code that RCPT is answered with.
    private static func callout(
        _ options: ByteString, _ server: Delivery.Server, isExim: Bool
    ) throws -> ([String], String) {
        let port = try freePort()
        let site = try MailSite(
            port: port, main: "acl_smtp_rcpt = rcpt",
            acl: "rcpt:\n require verify = recipient/callout=20s,no_cache\n accept", options: options)
        let server = try ScriptedServer(server, port: port, socketPath: site.directory.file("socket"))
        let dialogue: ByteString = "EHLO c\r\nMAIL FROM:<a@one.test>\r\nRCPT TO:<b@two.test>\r\nQUIT\r\n"
        let process =
            try isExim
            ? site.start(exim: ["-bs"], input: dialogue)
            : site.start("bobbin", ["exim", "-bs"], input: dialogue)
        let answers = Latin1.text(try process.wait().output).split(separator: "\r\n").map(String.init)
        return (server.lines, String(answers.dropLast().last?.prefix(3) ?? ""))
    }
}
