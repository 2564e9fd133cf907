import Bytes
import Foundation
import TestKit
import Testing

/// Samples of the documents that need more than one connection, or something of the test's own.
extension ReceptionTests {
    @Test(
        """
        AUX-05, AUX-18: the documents' connect ACL defers those who connect too often, and logs the server's own end \
        of each connection
        """)
    func connectionRate() throws {
        func outcome(isExim: Bool) throws -> [String] {
            let server = try Server(
                """
                # Or do some kind of IP lookup in a flat file or database
                LIMIT = ${lookup{$sender_host_address}iplsearch{SITE/proxy_limits}{$value}{5}}
                queue_only
                smtp_accept_max = 100
                acl_smtp_connect = connected
                begin acl
                connected:
                  accept  hosts = 127.0.0.1
                  warn    logwrite = Internal Server Address: $received_ip_address:$received_port
                  defer   message = Too many connections from this IP right now
                          ratelimit = LIMIT / 1h / per_conn / strict
                  accept

                """, isExim: isExim)
            defer { server.daemon.kill() }
            // The rate of a connection that comes at once is one more than the last one's, or a little less.
            try server.site.directory.write("127.0.78.1: 2.5\n127.0.78.0/25: 1\n", to: "proxy_limits")
            func greeting(_ source: UInt32) throws -> String {
                let stream = try LoopbackStream(port: server.port, from: source)
                return Latin1.text(try stream.readLine() ?? "").prefix(3).description
            }
            let sources = [(0x7F00_4E01 as UInt32, 4), (0x7F00_4E02, 2), (0x7F00_4EF0, 7)]
            let greetings = try sources.flatMap { source, count in
                try (0..<count).map { _ in try greeting(source) }
            }
            let words = "Internal Server Address: 127.0.0.1:\(server.port)"
            try eventually("each connection is logged") {
                try server.site.log().count { $0.hasSuffix(words) } == greetings.count
            }
            return greetings
        }
        let wanted =
            ["220", "220", "451", "451"] + ["451", "451"] + ["220", "220", "220", "220", "220", "451", "451"]
        #expect(try outcome(isExim: true) == wanted)
        #expect(try outcome(isExim: false) == wanted)
    }
}
