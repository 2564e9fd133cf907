import Bytes
import Foundation
import TestKit
import Testing

extension SystemTests.Queuefile {
    /// A site on which example.com is handed over to another program, in SITE/handover.
    static func site() throws -> MailSite {
        let routers: ByteString = """
            remote:
              driver = accept
              condition = ${if exists{SITE/open}{no}{yes}}
              transport = handover

            returned:
              driver = accept
              transport = maildir

            begin transports

            handover:
              driver = queuefile
              directory = SITE/handover
              user = \(MailSite.user)

            """
        let text = configuration(
            data: "  accept  set acl_m_verdict = clean\n          set acl_c_client = known\n")
        let start = try #require(text.firstRange(of: ByteString("remote:\n")))
        let end = try #require(text.firstRange(of: ByteString("begin transports\n")))
        let site = try MailSite(ByteString(text[..<start.lowerBound]) + routers + text[end.upperBound...])
        let folder = site.directory.file("handover")
        try FileManager.default.createDirectory(atPath: folder.string, withIntermediateDirectories: false)
        try MailSite.give(folder)
        return site
    }

    /// Receives a message for two recipients elsewhere, and hands it over.
    static func handedOver() throws -> (site: MailSite, id: String) {
        let site = try site()
        let receiver = try site.receiver()
        let dialogue = try SMTPDialogue.greeted(port: receiver.port)
        try dialogue.expect(
            250,
            dialogue.message(
                from: "alice@example.net", to: ["dave@example.com", "erin@example.com"],
                "From: alice@example.net\nSubject: scan me\n\npayload\n"))
        let id = try #require(site.queue.first)
        #expect(try site.run("bobbin-queuerunner", "--force").code == 0)
        return (site, id)
    }

    @Test("QF-01: the transport writes a message for two recipients once, as spool files for other programs")
    func twoFiles() throws {
        let (site, id) = try Self.handedOver()
        let names = site.names(in: "handover")
        #expect(names.contains("\(id)-H") && names.contains("\(id)-D"), "\(names)")
        #expect(site.queue == [])
        let log = try site.log()
        #expect(log.filter { $0.contains("\(id) =>") || $0.contains("\(id) ->") }.count == 2, "\(log)")
        #expect(log.contains { $0.hasSuffix("\(id) Completed") })
        #expect(!log.contains { $0.contains("==") })
    }

    @Test("QF-02: a program moves the files back into the spool, and a queue run delivers them")
    func requeue() throws {
        let (site, id) = try Self.handedOver()
        try site.directory.write("", to: "open")
        for suffix in ["D", "H"] {
            let content = try site.directory.read("handover/\(ByteString(id))-\(ByteString(suffix))")
            try MailSite.give(
                site.directory.write(content, to: "spool/input/\(ByteString(id))-\(ByteString(suffix))"))
        }
        #expect(try site.run("bobbin-queuerunner", "--force").code == 0)
        #expect(site.queue == [])
        let delivered = try site.delivered()
        let recipients = ["dave@example.com", "erin@example.com"].filter { recipient in
            delivered.contains { $0.contains(ByteString("Envelope-to: \(recipient)")) }
        }
        #expect(recipients.count == 2, "\(delivered)")
    }

    @Test("QF-03: the header file carries the envelope and the ACL variables")
    func variables() throws {
        let (site, id) = try Self.handedOver()
        let header = try site.directory.read("handover/\(ByteString(id))-H")
        #expect(header.contains(ByteString("\n<alice@example.net>\n")))
        #expect(header.contains(ByteString("aclm _verdict 5\nclean\n")))
        #expect(header.contains(ByteString("aclc _client 5\nknown\n")))
        #expect(header.contains(ByteString("dave@example.com")))
        #expect(header.contains(ByteString("erin@example.com")))
    }

    @Test("QF-05: a real Exim reads the handed-over files as ordinary spool files")
    func ordinaryFormat() throws {
        let (site, id) = try Self.handedOver()
        let other = try MailSite(configuration())
        try FileManager.default.createDirectory(
            atPath: other.directory.file("spool/input").string, withIntermediateDirectories: false)
        try MailSite.give(other.directory.file("spool/input"))
        for suffix in ["D", "H"] {
            let name = ByteString("\(id)-\(suffix)")
            try MailSite.give(
                other.directory.write(try site.directory.read("handover/\(name)"), to: "spool/input/\(name)"))
        }
        let listing = try other.exim("-bp").output
        #expect(listing.contains(ByteString("<alice@example.net>")), "\(listing)")
        #expect(!listing.contains(ByteString("***")))
        #expect(try other.exim("-Mvb", id).output.ends(with: ByteString("payload\n")))
        #expect(try other.run("bobbin", "exim", "-bp").output == listing)
    }

    @Test("QF-04: the guide for spool processors warns that formats change, and points to their description")
    func documentation() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../..")
        let guide = try String(
            contentsOf: root.appendingPathComponent("doc/guides/external-spool-processor.md"), encoding: .utf8
        )
        #expect(guide.contains("can change"))
        #expect(guide.contains("spool-format/"))
        #expect(
            FileManager.default.fileExists(atPath: root.appendingPathComponent("spool-format/README.md").path)
        )
    }
}
