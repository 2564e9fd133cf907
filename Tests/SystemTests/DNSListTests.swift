import Bytes
import Foundation
import Glibc
import TestKit
import Testing

/// `dnslists` over a real name server, with the same sessions held by Exim.
@Suite("DNS lists, beside a real Exim", .serialized)
struct DNSListTests {
    private static let zones = [
        ZoneServer.Zone(
            "one.list.test",
            """
            1.2.0.192 IN A 127.0.0.2
            1.2.0.192 IN TXT "see http://one.list.test/"
            3.2.0.192 IN A 127.0.0.3
            3.2.0.192 IN A 127.0.0.5
            9.2.0.192 IN A 10.0.0.1
            sender.example IN A 127.0.0.4
            sender.example IN TXT "two " "strings"
            5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2 IN A 127.0.0.6

            """),
        ZoneServer.Zone(
            "merged.list.test",
            """
            1.2.0.192 IN A 127.0.0.7
            3.2.0.192 IN A 127.0.0.9
            1.2.0.192 IN TXT merged

            """),
    ]

    /// Each condition has a recipient of its own.
    private static let conditions = [
        "one.list.test", "merged.list.test", "none.list.test : one.list.test", "one.list.test=127.0.0.2",
        "one.list.test=127.0.0.3", "one.list.test=127.0.0.3,127.0.0.2", "one.list.test!=127.0.0.2",
        "one.list.test==127.0.0.3", "one.list.test==127.0.0.3,127.0.0.5", "one.list.test!==127.0.0.3",
        "one.list.test&0.0.0.1", "one.list.test!&0.0.0.1", "one.list.test=&0.0.0.1", "one.list.test=&0.0.0.4",
        "one.list.test!=&0.0.0.4", "one.list.test&0.0.0.4,0.0.0.2", "one.list.test/192.0.2.1",
        "one.list.test/sender.example", "one.list.test/$sender_address_domain",
        "one.list.test/<;192.0.2.77;sender.example;192.0.2.1", "one.list.test/a.example::192.0.2.3",
        "one.list.test=127.0.0.4/sender.example", "one.list.test=127.0.0.2/sender.example",
        "one.list.test,merged.list.test=127.0.0.7", "one.list.test,merged.list.test=127.0.0.8",
        "nosuch.list.test,merged.list.test", "<; one.list.test/<|2001:db8::5|192.0.2.88",
        "+include_unknown : one.list.test",
        "one.list.test/192.0.2.9", "one.list.test/", "none.list.test",
    ]

    private static var configuration: ByteString {
        let statements = conditions.enumerated().map { number, condition in
            """
              deny local_parts = c\(number)
                   dnslists = \(condition)
              deny local_parts = m\(number)
                   message = <$dnslist_domain> <$dnslist_matched> <$dnslist_value> <$dnslist_text>
                   dnslists = \(condition)

            """
        }
        return """
            acl_smtp_rcpt = check
            begin acl
            check:
            \(ByteString(statements.joined()))
              accept
            """
    }

    private static var session: ByteString {
        let recipients = conditions.indices.flatMap {
            ["RCPT TO:<c\($0)@local.test>", "RCPT TO:<m\($0)@local.test>"]
        }
        let lines = ["EHLO client.example", "MAIL FROM:<a@sender.example>"] + recipients + ["QUIT", ""]
        return ByteString(lines.joined(separator: "\r\n"))
    }

    @Test(
        "Each form of dnslists decides as in Exim, and sets the same variables",
        arguments: ["192.0.2.1", "192.0.2.3", "192.0.2.9", "192.0.2.200", "2001:db8::5"])
    func compared(client: String) throws {
        // An address that no other test uses, on port 53, where a resolv.conf can name it.
        let place = 0x7F05_0000 + UInt32(getpid() & 0xFFFF | 1)
        let server = try Self.server(place)
        defer { withExtendedLifetime(server) {} }
        let site = try MailSite(bobbin: "dns_trust_anchor_file =\n", Self.configuration)
        let view = try site.asking(server.addressText)
        func talk(isExim: Bool) throws -> [String] {
            let words = ["-oMa", "\(client).4321", "-bs"]
            let ending =
                try isExim
                ? site.start(exim: words, input: Self.session, through: view).wait()
                : site.start("bobbin", ["exim"] + words, input: Self.session, through: view).wait()
            let log = try (site.log() + site.log("reject")).filter { !$0.contains("lost privilege") }
            try site.directory.write("", to: "log/mainlog")
            try site.directory.write("", to: "log/rejectlog")
            return (Latin1.text(ending.output).split(separator: "\r\n").dropFirst(2).map(String.init) + log)
                .map {
                    masked($0)
                }
        }
        /// How often a value that does not count is told of differs.
        func once(_ lines: [String]) -> [String] {
            let strange = lines.filter { $0.contains("not in 127.0/8") }
            return lines.filter { !strange.contains($0) } + Set(strange).sorted()
        }
        let exim = once(try talk(isExim: true))
        let ours = once(try talk(isExim: false))
        #expect(exim.count > Self.conditions.count)
        let difference = ours.difference(from: exim).map { change in
            switch change {
            case .insert(_, let line, _): "+ \(line)"
            case .remove(_, let line, _): "- \(line)"
            }
        }
        #expect(difference == [])
    }

    /// The server is one for all clients: they run one after the other.
    private static func server(_ place: UInt32) throws -> ZoneServer { try ZoneServer(zones, at: place) }
}
