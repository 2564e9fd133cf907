import Bytes
import Foundation
import TestKit
import Testing

extension SystemTests {
    @Suite(.serialized) struct Clients {}
}

/// Clients that others wrote.
extension SystemTests.Clients {
    /// A client: the program, its Debian package, and its arguments for the port.
    struct Client: Sendable, CustomStringConvertible {
        let description: String
        let path: String
        let arguments: @Sendable (Int) -> [String]
        var environment: [String: String] = [:]
        /// How many messages it sends, and what one of them has in it.
        var messages = 1
        var text: ByteString = "from a real client"
    }

    private static let python = """
        import smtplib, sys
        with smtplib.SMTP("127.0.0.1", int(sys.argv[1]), local_hostname="client.example") as s:
            s.set_debuglevel(0)
            assert s.has_extn("pipelining") or s.ehlo()[0] == 250
            assert s.verify("b@example.org")[0] in (250, 252)
            for n in range(3):
                refused = s.sendmail("a@example.net", ["b@example.org", "refused@example.org"],
                                     "Subject: %d\\r\\n\\r\\nfrom a real client\\r\\n.dot\\r\\n" % n,
                                     mail_options=["BODY=8BITMIME"])
                assert list(refused) == ["refused@example.org"], refused
            s.rset()
            s.noop()
        """

    /// Postfix's test programs, unpacked by scripts/setup.
    private static let postfix = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../.oracles/postfix").standardizedFileURL.path

    static let clients = [
        Client(
            description: "swaks", path: "/usr/bin/swaks",
            arguments: {
                [
                    "--server", "127.0.0.1:\($0)", "--helo", "client.example", "--from", "a@example.net",
                    "--to",
                    "b@example.org,c@example.org", "--body", "from a real client\\n.\\n..end", "--hide-all",
                ]
            }),
        Client(
            description: "swaks, pipelining", path: "/usr/bin/swaks",
            arguments: {
                [
                    "--server", "127.0.0.1:\($0)", "--helo", "client.example", "--from", "<>", "--to",
                    "b@example.org,c@example.org,d@example.org", "--body", "from a real client", "--pipeline",
                    "--hide-all",
                ]
            }),
        Client(
            description: "Python's smtplib", path: "/usr/bin/env",
            arguments: { ["python3", "-c", python, "\($0)"] }, messages: 3),
        Client(
            description: "curl", path: "/bin/sh",
            arguments: {
                [
                    "-c",
                    "printf 'Subject: x\\r\\n\\r\\nfrom a real client\\r\\n.\\r\\nend\\r\\n' | exec curl -sS --url smtp://127.0.0.1:\($0)/client.example --mail-from a@example.net --mail-rcpt b@example.org --mail-rcpt c@example.org -T -",
                ]
            }),
        Client(
            description: "smtp-source, 40 messages over 4 connections",
            path: "\(postfix)/usr/sbin/smtp-source",
            arguments: {
                [
                    "-s", "4", "-m", "40", "-l", "5000", "-f", "a@example.net", "-t", "b@example.org",
                    "127.0.0.1:\($0)",
                ]
            }, environment: ["LD_LIBRARY_PATH": "\(postfix)/usr/lib/postfix"], messages: 40, text: "XXXXXXXX"),
        Client(
            description: "smtp-source, several messages in a session",
            path: "\(postfix)/usr/sbin/smtp-source",
            arguments: {
                [
                    "-d", "-s", "2", "-m", "20", "-r", "3", "-f", "a@example.net", "-t", "b@example.org",
                    "127.0.0.1:\($0)",
                ]
            }, environment: ["LD_LIBRARY_PATH": "\(postfix)/usr/lib/postfix"], messages: 20, text: "La de da"),
    ]

    @Test("Real clients deliver to the receiver, and each message is whole in the spool", arguments: clients)
    func delivers(client: Client) throws {
        let site = try MailSite(configuration(main: "acl_smtp_vrfy = accept\n"))
        let (daemon, port) = try site.receiver()
        let ending = try ChildProcess(
            client.path, client.arguments(port), environment: client.environment
        ).wait()
        #expect(ending.code == 0, "\(ending.errors) \(ending.output)")
        daemon.signal(SIGTERM)
        #expect(try daemon.wait().code == 0)
        #expect(site.queue.count == client.messages)
        for id in site.queue {
            #expect(try site.spoolFile(id, "D").contains(client.text))
        }
        #expect(try site.log("panic").isEmpty)
    }
}
