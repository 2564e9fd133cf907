import Bytes
import Foundation
import TestKit
import Testing

/// The worked configuration for SRS: the one of the guide, as it stands there, on both programs.
@Suite("Forwarding with SRS, beside a real Exim", .needsRoot)
struct ForwardingTests {
    /// Who receives and delivers.
    enum Program: CaseIterable {
        case exim, bobbin
    }

    /// A daemon with the guide's configuration, and the next host for all mail.
    private final class Forwarder {
        let site: MailSite
        let daemon: ChildProcess
        let port: Int
        let next: WireServer

        init(_ program: Program, _ next: WireServer) throws {
            self.next = next
            // The next host is on a port of its own, and so near that a router would take it for this one.
            let text = try Self.guide().replacing(
                "driver = dnslookup", with: "driver = manualroute\n  route_list = * 127.0.0.1\n  self = send"
            ).replacing("driver = smtp", with: "driver = smtp\n  port = \(next.port)\n  allow_localhost")
            site = try MailSite(
                ByteString(text.replacing("/etc/aliases", with: "SITE/aliases")) + ByteString("\n"))
            try site.directory.write(
                "friend: friend@far.example\nboth: one@far.example, two@far.example\n", to: "aliases")
            (daemon, port) = try program == .exim ? site.eximDaemon() : site.receiver()
        }

        deinit { daemon.kill() }

        /// The configuration in the guide.
        private static func guide() throws -> String {
            let parts = try ForwardingTests.guide().split(separator: "```\n")
            try #require(parts.count == 3)
            return String(parts[1])
        }

        /// Sends a message, and gives the envelopes that the next host then has, in order.
        func forward(from sender: ByteString, to recipients: [ByteString], envelopes: Int) throws -> [String]
        {
            next.forget()
            let dialogue = try SMTPDialogue.greeted(port: port)
            try dialogue.expect(250, dialogue.message(from: sender, to: recipients, "Subject: x\n\nx\n"))
            try eventually("the next host has \(envelopes) envelopes") {
                next.transactions.count >= envelopes
            }
            return next.transactions.map {
                "\($0.sender) > \(ByteString($0.recipients.joined(separator: ", ")))"
            }
            .sorted()
        }

        /// What is answered to a recipient.
        func answer(to recipient: ByteString, from sender: ByteString) throws -> String {
            let dialogue = try SMTPDialogue.greeted(port: port)
            try dialogue.expect(250, dialogue.say("MAIL FROM:<\(sender)>"))
            let reply = try dialogue.say("RCPT TO:<\(recipient)>")
            return "\(reply.code) \(ByteString(reply.lines.joined(separator: "\n")))"
        }
    }

    private static func guide() throws -> String {
        let tests = URL(filePath: #filePath).deletingLastPathComponent()
        return try String(
            contentsOf: tests.appending(path: "../../doc/guides/forwarding.md"), encoding: .utf8)
    }

    /// An envelope as the next host has it, with the hash and the day hidden.
    private static func hidden(_ envelopes: [String]) -> [String] {
        envelopes.map { $0.replacing(/SRS0=[0-9a-f]{4}=[a-z2-7]{2}=/, with: "SRS0=<hash>=<day>=") }
    }

    @Test(
        """
        SRN-08, SRN-09, AUX-09, AUX-10: only what is forwarded goes by the other transport, \
        which hides the sender in an address of the domain before forwarding, one recipient a message
        """,
        arguments: Program.allCases)
    func forwarded(by program: Program) throws {
        let forwarder = try Forwarder(program, WireServer())
        let straight = try forwarder.forward(
            from: "Joe@sender.example", to: ["friend@far.example", "other@far.example"], envelopes: 1)
        #expect(straight == ["Joe@sender.example > friend@far.example, other@far.example"])
        let forwarded = try forwarder.forward(
            from: "Joe@sender.example", to: ["friend@example.org"], envelopes: 1)
        let hiding = "SRS0=<hash>=<day>=sender.example=Joe@example.org"
        #expect(Self.hidden(forwarded) == ["\(hiding) > friend@far.example"])
        let both = try forwarder.forward(
            from: "Joe@sender.example", to: ["both@example.org"], envelopes: 2)
        #expect(Self.hidden(both) == ["\(hiding) > one@far.example", "\(hiding) > two@far.example"])
        // Mail from nobody has nothing to hide.
        let bounce = try forwarder.forward(from: "", to: ["friend@example.org"], envelopes: 1)
        #expect(bounce == [" > friend@far.example"])
    }

    @Test(
        """
        SRN-10, SRN-11, AUX-08: a bounce to what was made of a sender goes to that sender, one to an address that was \
        tampered with is refused at RCPT, and other mail than bounces gets neither
        """,
        arguments: Program.allCases)
    func bounced(by program: Program) throws {
        let next = try WireServer()
        // What one program made of a sender, the other finds too.
        for maker in Program.allCases {
            let hiding = try Forwarder(maker, next).forward(
                from: "Joe@sender.example", to: ["friend@example.org"], envelopes: 1)
            let hidden = try #require(hiding.first?.split(separator: " ").first)
            let forwarder = try Forwarder(program, next)
            #expect(
                try forwarder.forward(from: "", to: [ByteString(String(hidden))], envelopes: 1)
                    == [" > joe@sender.example"])
            let tampered = ByteString(hidden.replacing("=Joe@", with: "=Jim@"))
            #expect(try forwarder.answer(to: tampered, from: "") == "550 Invalid SRS recipient address")
            #expect(try forwarder.answer(to: "friend@example.org", from: "") == "250 Accepted")
            for address in [ByteString(String(hidden)), tampered] {
                #expect(try forwarder.answer(to: address, from: "a@b.example") == "550 Unrouteable address")
            }
        }
    }

    @Test("SRN-12: the guide on forwarding says that this form does less than the one with a library")
    func documentation() throws {
        let text = try Self.guide()
        #expect(text.contains("It is stated to do less than the older form that used the library libsrs_alt"))
        for option in ["srs_config", "srs_dbinsert", "srs_condition", "SRS1"] {
            #expect(text.contains("`\(option)`"), "\(option)")
        }
    }
}
