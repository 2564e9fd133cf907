import Bytes
import Foundation
import TestKit
import Testing

extension SystemTests.Proofs {
    @Test(
        "A real Postfix takes messages octet for octet by PIPELINING, and the wish for a report reaches it",
        .timeLimit(.minutes(5)))
    func postfix() throws {
        let wire = try WireServer()
        let postfix = try PostfixServer(relay: wire.port)
        let site = try MailSite(
            """
            qualify_domain = example.org
            queue_only
            acl_not_smtp = accept
            acl_smtp_rcpt = accept
            dsn_advertise_hosts = *
            trusted_users = root
            log_selector = +pipelining
            begin routers
            remote:
              driver = manualroute
              route_list = * 127.0.0.1::\(postfix.port)
              self = send
              transport = wire
            begin transports
            wire:
              driver = smtp
              allow_localhost
            begin retry
            * * F,1d,15m
            """)
        let bodies = (0..<6).map { Self.body($0) }
        for (number, body) in bodies.enumerated() {
            let dialogue =
                "EHLO client.example\r\nMAIL FROM:<a@example.org> RET=HDRS ENVID=env\(number)\r\n"
                + "RCPT TO:<one@b.test> NOTIFY=SUCCESS ORCPT=rfc822;first@b.test\r\nRCPT TO:<two@b.test> NOTIFY=NEVER\r\n"
                + "DATA\r\nSubject: number \(number)\r\n\r\n"
            let ending = try site.exim("-odq", "-bs", input: ByteString(dialogue) + body + ".\r\nQUIT\r\n")
            try #require(ending.output.contains(ByteString("250 OK id=")), "\(ending.output)")
        }
        let run = try site.run("bobbin", "exim", "-q")
        #expect(run.code == 0)
        #expect(site.queue.isEmpty)
        let log = try site.log()
        let sent = log.filter {
            $0.contains("=> one@b.test") && $0.contains(" L ") && $0.contains(" C=\"250 2.0.0 Ok: ")
                && $0.contains(" queued as ")
        }
        #expect(sent.count == bodies.count, "\(log)")
        // Each message, and Postfix's report about it: we make none, for Postfix knows DSN.
        try eventually("Postfix has sent all", within: 240) {
            wire.transactions.count == 2 * bodies.count
        }
        let messages = wire.transactions.filter { !$0.sender.isEmpty }
        let reports = wire.transactions.filter(\.sender.isEmpty)
        #expect(messages.allSatisfy { $0.recipients.sorted() == ["one@b.test", "two@b.test"] })
        let found = messages.compactMap { transaction in
            transaction.message.firstRange(of: ByteString("\n\n")).map {
                ByteString(transaction.message[$0.upperBound...])
            }
        }
        #expect(Set(found) == Set(bodies.map(Self.unstuffed)))
        #expect(reports.count == bodies.count)
        for report in reports {
            #expect(report.message.contains(ByteString("Original-Recipient: rfc822;first@b.test")))
            #expect(report.message.contains(ByteString("Original-Envelope-Id: env")))
            #expect(!report.message.contains(ByteString("two@b.test")))
        }
    }

    /// Lines on the wire: dots, octets above 127, and more of them from message to message.
    private static func body(_ number: Int) -> ByteString {
        var body: ByteString = "message \(number)\r\n"
        for line in 0..<(number * number * 60) {
            body += ByteString(["..\r\n", "...x\r\n", "\(line) plain\r\n", "From here\r\n"][line % 4])
            if line % 7 == 0 { body += ByteString([0xE4, 0xF6, 0xFC, 0x0D, 0x0A]) }
        }
        return body
    }

    private static func unstuffed(_ wire: ByteString) -> ByteString {
        let lines = wire.split(separator: .newline).map { line -> ByteString in
            let text = line.last == .carriageReturn ? line.dropLast() : line
            return ByteString(text.first == UInt8(ascii: ".") ? text.dropFirst() : text) + ByteString("\n")
        }
        return ByteString(lines.joined())
    }
}

/// Postfix that does not run.
private struct PostfixFailure: Error, CustomStringConvertible {
    let description: String
}

/// Postfix out of its Debian package, which scripts/setup unpacks; its user is made in a view of /etc of its own.
private final class PostfixServer: Sendable {
    let port: Int
    private let place: TemporaryDirectory
    private let daemon: ChildProcess

    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../.oracles/postfix").standardizedFileURL.path

