import Bytes
import Foundation
import TestKit
import Testing

/// What the owners of authors' domains want done with mail (manual, section 58.6).
@Suite("DMARC at reception", .serialized)
struct DMARCTests {
    /// A message: its subject, which names it, its From: lines, and its envelope.
    private struct Message {
        var subject: String
        var from: [String]
        var sender = "x@none.test"
        var recipient = "bob"

        var script: String {
            let lines = from.map { "From: \($0)\r\n" }.joined()
            return """
                MAIL FROM:<\(sender)>\r\nRCPT TO:<\(recipient)@example.org>\r\nDATA\r\nSubject: \(subject)\r\n\(lines)\r\nbody\r\n.\r\n
                """
        }
    }

    private static let place = Area.fixtures.deletingLastPathComponent().appendingPathComponent("DMARC")
    /// Mozilla's list, in Debian's package publicsuffix.
    private static let suffixes = "dmarc_tld_file = /usr/share/publicsuffix/public_suffix_list.dat\n"
    private static let nameServer = 0x7F07_0000 + UInt32(getpid() & 0xFFFF | 1)

    /// A site whose configuration has some settings, and where the name server's address is known.
    private static func site(_ settings: String) throws -> MailSite {
        var text = try String(contentsOf: place.appendingPathComponent("exim.conf"), encoding: .utf8)
        text.replace("SETTINGS", with: settings)
        let site = try MailSite(ByteString(text))
        try site.directory.write("suspects: quarantine : nofrom\n", to: "words")
        return site
    }

    private static func serve<Result>(_ body: (ZoneServer) throws -> Result) throws -> Result {
        let zones = try ByteString(Data(contentsOf: place.appendingPathComponent("zones")))
        let server = try ZoneServer(ZoneServer.Zone.list(zones), at: nameServer)
        defer { withExtendedLifetime(server) {} }
        return try body(server)
    }

    /// What a session said, and what it logged, in the order of the messages.
    private static func hold(
        _ messages: [Message], at site: MailSite, _ server: ZoneServer,
        as peer: [String] = ["-oMa", "192.0.2.9"]
    ) throws -> (replies: [String], log: [String]) {
        let script = "EHLO client.test\r\n" + messages.map(\.script).joined() + "QUIT\r\n"
        let run = try site.start(
            "bobbin", ["exim"] + peer + ["-bs"], input: ByteString(script),
            through: try site.asking(server.addressText)
        ).wait()
        let log = try site.log().compactMap { line -> String? in
            let words = line.split(separator: " ", maxSplits: 3)
            guard words.count == 4 else { return line }
            return words[2].wholeMatch(of: /1[0-9A-Za-z]{5}-[0-9A-Za-z-]+/) != nil
                ? String(words[3]) : words[2...].joined(separator: " ")
        }
        return (Latin1.text(run.output).split(separator: "\r\n").map(String.init), log)
    }

    private static let messages = [
        Message(subject: "aligned", from: ["A <a@reject.test>"], sender: "x@reject.test"),
        Message(subject: "relaxed", from: ["a@News.Reject.TEST"], sender: "x@own.reject.test"),
        Message(subject: "strict", from: ["a@strict.reject.test"], sender: "x@reject.test"),
        Message(subject: "failed", from: ["a@reject.test"]),
        Message(subject: "inherited", from: ["a@news.reject.test"]),
        Message(subject: "own", from: ["a@own.reject.test"]),
        Message(subject: "held", from: ["a@quarantine.test"]),
        Message(subject: "watched", from: ["a@none.test"], sender: "x@norecord.test"),
        Message(subject: "unpublished", from: ["a@norecord.test"], sender: "x@norecord.test"),
        Message(subject: "nobody", from: []),
        Message(subject: "group", from: ["undisclosed-senders:;"]),
        Message(subject: "garbled", from: ["a@@reject.test"]),
        Message(subject: "several", from: ["a@none.test, b@reject.test"]),
        Message(subject: "doubled", from: ["a@reject.test", "a@none.test"]),
        Message(
            subject: "resent", from: ["a@norecord.test\r\nResent-From: b@reject.test"], sender: "x@none.test"),
        Message(subject: "beside", from: ["a@reject.test:;", "a@none.test"], sender: "x@none.test"),
        Message(subject: "dotted", from: ["a@reject.test."]),
        Message(subject: "wrapped", from: ["<<a@reject.test>>"]),
        Message(subject: "international", from: ["a@räksmörgås.test"]),
        Message(subject: "endless", from: [Array(repeating: "a", count: 20_000).joined(separator: ".\r\n ")]),
        Message(subject: "long", from: ["a@" + Array(repeating: "a", count: 400).joined(separator: ".")]),
        Message(subject: "silent", from: ["a@elsewhere.test"]),
        Message(subject: "bounce", from: ["a@reject.test"], sender: ""),
        Message(subject: "unasked", from: ["a@none.test"], sender: "unasked@none.test"),
        Message(subject: "off", from: ["a@reject.test"], recipient: "off"),
        Message(subject: "listed", from: ["a@reject.test"], sender: "x@reject.test", recipient: "list"),
        Message(subject: "unchecked", from: ["a@reject.test"]),
    ]

