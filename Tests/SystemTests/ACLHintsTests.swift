import Bytes
import Foundation
import TestKit
import Testing

/// What ACLs write into the hints: the same sessions leave the same records, by Exim's `exim_dumpdb` and by ours.
@Suite("ACLs and hints, beside a real Exim")
struct ACLHintsTests {
    private static func configuration(port: Int) -> ByteString {
        """
        qualify_domain = test.example
        acl_smtp_rcpt = rcpt
        begin acl
        rcpt:
          warn    ratelimit = 100 / 1h / strict / per_cmd / $sender_address
          warn    ratelimit = 2.5 / 1h / leaky / per_rcpt / l:$sender_address
          warn    ratelimit = 50 / 1d / strict / per_addr / a:$sender_address
          warn    ratelimit = 3k / 2m / per_byte / strict / b:$sender_address
          warn    ratelimit = 1 / 1h / readonly / nobody
          warn    ratelimit = 5 / 1h / strict / count=2 / per_cmd / unique=$domain / u:$sender_address
          warn    seen = -5m
          warn    seen = 1h / key=${local_part}:$domain
          warn    seen = 1h / key=never / readonly
          accept  local_parts = ^post
                  verify = recipient/callout=60s,random,postmaster
          accept  local_parts = ^with
                  verify = recipient/callout=60s,use_sender
          require verify = recipient/callout=60s
          accept
        begin routers
        remote:
          driver = manualroute
          domains = remote.example : other.example
          route_list = * 127.0.0.1
          transport = out
          self = send
        local:
          driver = accept
          transport = file
        begin transports
        out:
          driver = smtp
          port = \(port)
          allow_localhost
          hosts_try_fastopen =
        file:
          driver = appendfile
          file = /dev/null

        """
    }

    private static let session: ByteString = """
        EHLO client.example\r
        MAIL FROM:<me@test.example> SIZE=1000\r
        RCPT TO:<good@remote.example>\r
        RCPT TO:<bad@remote.example>\r
        RCPT TO:<good@remote.example>\r
        RCPT TO:<later@remote.example>\r
        RCPT TO:<post@other.example>\r
        RCPT TO:<with@other.example>\r
        RCPT TO:<here@test.example>\r
        QUIT\r

        """

    private static func refuse(_ step: WireServer.Step) -> WireServer.Answer? {
        guard step.verb == "RCPT" else { return nil }
        if step.argument.starts(with: ByteString("bad@")) { return .reply("550 unknown") }
        if step.argument.starts(with: ByteString("later@")) { return .reply("451 come back") }
        return step.argument.contains(ByteString("-testing@")) ? .reply("550 no such thing") : nil
    }

    /// A dump without moments; rates are rounded, for a slow machine's are a little less.
    private static func shown(_ octets: ByteString) -> [String] {
        var text = Latin1.text(octets)
        text.replace(/[0-9]{2}-[A-Z][a-z]{2}-[0-9]{4} [0-9:]{8}(\.[0-9]+)?/, with: "<time>")
        text.replace(/rate: +([0-9.]+)/) { "rate: \((Double($0.1) ?? -1).rounded())" }
        return text.split(separator: "\n").map(String.init).sorted()
    }

    @Test("AUX-11, AUX-17: ratelimit, seen and callouts leave the records that Exim leaves")
    func records() throws {
        let server = try WireServer { Self.refuse($0) }
        let theirs = try MailSite(Self.configuration(port: server.port))
        let ours = try MailSite(Self.configuration(port: server.port))
        let exim = try theirs.exim("-bhc", "192.0.2.1", input: Self.session)
        let bobbin = try ours.run("bobbin", "exim", "-bhc", "192.0.2.1", input: Self.session)
        #expect(Self.replies(exim.output) == Self.replies(bobbin.output))
        for name in ["ratelimit", "seen", "callout"] {
            let dump = try ChildProcess(
                "/usr/sbin/exim_dumpdb", [theirs.directory.file("spool").string, name]
            ).wait()
            let own = try ours.run("bobbin", "exim_dumpdb", ours.directory.file("spool").string, name)
            #expect(Self.shown(dump.output) == Self.shown(own.output), "\(name)")
            #expect(!Self.shown(own.output).isEmpty, "\(name)")
        }
    }

    private static func replies(_ output: ByteString) -> [String] {
        Latin1.text(output).split(separator: "\r\n").filter { $0.first?.isNumber ?? false }.dropFirst()
            .map(String.init)
    }

    @Test("AUX-17: check-host names the statement that decides, and ends with 1 when something is refused")
    func checkHost() throws {
        let site = try MailSite(
            """
            acl_smtp_connect = con
            acl_smtp_rcpt = rcpt
            begin acl
            con:
              deny hosts = 192.0.2.66
              accept
            rcpt:
              deny local_parts = no
                   message = not $local_part
              accept

            """)
        let refused = try site.run("bobbin", "check-host", "192.0.2.66")
        #expect(refused.code == 1)
        #expect(Latin1.text(refused.output).contains("  550 Administrative prohibition"))
        let mixed = try site.run(
            "bobbin", "check-host", "192.0.2.7", "--sender", "a@test.example", "--recipient",
            "yes@test.example",
            "--recipient", "no@test.example")
        let said = Latin1.text(mixed.output)
        #expect(mixed.code == 1)
        #expect(
            said.contains("RCPT TO:<yes@test.example>\n    using ACL \"rcpt\"\n    decided by \"accept\""))
        #expect(said.contains("decided by \"deny\" (\(site.directory.path)/bobbin.conf"))
        #expect(said.contains("  550 not no\n"))
        #expect(!said.contains("decided by \"warn\""))
        let fine = try site.run("bobbin", "check-host", "192.0.2.7", "--recipient", "yes@test.example")
        #expect(fine.code == 0)
        #expect(try site.log().isEmpty)
        #expect(site.queue.isEmpty)
    }
}
