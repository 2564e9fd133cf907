import Bytes
import Foundation
import TestKit
import Testing

/// The letters that tests send: each carries a token, and an end that tells a whole body from a cut one.
enum Letter {
    static func text(_ token: String, size: Int = 200) -> ByteString {
        let filling = ByteString(repeating: UInt8(ascii: "y"), 76) + ("\n" as ByteString)
        var body = ByteString()
        for _ in 0..<(size / 77) { body += filling }
        return "Subject: \(token)\nFrom: a@example.net\n\nbegin \(token)\n\(body)end \(token)\n"
    }

    /// Whether a message has come through in one piece.
    static func isWhole(_ message: ByteString, _ token: String) -> Bool {
        message.contains(ByteString("\nbegin \(token)\n")) && message.contains(ByteString("\nend \(token)\n"))
    }
}

/// What a client was told about a message.
enum Answer: Equatable {
    /// 250, with the message's id.
    case accepted(String)
    /// A refusal.
    case refused(Int)
    /// The connection ended without an answer.
    case closed
}

/// Sends letters to a receiver, over one session as long as it lasts, and looks at what the spool has of them.
final class Sender {
    let site: MailSite
    let port: Int
    private var dialogue: SMTPDialogue?
    private var number = 0

    init(_ site: MailSite, port: Int) {
        self.site = site
        self.port = port
    }

    /// Sends the next letter.
    func send(size: Int = 200, chunked: Bool = false) -> (token: String, answer: Answer) {
        number += 1
        let token = "letter-\(number)"
        do {
            return (token, try answer(to: Letter.text(token, size: size), chunked))
        } catch {
            dialogue = nil
            return (token, .closed)
        }
    }

    private func answer(to text: ByteString, _ chunked: Bool) throws -> Answer {
        let session = try dialogue ?? SMTPDialogue.greeted(port: port)
        dialogue = session
        for command in ["MAIL FROM:<a@example.net>", "RCPT TO:<b@example.org>"] as [ByteString] {
            let reply = try session.say(command)
            guard reply.code == 250 else { return .refused(reply.code) }
        }
        let reply: SMTPDialogue.Reply
        if chunked {
            let wire = SMTPDialogue.onTheWire(text)
            try session.send("BDAT \(wire.count) LAST\r\n" + wire)
            reply = try session.reply()
        } else {
            let go = try session.say("DATA")
            guard go.code == 354 else { return .refused(go.code) }
            reply = try session.finish(text)
        }
        guard reply.code == 250 else {
            try session.say("RSET")
            return .refused(reply.code)
        }
        let said = reply.lines.last.map { Latin1.text($0) } ?? ""
        guard let start = said.range(of: "id=") else { throw Problem("no id in \(said)") }
        return .accepted(String(said[start.upperBound...].prefix { !$0.isWhitespace }))
    }

    /// Sends a letter that nothing stands in the way of.
    func sendsOne(_ when: Comment, size: Int = 200) throws {
        let (token, answer) = send(size: size)
        guard case .accepted(let id) = answer else {
            Issue.record("\(when): \(answer)\n\(try site.bothLogs().suffix(3))")
            return
        }
        try awaitFiles(of: id)
        try expectWhole(id, token, when)
        try remove(id)
    }

    /// Waits until an accepted message is on the queue, and its reception done.
    func awaitFiles(of id: String) throws {
        try eventually("\(id) is on the queue") { hasFiles(id) }
    }

    /// Whether an accepted message is on the queue, and its reception done, which ends its lock.
    func hasFiles(_ id: String) -> Bool {
        let input = FileManager.default.subpaths(atPath: site.directory.file("spool/input").string) ?? []
        return input.contains { $0.hasSuffix("\(id)-H") } && !site.isHeld(id)
    }

    /// Expects a message on the spool in one piece.
    func expectWhole(_ id: String, _ token: String, _ when: Comment) throws {
        let header = try site.spoolFile(id, "H")
        let data = try site.spoolFile(id, "D")
        #expect(header.contains(ByteString("Subject: \(token)\n")), when)
        #expect(data.starts(with: ByteString("\(id)-D\n")), when)
        #expect(Letter.isWhole(data, token), when)
    }

    /// Takes a message away that has been looked at.
    func remove(_ id: String) throws {
        for folder in ["spool/input", "spool/msglog"] as [ByteString] {
            for name in site.names(in: folder) where name.contains(id) {
                try FileManager.default.removeItem(
                    atPath: site.directory.file("\(folder)/\(ByteString(name))").string)
            }
        }
    }
}
