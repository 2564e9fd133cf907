import Bytes
import TestKit
import Testing

extension SystemTests.Delivery {
    /// What a scenario of deliveries left behind on one site.
    struct Result: Equatable {
        /// Log lines with ids and times hidden, in their order except for `=>` and `->` lines, which are sorted.
        var log: [String]
        /// The messages that the wire server took: sender, recipients, text.
        var sent: [String]
        /// The messages in the maildirs.
        var mailboxes: [String]
        /// What `-bp` lists afterwards.
        var listing: String
    }

    /// One message of a scenario.
    struct Mail: Sendable {
        var sender: ByteString = "alice@example.org"
        var recipients: [ByteString]
        var text: ByteString = "From: alice@example.org\nSubject: hello\n\nHello\n.with a dot\n"
    }

    struct Scenario: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let mail: [Mail]
        var runs = 1
        var remote: ByteString = ""
        var script: WireServer.Script = { _ in nil }
    }

    static let scenarios: [Scenario] = [
        Scenario(
            testDescription: "a maildir and a remote host",
            mail: [Mail(recipients: ["bob@example.org"]), Mail(recipients: ["dave@example.com"])]),
        Scenario(
            testDescription: "several recipients in one transaction",
            mail: [Mail(recipients: ["a@example.com", "b@example.com", "c@example.com", "bob@example.org"])]),
        Scenario(
            testDescription: "8-bit text and a null sender",
            mail: [
                Mail(
                    sender: "", recipients: ["a@example.com"],
                    text: ByteString("Subject: 8\n\n") + ByteString([0xE4, 0xF6, 0xFC, 0x0A]))
            ]),
        Scenario(
            testDescription: "a recipient that the remote host refuses, and the bounce",
            mail: [Mail(recipients: ["good@example.com", "bad@example.com"])], runs: 2,
            script: {
                $0.verb == "RCPT" && $0.argument == "bad@example.com" ? .reply("550 no such user") : nil
            }),
        Scenario(
            testDescription: "a recipient that no router takes",
            mail: [Mail(recipients: ["nobody@example.org", "bob@example.org"])], runs: 2),
        Scenario(
            testDescription: "a refused bounce, which is frozen",
            mail: [Mail(sender: "", recipients: ["nobody@example.org"])]),
        Scenario(
            testDescription: "a recipient that the remote host defers",
            mail: [Mail(recipients: ["good@example.com", "slow@example.com"])],
            script: { $0.verb == "RCPT" && $0.argument == "slow@example.com" ? .reply("451 try later") : nil }
        ),
        Scenario(
            testDescription: "a message deferred after its final dot",
            mail: [Mail(recipients: ["a@example.com", "b@example.com"])],
            script: { $0.verb == "MESSAGE" ? .reply("452 disk full") : nil }),
        Scenario(
            testDescription: "a message refused after its final dot, and the bounce",
            mail: [Mail(recipients: ["a@example.com"])], runs: 2,
            script: { $0.verb == "MESSAGE" ? .reply("554 content refused") : nil }),
        Scenario(
            testDescription: "a sender that the remote host refuses",
            mail: [Mail(recipients: ["a@example.com"])], runs: 2,
            script: { $0.verb == "MAIL" ? .reply("550 we do not take mail from you") : nil }),
        Scenario(
            testDescription: "a connection that the remote host drops",
            mail: [Mail(recipients: ["a@example.com"])],
            script: { $0.verb == "MAIL" ? .close : nil }),
        Scenario(
            testDescription: "a greeting that says no",
            mail: [Mail(recipients: ["a@example.com"])],
            script: { $0.verb == "CONNECT" ? .reply("421 too busy") : nil }),
    ]

    @Test(
        "Deliveries have the same log, the same mail and the same listing afterwards as Exim's",
        arguments: scenarios)
    func sameDeliveries(scenario: Scenario) throws {
        let wanted = try Self.perform(scenario) { try $0.start(exim: ["-qf"]) }
        let found = try Self.perform(scenario) { try $0.start("bobbin-queuerunner", ["--force"]) }
        #expect(difference(found.log, wanted.log) == nil)
        #expect(difference(found.sent, wanted.sent) == nil)
        #expect(difference(found.mailboxes, wanted.mailboxes) == nil)
        #expect(difference(found.listing, wanted.listing) == nil)
    }

    /// Exim receives the mail; then `run` delivers it.
    static func perform(_ scenario: Scenario, run: (MailSite) throws -> ChildProcess) throws -> Result {
        let wire = try WireServer(scenario.script)
        let site = try MailSite(configuration(wire: wire.port, remote: scenario.remote))
        for mail in scenario.mail {
            let sender = mail.sender.isEmpty ? "<>" : mail.sender.string
            let ending = try site.start(
                exim: ["-odq", "-i", "-f", sender] + mail.recipients.map(\.string), input: mail.text
            ).wait()
            try #require(ending.code == 0, "\(ending.errors)")
        }
        for _ in 0..<scenario.runs {
            let ending = try run(site).wait()
            #expect(ending.code == 0, "\(ending.errors)")
        }
        let listing = try site.exim("-bp")
        return Result(
            log: try steady(site.log().map { hideSite(masked($0), site, wire) }),
            sent: wire.transactions.map {
                "\($0.sender) \($0.recipients.map(\.string).sorted()) \(hideSite(masked($0.message), site, wire))"
            }.sorted(),
            mailboxes: try site.delivered().map { hideSite(masked($0), site, wire) }.sorted(),
            listing: masked(listing.output).replacing(/[0-9.KM ]{5} <id>/, with: "<size> <id>"))
    }

    /// Hides the temporary directory and the wire server's port.
    static func hideSite(_ text: String, _ site: MailSite, _ wire: WireServer) -> String {
        text.replacing(site.directory.path.string, with: "SITE").hiding(port: wire.port)
    }

    /// What is each program's own, and the order of deliveries made at the same time differ without meaning.
    static func steady(_ log: [String]) -> [String] {
        let passing = ["queue run:", "<= ", "exim user lost privilege", "options that have no effect yet"]
        return log.filter { line in !passing.contains { line.contains($0) } }.sorted()
    }
}
