import Bytes
import Foundation
import TestKit
import Testing

extension SystemTests {
    @Suite(.serialized) struct LocalSocket {}
}

extension SystemTests.LocalSocket {
    /// An ordinary user, who may write to no spool.
    static let user = ["--reuid=65534", "--regid=65534", "--clear-groups", "--"]

    private static let text: ByteString = """
        qualify_domain = example.org
        received_header_text = Received: by $primary_hostname\\n\\tid $message_exim_id
        smtp_banner = $smtp_active_hostname ESMTP ready
        acl_smtp_rcpt = accept
        queue_only

        """

    /// What an ordinary user asks for, as Exim's options, and what he gives.
    struct Request: Sendable, CustomStringConvertible {
        let description: String
        let arguments: [String]
        let input: ByteString
        /// Main options.
        let options: ByteString

        init(
            _ description: String, _ arguments: [String], _ input: ByteString,
            options: ByteString = "untrusted_set_sender = ok@example.net"
        ) {
            (self.description, self.arguments, self.input) = (description, arguments, input)
            self.options = options
        }
    }

    private static let batch: ByteString = """
        MAIL FROM:<ok@example.net>
        RCPT TO:<a@example.com>
        DATA
        Subject: one

        x
        .
        MAIL FROM:<other@example.net>
        RCPT TO:<b@example.com>
        DATA
        Subject: two

        .

        """

    static let requests = [
        Request(
            "a sender that is allowed", ["-f", "ok@example.net", "a@example.com"], "Subject: x\n\nbody\n"),
        Request("a sender that is not", ["-f", "no@example.net", "a@example.com"], "Subject: x\n\nbody\n"),
        Request(
            "no sender, and lines of others", ["-f", "<>", "a@example.com"],
            "From: other@example.com\nSender: me@example.com\nReturn-path: x@example.com\n\nbody\n"),
        Request(
            "recipients of the header", ["-t"],
            "To: a@example.com\nCc: b\nBcc: c@example.com\nFrom: nobody@example.org\n\nx\n"),
        Request(
            "recipients of Resent- lines", ["-t"],
            "To: a@example.com\nResent-To: b@example.com\nResent-From: c@example.com\n\nx\n"),
        Request("addresses left as they are", ["-bnq", "-t"], "To: a, b@example.com\nFrom: me\n\nx\n"),
        Request("a full name", ["-F", "Full Name", "a@example.com"], "Subject: x\n\nbody\n"),
        Request(
            "what only trusted callers say", ["-oMa", "1.2.3.4", "-oMr", "x", "-oMt", "y", "a@example.com"],
            "\nx\n"),
        Request("dots", ["-i", "a@example.com"], "\n.\n..\n"),
        Request(
            "a session", ["-bs"],
            "EHLO x\r\nMAIL FROM:<ok@example.net>\r\nRCPT TO:<a@example.com>\r\nDATA\r\nSubject: x\r\n\r\n.\r\nMAIL FROM:<no@example.net>\r\nRCPT TO:<a@example.com>\r\nDATA\r\n\r\n.\r\nMAIL FROM:<>\r\nRCPT TO:<a@example.com>\r\nDATA\r\n\r\n.\r\nQUIT\r\n"
        ),
        Request("a batch", ["-bS"], batch),
        Request(
            "his own address with a prefix", ["a@example.com"], "From: other-nobody@example.org\n\nx\n",
            options: "local_from_prefix = *-"),
        Request(
            "his own address with a suffix", ["a@example.com"], "From: nobody-other@example.org\n\nx\n",
            options: "local_from_suffix = -*"),
        Request(
            "another's address with a prefix", ["a@example.com"], "From: other-somebody@example.org\n\nx\n",
            options: "local_from_prefix = *-"),
        Request(
            "From: is not checked", ["a@example.com"],
            "From: other@example.com\nSender: me@example.com\n\nx\n",
            options: "local_from_check = false"),
        Request(
            "Sender: stays", ["a@example.com"], "From: other@example.com\nSender: me@example.com\n\nx\n",
            options: "local_from_check = false\nlocal_sender_retain"),
        Request(
            "a trusted user",
            ["-f", "any@example.net", "-oMr", "by-hand", "-oMt", "somebody", "a@example.com"],
            "Sender: me@example.com\n\nx\n", options: "trusted_users = daemon : nobody"),
        Request(
            "a user of a trusted group", ["-f", "any@example.net", "a@example.com"],
            "From: b@example.com\n\nx\n",
            options: "trusted_groups = nogroup"),
        Request(
            "a trusted user who speaks for a host",
            ["-f", "any@example.net", "-oMa", "10.1.2.3", "-oMs", "host.example", "a@example.com"],
            "Subject: x\n\nx\n",
            options: "trusted_users = nobody"),
        Request(
            "a Message-ID: of the site's form", ["a@example.com"], "Subject: x\n\nx\n",
            options: "message_id_header_domain = ids.example\nmessage_id_header_text = t_$tod_zone"),
        Request(
            "arguments that are added", ["-t", "a@example.com"], "To: b@example.com\n\nx\n",
            options: "extract_addresses_remove_arguments = false"),
        Request(
            "lines of a delivery that stay", ["a@example.com"],
            "Return-path: <x@example.com>\nEnvelope-to: y\nDelivery-date: z\n\nx\n",
            options: "return_path_remove = false\ndelivery_date_remove = false"),
        Request(
            "an ACL at the beginning", ["a@example.com"], "Subject: x\n\nx\n",
            options: """
                acl_not_smtp_start = start
                acl_not_smtp = check
                begin acl
                start:
                  warn set acl_m_begun = by $sender_ident
                  deny
                check:
                  warn add_header = X-Begun: $acl_m_begun
                  accept
                """),
        Request(
            "nobody told of a host", ["-bs"],
            "EHLO x\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<a@example.com>\r\nDATA\r\nFrom: other@example.com\r\n\r\nx\r\n.\r\nVRFY a@example.com\r\nQUIT\r\n",
            options: "trusted_users = nobody"),
    ]

