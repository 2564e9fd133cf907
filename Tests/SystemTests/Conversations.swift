import Bytes
import TestKit

/// A scripted SMTP session: what the client sends, turn by turn, and how many replies each turn draws.
struct Conversation: Sendable, CustomStringConvertible {
    struct Turn: Sendable {
        let text: ByteString
        let replies: Int
    }

    let name: String
    let turns: [Turn]
    var description: String { name }

    /// One turn of octets.
    static func send(_ text: ByteString, replies: Int = 1) -> Turn { Turn(text: text, replies: replies) }

    /// A turn for each command.
    static func commands(_ lines: ByteString...) -> [Turn] {
        lines.map { Turn(text: $0 + ByteString("\r\n"), replies: 1) }
    }

    /// Holds the session with a server; the codes and texts of its replies, without the greeting's own words.
    func hold(port: Int) throws -> [String] {
        let dialogue = try SMTPDialogue(port: port)
        var heard = ["\(try dialogue.reply().code)"]
        for turn in turns {
            try dialogue.send(turn.text)
            for _ in 0..<turn.replies {
                let reply = try dialogue.reply()
                heard.append("\(reply.code) " + reply.lines.map { masked($0) }.joined(separator: " | "))
            }
        }
        return heard
    }

    static let all: [Conversation] = [
        Conversation(
            name: "a message without Date, Message-ID and From",
            turns: commands(
                "HELO client.example.net", "MAIL FROM:<alice@example.net>", "RCPT TO:<bob@example.org>",
                "DATA")
                + [send("Subject: bare\r\n\r\nHello\r\n.\r\n")] + commands("QUIT")),
        Conversation(
            name: "several recipients, one refused, one deferred, 8-bit text",
            turns: commands(
                "EHLO client.example.net", "MAIL FROM:<alice@example.net> SIZE=300 BODY=8BITMIME",
                "RCPT TO:<bob@example.org>", "RCPT TO:<refused@example.org>", "RCPT TO:<Carol@Example.ORG>",
                "RCPT TO:<later@example.org>", "RCPT TO:<dave@example.com>", "DATA")
                + [
                    send(
                        ByteString(
                            "From: alice@example.net\r\nTo: bob@example.org\r\nDate: Mon, 16 Nov 2026 10:00:00 +0000\r\nMessage-ID: <8bit@example.net>\r\nSubject: gr"
                        ) + ByteString([0xFC, 0xDF]) + ByteString("e\r\n\r\n")
                            + ByteString((0x80...0xFF).map { UInt8($0) })
                            + ByteString("\r\n.\r\n"))
                ] + commands("QUIT")),
        Conversation(
            name: "everything pipelined",
            turns: commands("EHLO client.example.net")
                + [
                    send(
                        "MAIL FROM:<alice@example.net>\r\nRCPT TO:<bob@example.org>\r\nRCPT TO:<dave@example.com>\r\nDATA\r\n",
                        replies: 4),
                    send("Subject: pipelined\r\n\r\none\r\n.\r\nQUIT\r\n", replies: 2),
                ]),
        Conversation(
            name: "dots, long lines, and line ends of three kinds",
            turns: commands(
                "EHLO client.example.net", "MAIL FROM:<alice@example.net>", "RCPT TO:<bob@example.org>",
                "DATA")
                + [
                    send(
                        ByteString(
                            "Subject: lines\r\n\r\n..one dot\r\n...two dots\r\nbare LF\nthen\rbare CR\r\n")
                            + ByteString(repeating: UInt8(ascii: "x"), 1800) + ByteString("\r\n \r\n.\r\n"))
                ] + commands("QUIT")),
        Conversation(
            name: "a null sender, and NULs",
            turns: commands("EHLO client.example.net", "MAIL FROM:<>", "RCPT TO:<bob@example.org>", "DATA")
                + [
                    send(
                        "Subject: nul\u{0}in header\r\nFrom: mailer@example.net\r\n\r\na\u{0}b\u{0}\r\n.\r\n")
                ]
                + commands("QUIT")),
        Conversation(
            name: "headers of every type, folded and resent",
            turns: commands(
                "EHLO client.example.net", "MAIL FROM:<alice@example.net>", "RCPT TO:<bob@example.org>",
                "DATA")
                + [
                    send(
                        """
                        Received: from old by older; Mon, 16 Nov 2026 09:59:00 +0000\r
                        Return-Path: <old@example.net>\r
                        From: "A B" <alice@example.net>\r
                        Sender: other@example.net\r
                        Reply-To: reply@example.net\r
                        To: bob@example.org,\r
                         carol@example.org\r
                        Cc: dave@example.com\r
                        Bcc: hidden@example.com\r
                        Date: Mon, 16 Nov 2026 10:00:00 +0000\r
                        Message-Id: <all@example.net>\r
                        Resent-From: r@example.net\r
                        Resent-To: s@example.org\r
                        Subject: all\r
                        \tof them\r
                        X-Empty:\r
                        \r
                        body\r
                        .\r

                        """)
                ] + commands("QUIT")),
        Conversation(
            name: "no header at all, and no body at all",
            turns: commands(
                "EHLO client.example.net", "MAIL FROM:<alice@example.net>", "RCPT TO:<bob@example.org>",
                "DATA")
                + [send("just text\r\nand more\r\n.\r\n")]
                + commands("MAIL FROM:<alice@example.net>", "RCPT TO:<bob@example.org>", "DATA") + [
                    send(".\r\n")
                ]
                + commands("QUIT")),
        Conversation(
            name: "commands out of order",
            turns: commands(
                "NOOP", "EHLO client.example.net", "DATA",
                "RCPT TO:<bob@example.org>",
                "MAIL FROM:<alice@example.net>", "RSET", "MAIL FROM:<alice@example.net>",
                "RCPT TO:<refused@example.org>", "DATA", "RCPT TO:<bob@example.org>", "DATA")
                + [send("Subject: at last\r\n\r\nx\r\n.\r\n")] + commands("QUIT")),
        Conversation(
            name: "no greeting", turns: commands("MAIL FROM:<alice@example.net>", "NOOP", "QUIT")),
        Conversation(
            name: "commands unknown and malformed",
            turns: commands(
                "EHLO client.example.net", "FROB", "MAIL FROM:alice@@example.net",
                "MAIL FROM:<alice@example.net>",
                "RCPT TO:<bob@example.org", "RCPT TO:<bob@example.org>", "QUIT")),
        Conversation(
            name: "BDAT in pieces",
            turns: commands(
                "EHLO client.example.net", "MAIL FROM:<alice@example.net>", "RCPT TO:<bob@example.org>")
                + [
                    send("BDAT 17\r\nSubject: chunk\r\n\r"),
                    send("BDAT 13\r\n\n.dot\r\nmore\r\n"),
                    send("BDAT 6 LAST\r\nlast\r\n"),
                ] + commands("QUIT")),
    ]
}

extension ByteString {
    /// An octet many times over.
    init(repeating octet: UInt8, _ count: Int) { self.init([UInt8](repeating: octet, count: count)) }
}
