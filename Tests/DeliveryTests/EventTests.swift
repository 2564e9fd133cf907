import Bytes
import Foundation
import TestKit
import Testing

/// What `event_action` hears, in the area Events, whose deliveries are made once for all tests here.
extension DeliveryTests {
    /// Bobbin's lines of each delivery.
    ///
    /// That they are Exim's, but for the known differences, the first test tells.
    private enum Events {
        static let area = Task { try DeliveryArea.named("Events") }
        static let outcomes = Task { try await area.value.outcomes() }

        /// What was left, without the times.
        static func lines(_ title: String) async throws -> [String] {
            let outcomes = try await outcomes.value
            let outcome = try #require(outcomes.first { $0.0 == title }, "no delivery \(title)")
            return outcome.2.map {
                $0.replacing(/^main: <time> (#\d+ )?/, with: "").replacing(/\ +/, with: " ")
            }
        }

        /// The names of events, each with the option's owner, in order; and log lines by their first word.
        static func story(_ title: String) async throws -> [String] {
            try await lines(title).compactMap { line in
                if let event = line.prefixMatch(of: /[a-z]+: (msg|tcp|smtp):[a-z:]+/) {
                    return String(event.0)
                }
                return line.prefixMatch(of: /(=>|->|==|\*\*|Completed)/).map { String($0.0) }
            }
        }
    }

    @Test("Events come in Exim's order, with Exim's values, between Exim's log lines")
    func eventsAreExims() async throws {
        try check(try await Events.area.value, try await Events.outcomes.value)
    }

    @Test(
        "EVT-01, EVT-02, EVT-15, EVT-16, EVT-17, EVT-21, EVT-22, EVT-24: each event comes in its time")
    func raised() async throws {
        let before = ["smtp: tcp:connect", "smtp: smtp:connect", "smtp: smtp:ehlo", "smtp: tcp:close"]
        #expect(
            try await Events.story("accepted") == before + [
                "=>", "smtp: msg:delivery", "Completed", "main: msg:complete",
            ])
        #expect(
            try await Events.story("two recipients, and two domains") == before + [
                "=>", "smtp: msg:delivery", "->", "smtp: msg:delivery", "Completed", "main: msg:complete",
            ])
    }

