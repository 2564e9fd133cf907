import Bytes
import Foundation
import Glibc
import TestKit
import Testing

/// ETRN, and the limits that are told beforehand.
extension ReceptionTests {
    private static let commands: ByteString = """
        acl_smtp_etrn = accept
        acl_smtp_rcpt = accept
        smtp_banner = $smtp_active_hostname ESMTP ready
        smtp_accept_max_nonmail = 100
        queue_only

        """

    /// Commands of `smtp_etrn_command`, and what is said while one of them is at work.
    static let turnCommands: [ByteString] = [
        "/bin/sleep 3", "/bin/sleep 3\nsmtp_etrn_serialize = false",
        "/bin/echo $domain\nsmtp_etrn_serialize = false",
        "/bin/sh -c \"exit 3\"\nsmtp_etrn_serialize = false",
        "${if eq{1}{1}",
    ]

    @Test("smtp_etrn_command is run and serialised as by Exim", arguments: turnCommands)
    func turnCommand(command: ByteString) throws {
        let text = Self.commands + ("smtp_etrn_command = \(command)\nbegin acl\n" as ByteString)
        func replies(isExim: Bool) throws -> [String] {
            let server = try Server(text, isExim: isExim, queueOnly: false)
            let dialogue = try SMTPDialogue.greeted(port: server.port)
            let heard = try ["ETRN a.example", "ETRN a.example", "ETRN #b.example", "ETRN"].map {
                try dialogue.say(ByteString($0)).lines.map { masked($0) }.joined(separator: " ")
            }
            server.daemon.kill()
            return heard
        }
        #expect(try replies(isExim: false) == replies(isExim: true))
    }

    @Test("smtp_etrn_serialize holds over several receivers on one spool, through the hints")
    func turnsOfOthers() throws {
        let site = try MailSite(
            """
            \(Self.commands)smtp_etrn_command = /bin/sh -c "while [ -d SITE ] && [ ! -e SITE/go ]; do sleep 0.1; done"
            begin acl

            """)
        let (one, other) = (try site.receiver("--queue-only"), try site.receiver("--queue-only"))
        defer {
            one.daemon.kill()
            other.daemon.kill()
        }
        let here = try SMTPDialogue.greeted(port: one.port)
        let there = try SMTPDialogue.greeted(port: other.port)
        #expect(try here.say("ETRN a.example").code == 250)
        #expect(try there.say("ETRN a.example").lines == ["Already processing a.example"])
        #expect(try there.say("ETRN b.example").code == 250)
        try site.directory.write("", to: "go")
        try eventually("the other may, when the first has ended") {
            try there.say("ETRN a.example").code == 250
        }
        // A receiver that ends takes back what it has counted in.
        try FileManager.default.removeItem(atPath: site.directory.file("go").string)
        try eventually("it is at work again") { try here.say("ETRN c.example").code == 250 }
        one.daemon.signal(SIGTERM)
        #expect(try one.daemon.wait().code == 0)
        #expect(try there.say("ETRN c.example").code == 250)
        try site.directory.write("", to: "go")
    }

    @Test("ETRN delivers the messages that wait for the domain, and no others")
    func turn() throws {
        let site = try MailSite(
            """
            \(Self.commands)
            begin acl
            begin routers
            all:
              driver = accept
              transport = box
            begin transports
            box:
              driver = appendfile
              maildir_format
              directory = MAIL/box
              user = \(MailSite.user)
            """)
        for recipient in ["a@wanted.example", "b@other.example", "c@mail.wanted.example"] {
            try site.run(
                "bobbin", "exim", "-odq", recipient, input: "Subject: \(ByteString(recipient))\n\nx\n")
        }
        let (daemon, port) = try site.receiver()
        let dialogue = try SMTPDialogue.greeted(port: port)
        #expect(try dialogue.say("ETRN #wanted.example").code == 250)
        try eventually("both are delivered") { try site.delivered().count == 2 }
        daemon.signal(SIGTERM)
        #expect(try daemon.wait().code == 0)
        #expect(site.queue.count == 1)
        #expect(try site.delivered().allSatisfy { $0.contains(ByteString("wanted.example")) })
    }

    @Test("LIMITS tells what a session may bring, to the hosts that limits_advertise_hosts lists")
    func limitsExtension() throws {
        let options: ByteString = "message_id_format = short\nlimits_advertise_hosts = *\n"
        let site = try MailSite(
            bobbin: options,
            "acl_smtp_rcpt = accept\nrecipients_max = 7\nsmtp_accept_max_per_connection = 3\nqueue_only\nbegin acl\n"
        )
        let (daemon, port) = try site.receiver()
        let dialogue = try SMTPDialogue(port: port)
        _ = try dialogue.reply()
        let offered = try dialogue.say("EHLO client.example").lines
        #expect(offered.contains("LIMITS MAILMAX=3 RCPTMAX=7"))
        daemon.kill()
    }
}
