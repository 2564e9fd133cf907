import Bytes
import Foundation
import Glibc
import TestKit
import Testing

/// SPF in the shipped program, by the policy that doc/guides/spf.md shows, with a name server of the test's.
@Suite("SPF, by the guide's policy", .serialized, .needsRoot)
struct SenderPolicyTests {
    private static let zones = [
        ZoneServer.Zone("pass.test", "@ IN TXT \"v=spf1 ip4:192.0.2.0/24 -all\"\n"),
        ZoneServer.Zone("fail.test", "@ IN TXT \"v=spf1 -all\"\n"),
        ZoneServer.Zone("soft.test", "@ IN TXT \"v=spf1 ~all\"\n"),
        ZoneServer.Zone("neutral.test", "@ IN TXT \"v=spf1 ?all\"\n"),
        ZoneServer.Zone("neutral2.test", "@ IN TXT \"v=spf1 ?all\"\n"),
        ZoneServer.Zone("broken.test", "@ IN TXT \"v=spf1 nosuch:x -all\"\n"),
        ZoneServer.Zone("six.test", "@ IN TXT \"v=spf1 a -all\"\n@ IN AAAA 2001:db8::6\n"),
        ZoneServer.Zone("none.test", "@ IN A 198.51.100.7\n"),
    ]

    /// An address that no other test uses, on port 53, where a resolv.conf can name it.
    private static let place = 0x7F08_0000 + UInt32(getpid() & 0xFFFF | 1)

    private static let guide = readFile(
        URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../doc/guides/spf.md").path)

    /// The section that the guide shows, without its indentation.
    private static var section: ByteString {
        let lines = guide.string.components(separatedBy: "\n").drop { $0 != "    begin acl" }
            .prefix { $0.isEmpty || $0.hasPrefix("    ") }
        return ByteString(lines.map { String($0.dropFirst(4)) }.joined(separator: "\n"))
    }

    private let server: ZoneServer
    private let site: MailSite

    init() throws {
        server = try ZoneServer(Self.zones, at: Self.place)
        site = try MailSite(
            """
            queue_only
            acl_smtp_mail = check_mail
            acl_smtp_rcpt = check_rcpt
            acl_smtp_data = check_data
            spf_smtp_comment_template = refused:%_%{s}

            """ + Self.section)
    }

    private func bobbin(_ arguments: [String], _ input: ByteString = "") throws -> [String] {
        let ending = try site.start(
            "bobbin", ["exim"] + arguments, input: input, through: site.asking(server.addressText)
        ).wait()
        return Self.lines(ending.output)
    }

    private static func lines(_ output: ByteString) -> [String] {
        output.split(separator: .newline).map { Latin1.text(ByteString($0.trimmedEnd())) }
    }

    /// The replies to the commands of a session behind EHLO.
    private func replies(_ commands: [String]) throws -> [String] {
        let lines = ["EHLO client.example"] + commands + ["QUIT", ""]
        let said = try bobbin(["-oMa", "192.0.2.9", "-bs"], ByteString(lines.joined(separator: "\r\n")))
        return Array(said.drop { !$0.hasPrefix("250 ") }.dropFirst().dropLast())
    }

    private func message(_ sender: String, to recipient: String) -> [String] {
        [
            "MAIL FROM:<\(sender)>", "RCPT TO:<\(recipient)@example.org>", "DATA",
            "Subject: x\r\n\r\nbody\r\n.",
        ]
    }

    @Test(
        """
        SPF-02, SPF-08, SPF-09, SPF-15, SPF-19, SPF-26, BLD-09: one recipient opts out, mistakes are refused, \
        trouble with the DNS defers, a domain's neutral is a fail, and a refusal of a guess does not name SPF
        """)
    func policy() throws {
        let refused = "550 refused: a@fail.test : Reason: mechanism"
        let said = try replies(
            [
                "MAIL FROM:<a@nobody-serves-this.test>",
                "MAIL FROM:<a@fail.test>", "RCPT TO:<forwarded@example.org>", "RCPT TO:<bob@example.org>",
                "RSET",
                "MAIL FROM:<a@broken.test>", "RCPT TO:<bob@example.org>", "RSET",
                "MAIL FROM:<a@neutral.test>", "RCPT TO:<bob@example.org>", "RSET",
                "MAIL FROM:<a@neutral2.test>", "RCPT TO:<bob@example.org>", "RSET",
                "MAIL FROM:<a@none.test>", "RCPT TO:<strict@example.org>", "RCPT TO:<bob@example.org>",
                "RSET",
            ] + message("a@soft.test", to: "forwarded"))
        #expect(
            said == [
                "451 the DNS of your domain does not answer",
                "250 OK", "250 Accepted", refused, "250 Reset OK",
                "250 OK", "550 Administrative prohibition", "250 Reset OK",
                "250 OK", "550 192.0.2.9 may not send mail from neutral.test", "250 Reset OK",
                "250 OK", "250 Accepted", "250 Reset OK",
                "250 OK", "550 192.0.2.9 does not look trustworthy", "250 Accepted", "250 Reset OK",
                "250 OK", "250 Accepted", "354 Enter message, ending with \".\" on a line by itself",
                "250 OK id=\(try #require(site.queue.first))",
            ])
        let guessing = Self.section.string.split(separator: "\n").filter { $0.contains("trustworthy") }
        #expect(!guessing.isEmpty && !guessing.contains { $0.contains("SPF") })
        #expect(try site.log("reject").contains { $0.contains("SPF: mail.example.org: error in processing") })
    }