    /// Whether files can be put in another's place for one program, as an Exim needs that takes no `-C` from ordinary
    /// users.
    static let hasMounts: Bool = {
        do { return try ChildProcess("/usr/bin/unshare", ["-m", "true"]).wait().code == 0 } catch {
            return false
        }
    }()

    @Test(
        "What an ordinary user hands in by the local socket is spooled and logged as by a setuid Exim",
        .enabled(if: hasMounts, "needs mount namespaces"), arguments: requests)
    func likeExim(request: Request) throws {
        let exim = try MailSite(Self.text + request.options + ByteString("\n"))
        let mount = "mount --bind \"$0\" /var/lib/exim4/config.autogenerated && exec setpriv \"$@\""
        let wanted = try ChildProcess(
            "/usr/bin/unshare",
            ["-m", "sh", "-c", mount, exim.directory.file("exim.conf").string] + Self.user
                + ["/usr/sbin/exim4"] + request.arguments,
            input: request.input
        ).wait()

        let bobbin = try MailSite(Self.text + request.options + ByteString("\n"))
        try Self.letThrough(bobbin)
        let (daemon, _) = try bobbin.receiver()
        let found = try Self.submit(request.arguments, request.input, on: bobbin).wait()
        daemon.signal(SIGTERM)
        #expect(try daemon.wait().code == 0)

        #expect(found.code == wanted.code)
        #expect(difference(masked(found.output), masked(wanted.output)) == nil)
        let (one, other) = (
            try SystemTests.Reception.outcome(bobbin, replies: []),
            try SystemTests.Reception.outcome(exim, replies: [])
        )
        #expect(one.traces.count == other.traces.count)
        #expect(difference(one.log.joined(separator: "\n"), other.log.joined(separator: "\n")) == nil)
        for (ours, theirs) in zip(one.traces, other.traces) {
            #expect(difference(ours.header, theirs.header) == nil)
            #expect(difference(ours.data, theirs.data) == nil)
        }
    }