    @Test(
        "EVT-25, EVT-30, EVT-31, EVT-32, EVT-33, EVT-34, EVT-35, EVT-36, EVT-42: an event knows its facts")
    func variables() async throws {
        let lines = try await Events.lines("accepted")
        #expect(
            lines.contains(
                """
                smtp: msg:delivery <250 OK accepted> M=yes T=smtp R=remote L=b D=one.test \
                H=127.0.1.2 A=127.0.1.2 P=<wire> 
                """))
        #expect(lines.contains("main: msg:complete <> M=yes "))
    }

    @Test("EVT-28, EVT-40, EVT-41: smtp:connect knows the banner and our end of the connection")
    func banner() async throws {
        let lines = try await Events.lines("accepted")
        #expect(
            lines.contains {
                $0.hasPrefix("smtp: smtp:connect <220-hello\\n220 there>")
                    && $0.hasSuffix("S=127.0.0.1 with a port")
            }, "\(lines)")
    }

    @Test(
        "EVT-18, EVT-26, EVT-29: a refused connection raises msg:host:defer with the error's text and number")
    func refused() async throws {
        let story = ["smtp: tcp:connect", "smtp: msg:host:defer", "smtp: msg:defer", "=="]
        let lines = try await Events.lines("refused connection")
        // The second run tries no host.
        #expect(try await Events.story("refused connection") == story + ["=="])
        #expect(
            lines.contains { $0.hasPrefix("smtp: msg:host:defer <Connection refused> M=yes errno=111 ") },
            "\(lines)")
    }

    @Test("EVT-19: 5xx at RCPT raises msg:fail:delivery for each recipient, with what the host said")
    func failed() async throws {
        let lines = try await Events.lines("a list with one that fails")
        let said = "SMTP error from remote mail server after RCPT TO:<bad@one.test>: 550 no"
        #expect(
            lines.filter { $0.contains("msg:fail") }
                == [
                    "smtp: msg:fail:delivery <\(said)> M=yes T=smtp R=list L=bad D=one.test "
                ].map { $0.replacing("R=list", with: "R=remote") }, "\(lines)")
    }

    @Test("EVT-20: a failure while routing raises msg:fail:internal for each recipient, by the main action")
    func failedInside() async throws {
        let lines = try await Events.lines("settled by routers").filter { $0.contains("msg:fail:internal") }
        #expect(
            lines.map { String($0.prefix { $0 != ">" }) } == [
                "main: msg:fail:internal <Unrouteable address",
                "main: msg:fail:internal <no b here",
                "main: msg:fail:internal <delivery to pipe forbidden",
            ])
    }

    @Test("EVT-51: 4xx at RCPT is told as the recipient's, and raises no msg:host:defer")
    func recipientDeferred() async throws {
        let story = try await Events.story("451, 550 and 250 at RCPT")
        #expect(story.contains("smtp: msg:rcpt:host:defer") && story.contains("smtp: msg:rcpt:defer"))
        #expect(!story.contains("smtp: msg:host:defer"), "\(story)")
    }

    @Test("EVT-44: what tcp:connect comes to stops the connect, and defers")
    func connectStopped() async throws {
        let lines = try await Events.lines("tcp:connect forbids to connect")
        #expect(lines.contains("H=127.0.1.2 [127.0.1.2] Event requests alternate response"), "\(lines)")
        #expect(lines.contains("== b@one.test R=remote T=smtp defer (-58)"), "\(lines)")
        #expect(!lines.contains { $0.contains("<connection>") }, "\(lines)")
    }

    @Test("EVT-46: what smtp:connect comes to closes the connection before EHLO")
    func greetingRefused() async throws {
        let lines = try await Events.lines("smtp:connect closes the connection")
        let wire = lines.filter { $0.hasPrefix("127.0.1.2 ") }
        #expect(wire == ["127.0.1.2 <connection>", "127.0.1.2 < QUIT"])
        #expect(
            lines.contains { $0.contains("deferred by smtp:connect event expansion: we do not like you") })
    }

    @Test("EVT-13, EVT-47: what other events come to, or that they cannot be expanded, changes nothing")
    func ignoredResults() async throws {
        for title in ["an action that cannot be expanded", "an action that is forced to fail"] {
            let lines = try await Events.lines(title)
            #expect(lines.contains { $0.hasPrefix("failed to expand event_action msg:") }, "\(lines)")
            #expect(lines.contains { $0.hasPrefix("=> b@one.test") }, "\(lines)")
            #expect(lines.contains("Completed"), "\(lines)")
        }
        let plain = try await Events.story("451, 550 and 250 at RCPT")
        #expect(try await Events.story("what other events come to is of no use") == plain)
    }

    @Test("EVT-14: the event's name is a list, and a text to compare")
    func names() async throws {
        let lines = try await Events.lines("the event's name is a list")
        #expect(lines.filter { $0.contains("msg:delivery") }.count == 1)
        #expect(!lines.contains { $0.contains("tcp:connect") })
    }

    @Test("EVT-48, EVT-50: facts of deliveries are kept in a database, quoted by its operator")
    func database() async throws {
        let rows = try await Events.lines("facts of deliveries in a database").filter {
            $0.hasPrefix("mail| msg")
        }
        #expect(
            rows == [
                "mail| msg:host:defer|o'brien@example.org|d'arc@several.test|127.0.1.9|127.0.1.9|0|Connection refused 111",
                "mail| msg:delivery|o'brien@example.org|d'arc@several.test|127.0.1.2|127.0.1.2|0|250 OK accepted 0",
            ])
    }

    @Test("EVT-49: an event's work may be an ACL, whose variables are there for the next event of the call")
    func variablesLast() async throws {
        let lines = try await Events.lines("an ACL that counts")
        #expect(lines.filter { $0.hasPrefix("event ") } == (1...4).map { "event \($0) of the call" })
    }

    @Test("EVT-54: the guide's sample stores what the log knows in a table, as the guide makes it")
    func documentedSample() throws {
        let guide = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../doc/guides/events.md").standardizedFileURL
        let text = try String(contentsOf: guide, encoding: .utf8)
        let transport = try #require(text.firstMatch(of: /\ {4}begin transports\n((?:\ {4}.*\n)+)/)).1
        let table = try #require(text.firstMatch(of: /sqlite3 \S+ ("CREATE TABLE .*")/)).1
        let configuration = """
            qualify_domain = example.org
            queue_only
            trusted_users = root
            acl_smtp_rcpt = accept
            sqlite_dbfile = MAIL/facts
            begin routers
            remote:
              driver = manualroute
              route_list = * 127.0.1.2
              transport = remote_smtp
            begin transports
            \(transport)  port = WIREPORT
            """
        let delivery = try #require(
            try Delivery.parse(
                """
                == the sample
                server: 2
                shell: sqlite3 mail/facts \(ByteString(String(table)))
                mail: <o'brien@example.org>
                rcpt: <b@one.test>
                run: -q
                shell: sqlite3 mail/facts "SELECT event, who, name, address, said FROM d" > mail/rows
                shell: rm mail/facts
                """
            ).first)
        let lines = try Stage(delivery, ByteString(configuration), nil, isExim: false).perform()
        #expect(
            lines.contains("mail| msg:delivery|o'brien@example.org|b@one.test|127.0.1.2|250 OK accepted 0"),
            "\(lines)")
    }

    @Test("EVT-43: the events of a callout know whether a sender or a recipient is verified")
    func verifyMode() throws {
        let port = try freePort()
        let site = try MailSite(
            port: port, main: "acl_smtp_rcpt = rcpt",
            acl: """
                rcpt:
                  require verify = sender/callout=no_cache
                  require verify = recipient/callout=no_cache
                  accept
                event:
                  accept logwrite = heard $event_name in mode <$verify_mode>
                """, options: "event_action = ${acl{event}}")
        let server = try ScriptedServer(
            Delivery.Server(address: 2), port: port, socketPath: site.directory.file("socket"))
        let dialogue: ByteString =
            "EHLO c\r\nMAIL FROM:<a@one.test>\r\nRCPT TO:<b@two.test>\r\nQUIT\r\n"
        try site.start("bobbin", ["exim", "-bs"], input: dialogue).wait()
        let heard = try site.log().compactMap { $0.firstMatch(of: /heard (.*)/).map { String($0.1) } }
        let names = ["tcp:connect", "smtp:connect", "smtp:ehlo", "tcp:close"]
        #expect(heard == names.map { "\($0) in mode <S>" } + names.map { "\($0) in mode <R>" })
        withExtendedLifetime(server) {}
    }
}