    @Test("SPF-16, SPF-17, SPF-25: a message tells what was found, and calls a guess X-SPF-Guess")
    func headers() throws {
        let said = try replies(
            ["a@pass.test", "a@none.test"].flatMap { message($0, to: "bob") })
        #expect(said.count { $0.hasPrefix("250 OK id=") } == 2, "\(said)")
        let heads = try site.queue.map { try site.spoolFile($0, "H").string }
        func head(_ sender: String) throws -> String {
            try #require(heads.first { $0.contains("<\(sender)>\n") })
        }
        let found =
            "Received-SPF: pass (mail.example.org: domain of pass.test designates 192.0.2.9 as permitted sender)"
        #expect(
            try head("a@pass.test").contains("  \(found) client-ip=192.0.2.9; envelope-from=a@pass.test;"))
        #expect(try head("a@pass.test").contains("\tspf=pass smtp.mailfrom=pass.test\n"))
        #expect(
            try head("a@none.test").contains("  X-SPF-Guess: neutral (mail.example.org: 192.0.2.9 is neither")
        )
        #expect(try !head("a@none.test").contains("Received-SPF"))
    }

    @Test("SPF-10: the words of old mean what they were documented to mean, and the log warns of them")
    func oldWords() throws {
        let own = try MailSite(
            bobbin: "dns_trust_anchor_file =\n",
            """
            acl_smtp_rcpt = check
            begin acl
            check:
              deny local_parts = temp
                   spf = err_temp
              deny local_parts = perm
                   spf = err_perm
              accept

            """)
        let lines = ["a@broken.test", "a@nobody-serves-this.test"].flatMap {
            ["MAIL FROM:<\($0)>", "RCPT TO:<temp@example.org>", "RCPT TO:<perm@example.org>", "RSET"]
        }
        let input = ByteString((["EHLO client.example"] + lines + ["QUIT", ""]).joined(separator: "\r\n"))
        let ending = try own.start(
            "bobbin", ["exim", "-oMa", "192.0.2.9", "-bs"], input: input,
            through: own.asking(server.addressText)
        ).wait()
        let codes = Self.lines(ending.output).filter { $0.hasPrefix("550") || $0.hasSuffix(" Accepted") }
            .map { $0.prefix(3) }
        #expect(codes == ["550", "250", "250", "550"])
        let checked = Latin1.text(
            try own.run("bobbin", "config", "check", "-C", own.directory.file("bobbin.conf").string).output)
        #expect(checked.contains("acl: spf = err_temp: is deprecated: it means permerror;"), "\(checked)")
        #expect(checked.contains("acl: spf = err_perm: is deprecated: it means temperror;"))
    }

    @Test("SPF asks for IPv6 addresses whatever dns_ipv4_lookup says of hosts that mail goes to")
    func ipv4Lookup() throws {
        let own = try MailSite(
            bobbin: "dns_trust_anchor_file =\n",
            """
            dns_ipv4_lookup = *
            acl_smtp_rcpt = check
            begin acl
            check:
              accept spf = pass
              deny

            """)
        let input = ["EHLO client.example", "MAIL FROM:<a@six.test>", "RCPT TO:<b@example.org>", "QUIT", ""]
        let codes = try ["2001:db8::6", "2001:db8::7"].map { address in
            let ending = try own.start(
                "bobbin", ["exim", "-oMa", address, "-bs"],
                input: ByteString(input.joined(separator: "\r\n")), through: own.asking(server.addressText)
            ).wait()
            return Self.lines(ending.output).suffix(2).first?.prefix(3)
        }
        #expect(codes == ["250", "550"])
    }

    @Test("SPF-27, SPF-29: the guide's lookup gives a word, for clients of both families")
    func lookup() throws {
        let strings = ["192.0.2.9", "198.51.100.1", "2001:db8::1"].map {
            "${lookup{user@pass.test}spf{\($0)}}"
        }
        #expect(try bobbin(["-be"] + strings) == ["pass", "fail", "fail"])
        #expect(Self.guide.contains(ByteString("${lookup{user@example.org}spf{192.0.2.1}}")))
    }
}