    @Test(
        """
        DMV-02, DMV-04, DMV-07, DMV-08, DMV-09, DMV-10, DMV-11, DMV-12, DMV-13, DMV-14, DMV-15, DMV-16, \
        DMV-17, DMV-18, DMV-19, DMV-20, DMV-21, DMV-22, DMV-23, DMV-26, DMV-27, DMV-28: a message has the status that its \
        author's domain asks for, and dmarc_status finds it in its lists
        """)
    func statuses() throws {
        try Self.serve { server in
            let (replies, log) = try Self.hold(Self.messages, at: Self.site(Self.suffixes), server)
            let told = log.filter { !$0.hasPrefix("<=") && !$0.contains("rejected after DATA") }
            let wanted = try String(contentsOf: Self.place.appendingPathComponent("told"), encoding: .utf8)
            #expect(told == wanted.split(separator: "\n").map(String.init))
            let refused = "550 Message from reject.test failed sender's DMARC policy, REJECT"
            #expect(replies.count { $0 == refused } == 6)
            #expect(replies.count { $0 == "550 Messages from reject.test break mailing lists" } == 1)
        }
    }

    @Test("DMV-30: a signature of the author's organization vouches for a message, another's does not")
    func signatures() throws {
        let place = Area.fixtures.deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("PolicyChecksTests/Fixtures")
        let key = try ByteString(Data(contentsOf: place.appendingPathComponent("dkim-rsa.key")))
        let record = try String(contentsOf: place.appendingPathComponent("dkim-zone.txt"), encoding: .utf8)
            .split(separator: "\n").first { $0.hasPrefix("rsa._domainkey.sign.test ") }
        let text = try #require(record?.split(separator: " ", maxSplits: 2).last)
        let halves = [text.prefix(200), text.dropFirst(200)].map { "\"\($0)\"" }.joined(separator: " ")
        let zone = ZoneServer.Zone(
            "sign.test",
            ByteString("rsa._domainkey IN TXT \(halves)\n_dmarc IN TXT \"v=DMARC1; p=reject; adkim=r\"\n"))
        let other = ZoneServer.Zone("other.test", "_dmarc IN TXT \"v=DMARC1; p=quarantine\"\n")
        let server = try ZoneServer([zone, other], at: Self.nameServer | 0x0001_0000)
        defer { withExtendedLifetime(server) {} }
        let domains = ["news.sign.test", "other.test"]
        let messages = domains.map { "From: a@\($0)\r\nSubject: signed\r\n\r\nbody\r\n" as ByteString }
        let answers = try DKIMStranger.ask(
            messages.map {
                .sign(
                    $0, by: DKIMStranger.Signer("rsa", key, "rsa-sha256"), form: "relaxed", countsBody: false)
            })
        var script: ByteString = "EHLO client.test\r\n"
        for (message, answer) in zip(messages, answers) {
            script += "MAIL FROM:<x@client.test>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n" as ByteString
            script += answer.signature + message + ByteString(".\r\n")
        }
        let site = try Self.site(Self.suffixes)
        let run = try site.start(
            "bobbin", ["exim", "-oMa", "192.0.2.9", "-bs"], input: script + ByteString("QUIT\r\n"),
            through: try site.asking(server.addressText))
        #expect(try run.wait().code == 0)
        let told = try site.log().filter { $0.contains("|") }.map {
            $0.split(separator: "signed: ").last.map(String.init)
        }
        #expect(
            told == [
                "accept|Accept|sign.test|reject|no|yes|pass header.from=news.sign.test",
                "quarantine|Quarantine|other.test|quarantine|no|no|fail header.from=other.test",
            ])
    }

    @Test("DMV-25: the variable of old is refused with what takes its place")
    func withdrawn() throws {
        let run = try MailSite("").run("bobbin", "exim", "-be", "$dmarc_ar_header")
        #expect(Latin1.text(run.output + run.errors).contains("${authresults{$primary_hostname}}"))
    }

    @Test("DMV-03: neither who authenticated nor who is local is asked about")
    func exempted() throws {
        try Self.serve { server in
            let message = [Message(subject: "failed", from: ["a@reject.test"])]
            for peer in [[], ["-oMa", "192.0.2.9", "-oMaa", "plain"]] {
                let site = try Self.site(Self.suffixes + "dmarc_history_file = SITE/spool/history\n")
                let log = try Self.hold(message, at: site, server, as: peer).log
                #expect(log.contains { $0.hasPrefix("failed: none|") })
                #expect(!FileManager.default.fileExists(atPath: site.directory.file("spool/history").string))
            }
        }
    }

    @Test(
        "DMV-01: without a list of suffixes nothing is checked; with one that cannot be read it is a temporary error"
    )
    func suffixes() throws {
        try Self.serve { server in
            let message = [Message(subject: "failed", from: ["a@reject.test"])]
            let unset = try Self.site("")
            #expect(try Self.hold(message, at: unset, server).log.contains { $0.hasPrefix("failed: none|") })
            let missing = try Self.site("dmarc_tld_file = SITE/missing\n")
            let log = try Self.hold(message, at: missing, server).log
            #expect(log.contains { $0.hasPrefix("failed: temperror|") })
        }
    }

    // MARK: History

    @Test(
        """
        DMH-01, DMH-03: each message whose author's domain publishes something is in the history file, as OpenDMARC's \
        importers want it, and the importer finds all of it
        """)
    func history() throws {
        try Self.serve { server in
            let site = try Self.site(Self.suffixes + "dmarc_history_file = SITE/spool/history\n")
            _ = try Self.hold(Self.messages, at: site, server)
            let text = try site.directory.read("spool/history")
            let records = Latin1.text(text).split(separator: "job ").map {
                $0.split(separator: "\n").map(String.init)
            }
            let all = ["aligned", "relaxed", "strict", "failed", "inherited", "own", "held", "watched"]
            #expect(
                records.count == all.count
                    + [
                        "several", "doubled", "bounce", "unasked", "listed", "dotted", "wrapped",
                        "international",
                    ].count)
            let inherited = try #require(records.dropFirst(4).first)
            #expect(inherited[2].wholeMatch(of: /received 1[0-9]{9}/) != nil)
            #expect(
                [inherited[1]] + inherited[3...] == [
                    "reporter mail.example.org", "ipaddr 192.0.2.9", "from news.reject.test",
                    "mfrom none.test", "spf 0",
                    "pdomain reject.test", "policy 17", "rua mailto:agg@reject.test",
                    "rua mailto:third@x.test!10m",
                    "pct 100", "adkim 114", "aspf 114", "p 114", "sp 113", "align_dkim 5", "align_spf 5",
                    "arc 11",
                    "arc_policy 1 json:[]", "action 4",
                ])
            #expect(records.contains { $0.contains("mfrom ") && $0.contains("spf 4") })
            // Without the condition of SPF nobody knows what it would have said.
            #expect(records.contains { $0.contains("spf 11") && $0.contains("from none.test") })
            let imported = try site.run(
                "bobbin", "dmarc", "import", "--settle", "0", "--json",
                site.directory.file("spool/history").string)
            #expect(imported.code == 0)
            #expect(Latin1.text(imported.output).contains("\"added\":\(records.count)"))
        }
    }

    @Test("DMH-02, DMV-29: where no history file is set, none is made")
    func noHistory() throws {
        try Self.serve { server in
            let site = try Self.site(Self.suffixes)
            let before = Set(site.names(in: "spool"))
            _ = try Self.hold([Message(subject: "failed", from: ["a@reject.test"])], at: site, server)
            let made = Set(site.names(in: "spool")).subtracting(before)
            #expect(!made.contains { $0.contains("history") || $0.contains("dmarc") })
        }
    }

    @Test("DMH-04: a history that cannot be written is told in the log, and the message goes its way")
    func unwritable() throws {
        try Self.serve { server in
            let site = try Self.site(Self.suffixes + "dmarc_history_file = SITE/none/history\n")
            let (replies, log) = try Self.hold(
                [Message(subject: "watched", from: ["a@none.test"])], at: site, server)
            #expect(
                log.contains { $0.hasPrefix("DMARC history not written:") && $0.contains("none/history") })
            #expect(replies.contains { $0.hasPrefix("250 OK id=") })
        }
    }

    // MARK: Configuration

    @Test(
        "DMV-05, DMV-06: a control of DMARC takes no options, and comes before DATA",
        arguments: [
            ("acl_smtp_rcpt", "control = dmarc_disable_verify/x"),
            ("acl_smtp_rcpt", "control = dmarc_enable_forensic/x"),
            ("acl_smtp_data", "control = dmarc_disable_verify"),
            ("acl_smtp_data", "control = dmarc_enable_forensic"),
        ])
    func controls(option: String, line: String) throws {
        let site = try MailSite(
            """
            queue_only
            acl_smtp_rcpt = \(ByteString(option == "acl_smtp_rcpt" ? "checked" : "accept"))
            acl_smtp_data = \(ByteString(option == "acl_smtp_data" ? "checked" : "accept"))
            begin acl
            checked:
              warn \(ByteString(line))
              accept

            """)
        let script = Message(subject: "any", from: ["a@b.test"]).script
        let run = try site.run(
            "bobbin", "exim", "-oMa", "192.0.2.9", "-bs",
            input: ByteString("EHLO c\r\n" + script + "QUIT\r\n"))
        #expect(run.code != 0 || !Latin1.text(run.output).contains("250 OK id="))
    }
}
