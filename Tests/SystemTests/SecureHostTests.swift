import Bytes
import Foundation
import TestKit
import Testing

/// `$lookup_dnssec_authenticated` where mail goes to a host whose name came from the DNS.
@Suite("Hosts from signed zones", .needsRoot)
struct SecureHostTests {
    /// An address that no other test uses, on port 53, where a resolv.conf can name it.
    private static let place = 0x7F0A_0000 + UInt32(getpid() & 0xFFFF | 1)

    private static func configuration(_ port: Int) -> ByteString {
        """
        queue_only
        qualify_domain = example.org
        trusted_users = root
        acl_not_smtp = accept

        begin routers

        unasked:
          driver = dnslookup
          senders = unasked@example.org
          dnssec_request_domains =
          self = send
          transport = there
        asked:
          driver = dnslookup
          self = send
          transport = there

        begin transports

        there:
          driver = smtp
          port = \(port)
          helo_data = helo-$lookup_dnssec_authenticated.example.org
          event_action = ${if eq{$event_name}{msg:delivery}{${run{/bin/sh -c \\
            "echo '$local_part $lookup_dnssec_authenticated' >> MAIL/events"}}}}

        """
    }

    @Test(
        "EVT-38: $lookup_dnssec_authenticated tells at msg:delivery whether the host's zone is signed, and nothing where nobody asked"
    )
    func delivered() throws {
        let records: ByteString = "@ IN MX 5 mx\nmx IN A 127.0.0.1\n"
        let (signed, anchor) = try ZoneServer.Zone("signed.test", records).signed()
        let names = try ZoneServer([signed, ZoneServer.Zone("plain.test", records)], at: Self.place)
        let server = try WireServer()
        let site = try MailSite("dns_trust_anchor_file = SITE/anchor\n" + Self.configuration(server.port))
        try site.directory.write(anchor + "\n", to: "anchor")
        for (sender, recipient) in [
            ("a", "yes@signed.test"), ("a", "no@plain.test"), ("unasked", "none@signed.test"),
        ] {
            try site.start(
                "bobbin", ["exim", "-odq", "-f", "\(sender)@example.org", recipient],
                input: "Subject: x\n\nx\n"
            ).wait()
        }
        try site.start("bobbin-queuerunner", [], through: site.asking(names.addressText)).wait()
        let lines = Latin1.text(try site.directory.read("mail/events")).split(separator: "\n").sorted()
        let log = try site.log()
        #expect(lines == ["no no", "none ", "yes yes"], "\(log)")
    }
}