    @Test("Without a receiver an ordinary user is told what to do, and asked to come again")
    func nobodyListens() throws {
        let site = try MailSite(Self.text)
        try Self.letThrough(site)
        try site.exim("-bp")
        let ending = try Self.submit(["a@example.com"], "\nx\n", on: site).wait()
        #expect(ending.code == 75)
        #expect(ending.errors.contains(ByteString("no receiver listens at")))
        #expect(site.queue.isEmpty)
    }

    @Test("A caller's mistakes come back to him by the local socket, with their exit codes")
    func mistakes() throws {
        let site = try MailSite(Self.text)
        try Self.letThrough(site)
        let (daemon, _) = try site.receiver()
        let bad = try Self.submit(["-oep", "-t"], "To: a@@b\n\nx\n", on: site).wait()
        #expect(bad.code == 1)
        #expect(bad.errors.contains(ByteString("exim: invalid address:  a@@b: ")))
        #expect(site.queue.isEmpty)
        let none = try Self.submit(["-odq", "-t"], "Subject: x\n\nx\n", on: site).wait()
        #expect(none.code == 1)
        #expect(try site.log().contains { $0.contains(" <= <> R=") })
        daemon.kill()
    }

    @Test(
        "A daemon that is told to stop gives up callers who have not finished, and leaves no message of theirs"
    )
    func stopped() throws {
        let site = try MailSite(Self.text)
        try Self.letThrough(site)
        let (daemon, _) = try site.receiver()
        // A pipe whose writing end the caller himself holds never ends.
        let script = "mkfifo \"$0\" && exec 3<>\"$0\" && printf 'Subject: x\\n\\n' >&3 && exec \"$@\" <&3"
        let program = try Self.words(["a@example.com"], on: site)
        let caller = try ChildProcess(
            "/bin/sh", ["-c", script, site.directory.file("pipe").string] + program)
        try eventually("the caller's process reads") {
            site.names(in: "spool/input").contains { $0.hasSuffix("-D") }
        }
        daemon.signal(SIGTERM)
        #expect(try daemon.wait().code == 0)
        #expect(try caller.wait().errors.contains(ByteString("try again")))
        #expect(site.queue.isEmpty)
    }

    @Test("What comes in by the local socket is delivered at once by the daemon's queue runner")
    func delivered() throws {
        let site = try MailSite(
            """
            qualify_domain = example.org
            begin routers
            local:
              driver = accept
              transport = box
            begin transports
            box:
              driver = appendfile
              maildir_format
              directory = MAIL/box
              user = \(MailSite.user)
            """)
        try Self.letThrough(site)
        let (daemon, _) = try site.receiver()
        #expect(try Self.submit(["a@example.org"], "Subject: at once\n\nx\n", on: site).wait().code == 0)
        try eventually("the message is delivered") { try site.delivered().count == 1 }
        daemon.signal(SIGTERM)
        #expect(try daemon.wait().code == 0)
    }

    /// Ordinary users may look through a site's directory, as through /var/spool.
    private static func letThrough(_ site: MailSite) throws {
        for name in [".", "spool"] {
            try FileManager.default.setAttributes(
                [.posixPermissions: 0o755], ofItemAtPath: site.directory.file(ByteString(name)).string)
        }
    }

    private static func words(_ arguments: [String], on site: MailSite) throws -> [String] {
        let environment = "BOBBIN_CONFIG=\(site.directory.file("bobbin.conf").string)"
        return ["setpriv"] + user + ["env", environment, try MailSite.path(of: "bobbin"), "exim"] + arguments
    }

    private static func submit(_ arguments: [String], _ input: ByteString, on site: MailSite) throws
        -> ChildProcess
    {
        try ChildProcess("/usr/bin/env", try words(arguments, on: site), input: input)
    }
}