    /// Starts a server that passes everything on to a port of 127.0.0.1.
    init(relay: Int) throws {
        guard FileManager.default.isExecutableFile(atPath: "\(Self.root)/usr/lib/postfix/sbin/master") else {
            throw PostfixFailure(
                description: "\(Self.root) is missing: scripts/setup --test unpacks Debian's package postfix")
        }
        port = try freePort()
        place = try TemporaryDirectory()
        let path = place.path.string
        let main = Self.main.replacing("@ROOT@", with: Self.root).replacing("@PLACE@", with: path)
            .replacing("@RELAY@", with: "\(relay)")
        try place.write(ByteString(main), to: "main.cf")
        try place.write(ByteString(Self.master.replacing("@PORT@", with: "\(port)")), to: "master.cf")
        try place.write(ByteString(Self.script), to: "start")
        daemon = try ChildProcess(
            "/usr/bin/unshare",
            [
                "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private", "/bin/sh",
                "\(path)/start", path, Self.root,
            ],
            environment: ["LD_LIBRARY_PATH": "\(Self.root)/usr/lib/postfix"])
        let (port, daemon) = (port, daemon)
        try eventually("Postfix listens", within: 120) {
            guard daemon.isRunning else {
                throw PostfixFailure(description: "Postfix ended: \(try daemon.wait())")
            }
            do {
                let dialogue = try SMTPDialogue(port: port)
                _ = try dialogue.reply()
                _ = try dialogue.say("QUIT")
                return true
            } catch { return false }
        }
    }

    private static let script = """
        set -e
        cd "$1"
        { cat /etc/passwd; echo 'postfix:x:64901:64901::/nonexistent:/bin/false'; } > passwd
        { cat /etc/group; echo 'postfix:x:64901:'; echo 'postdrop:x:64902:'; } > group
        mount --bind passwd /etc/passwd
        mount --bind group /etc/group
        chmod 755 .
        mkdir spool data
        chown 64901:64901 data
        for name in incoming active bounce defer deferred flush hold saved trace corrupt private; do
            mkdir -m 700 spool/$name
            chown 64901:64901 spool/$name
        done
        mkdir spool/public spool/maildrop spool/pid
        chown 64901:64902 spool/public spool/maildrop
        chmod 2710 spool/public
        chmod 1730 spool/maildrop
        # The shell stays first in its namespace: all in it end with it, and it with us. The master itself would forget
        # that, since a program that changes its user is no longer told of its parent's end.
        "$2/usr/lib/postfix/sbin/master" -c "$1" &
        wait
        """

    private static let main = """
        compatibility_level = 3.6
        queue_directory = @PLACE@/spool
        data_directory = @PLACE@/data
        mail_owner = postfix
        setgid_group = postdrop
        daemon_directory = @ROOT@/usr/lib/postfix/sbin
        command_directory = @ROOT@/usr/sbin
        shlib_directory = @ROOT@/usr/lib/postfix
        meta_directory = @ROOT@/etc/postfix
        import_environment = LD_LIBRARY_PATH MAIL_CONFIG TZ
        export_environment = LD_LIBRARY_PATH MAIL_CONFIG TZ
        myhostname = postfix.test
        inet_interfaces = 127.0.0.1
        inet_protocols = ipv4
        mynetworks = 127.0.0.0/8
        mydestination =
        local_recipient_maps =
        alias_maps =
        alias_database =
        smtpd_recipient_restrictions = permit_mynetworks, reject
        smtpd_peername_lookup = no
        smtp_host_lookup = native
        disable_dns_lookups = yes
        relayhost = [127.0.0.1]:@RELAY@
        maillog_file_prefixes = @PLACE@
        maillog_file = @PLACE@/maillog
        smtp_tls_security_level = none
        smtpd_tls_security_level = none
        disable_mime_output_conversion = yes

        """

    private static let master = """
        @PORT@    inet  n       -       n       -       -       smtpd
        cleanup   unix  n       -       n       -       0       cleanup
        qmgr      unix  n       -       n       300     1       qmgr
        rewrite   unix  -       -       n       -       -       trivial-rewrite
        bounce    unix  -       -       n       -       0       bounce
        defer     unix  -       -       n       -       0       bounce
        trace     unix  -       -       n       -       0       bounce
        proxymap  unix  -       -       n       -       -       proxymap
        smtp      unix  -       -       n       -       -       smtp
        relay     unix  -       -       n       -       -       smtp
        error     unix  -       -       n       -       -       error
        retry     unix  -       -       n       -       -       error
        anvil     unix  -       -       n       -       1       anvil
        scache    unix  -       -       n       -       1       scache
        postlog   unix-dgram n  -       n       -       1       postlogd

        """
}
