import Bytes
import Glibc
import TestKit
import Testing

/// What becomes of a message when the receiver is told to stop, or the client says that it has said all.
extension ReceptionTests {
    private static let configuration: ByteString = "acl_smtp_rcpt = accept\nqueue_only\nbegin acl\n"

    /// A moment of a session at which SIGTERM comes: what was sent before, how many replies that drew, what is sent
    /// after it, and the codes of the replies from then on.
    struct Moment: Sendable, CustomStringConvertible {
        let description: String
        let before: ByteString
        let replies: Int
        var after: ByteString = ""
        let codes: [Int]
        let messages: Int
    }

    private static let envelope: ByteString = "MAIL FROM:<a@example.net>\r\nRCPT TO:<b@example.org>\r\n"

    static let moments: [Moment] = [
        Moment(description: "between commands", before: "NOOP\r\n", replies: 1, codes: [421], messages: 0),
        Moment(
            description: "in the header", before: envelope + "DATA\r\nSubject: half", replies: 3,
            after: " and whole\r\n\r\nbody\r\n.\r\n", codes: [250, 421], messages: 1),
        Moment(
            description: "in the body", before: envelope + "DATA\r\nSubject: x\r\n\r\nhalf", replies: 3,
            after: " and whole\r\n.\r\n", codes: [250, 421], messages: 1),
        Moment(
            description: "between recipients", before: envelope, replies: 2,
            after: "RCPT TO:<c@example.org>\r\nDATA\r\n\r\nx\r\n.\r\n", codes: [250, 354, 250, 421],
            messages: 1),
        Moment(
            description: "between chunks", before: envelope + "BDAT 6\r\nX: y\r\n", replies: 3,
            after: "BDAT 8 LAST\r\n\r\nbody\r\n", codes: [250, 421], messages: 1),
    ]

    @Test("SIGTERM lets a transaction end with its 250, and then closes the session", arguments: moments)
    func stop(moment: Moment) throws {
        let site = try MailSite(Self.configuration)
        let (daemon, port) = try site.receiver("--queue-only")
        let dialogue = try SMTPDialogue.greeted(port: port)
        try dialogue.send(moment.before)
        for _ in 0..<moment.replies { _ = try dialogue.reply() }
        daemon.signal(SIGTERM)
        try eventually("the receiver listens no more") {
            do { return try SMTPDialogue(port: port).reply().code == 421 } catch { return true }
        }
        try dialogue.send(moment.after)
        #expect(try moment.codes.map { _ in try dialogue.reply().code } == moment.codes)
        #expect(try daemon.wait(within: 30).code == 0)
        #expect(site.queue.count == moment.messages)
        let lone = site.names(in: "spool/input").filter { $0.hasSuffix("-D") }.count
        #expect(lone == moment.messages)
    }

    @Test("A client that has closed its sending side hears what became of its message")
    func halfClosed() throws {
        let site = try MailSite(Self.configuration)
        let (daemon, port) = try site.receiver("--queue-only")
        let stream = try LoopbackStream(port: port)
        _ = try stream.readLine()
        try stream.write("HELO client.example.net\r\n")
        _ = try stream.readLine()
        for line in ["MAIL FROM:<a@example.net>", "RCPT TO:<b@example.org>", "DATA"] as [ByteString] {
            try stream.write("\(line)\r\n")
            _ = try stream.readLine()
        }
        try stream.write("Subject: x\r\n\r\nbody\r\n.\r\n")
        stream.endWriting()
        let reply = try #require(try stream.readLine())
        #expect(reply.starts(with: ByteString("250 OK id=")))
        #expect(site.queue.count == 1)
        daemon.kill()
    }

    @Test("A client that vanishes before its final dot leaves nothing on the spool")
    func vanished() throws {
        let site = try MailSite(Self.configuration)
        let (daemon, port) = try site.receiver("--queue-only")
        let dialogue = try SMTPDialogue.greeted(port: port)
        try dialogue.send(Self.envelope + "DATA\r\nSubject: x\r\n\r\n")
        for _ in 0..<3 { _ = try dialogue.reply() }
        try dialogue.send(ByteString([UInt8](repeating: UInt8(ascii: "x"), count: 300_000)))
        dialogue.hangUp()
        try eventually("the loss is logged") {
            try site.log().contains { $0.contains("lost while reading message data") }
        }
        try eventually("the files are gone") {
            site.names(in: "spool/input").filter { $0.contains("-") }.isEmpty
        }
        daemon.kill()
    }
}
