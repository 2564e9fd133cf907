import Bytes
import MailText
import TestKit
import Testing

@Suite("Delivery status notifications")
struct NotificationTests {
    private func frame() -> NotificationFrame {
        var frame = NotificationFrame(
            from: "Mail Delivery System <Mailer-Daemon@sender.example>", to: "alice@sender.example",
            hostname: "mail.sender.example", boundary: "1795244751-eximdsn-2049958396")
        frame.headers = [
            "Received: from root by mail.sender.example with local (Exim 4.96)\n\t(envelope-from <alice@sender.example>)\n\tid 1xUfAV-0000aT-2p;\n\tSat, 21 Nov 2026 07:05:51 +0000\n",
            "From: alice@sender.example\n", "To: bob@sender.example\n", "Subject: test one\n",
            "Message-ID: <abc@sender.example>\n", "References: <r1@x.example> <r2@x.example>\n",
            "Date: Sat, 21 Nov 2026 07:05:51 +0000\n",
        ].map { Header($0) }
        return frame
    }

    @Test("A bounce is octet by octet the one that Exim made")
    func bounce() {
        var refused = NotifiedAddress(
            "bad@dest.example",
            text:
                "SMTP error from remote mail server after RCPT TO:<bad@dest.example>: 550-5.1.1 no such user\\n550 5.1.1 go away"
        )
        refused.host = ("mx.dest.example", "192.0.2.1")
        let failed = [refused, NotifiedAddress("x@fail.example", text: "user unknown here")]
        let bounce = Bounce(frame: frame(), failed: failed, content: .full(body: "body line\n"))
        #expect(bounce.composed().message() == fixture("bounce.txt"))
    }

    @Test("A delay warning is the one that Exim made")
    func warning() {
        var frame = frame()
        frame.headers = [Header("Subject: test two\n"), Header("Date: Sat, 21 Nov 2026 07:05:54 +0000\n")]
        var delayed = NotifiedAddress(
            "temp@dest.example",
            text: "SMTP error from remote mail server after RCPT TO:<temp@dest.example>: 451 4.3.0 try later")
        delayed.host = ("mx.dest.example", "192.0.2.1")
        let warning = DelayWarning(
            frame: frame, delayed: [delayed], id: "1xUfAY-0000c5-1J", threshold: 86_400, age: 90_000)
        #expect(warning.composed().message() == fixture("warning.txt"))
    }

    @Test("A success report is the one that Exim made")
    func success() {
        var frame = frame()
        frame.envelopeID = "QQ314159"
        frame.headers = [Header("Subject: x\n")]
        var relayed = NotifiedAddress("ok@dest.example")
        relayed.originalRecipient = "rfc822;OK@dest.example"
        relayed.host = ("mx.dest.example", "192.0.2.1")
        let report = SuccessReport(
            frame: frame,
            delivered: [
                (NotifiedAddress("bob@sender.example"), .byRouter),
                (relayed, .toHost(name: "mx.dest.example")),
            ])
        #expect(report.composed().message() == fixture("success.txt"))
    }

    @Test("A success report's body is octet by octet what Exim put on its spool")
    func spooledSuccess() {
        var frame = NotificationFrame(
            from: "x", to: "alice@example.com", hostname: "mx.example.org",
            boundary: "1795245216-eximdsn-2102654859")
        frame.headers = [
            "Received: from [127.0.0.1] (helo=client.example.com)\n\tby mx.example.org with esmtp (Exim 4.96)\n\t(envelope-from <alice@example.com>)\n\tid 1xUfI0-0002nt-22;\n\tSat, 21 Nov 2026 07:13:36 +0000\n",
            "Subject: test\n",
        ].map { Header($0) }
        var address = NotifiedAddress("x@ok.example.org")
        address.originalRecipient = "rfc822;x@ok.example.org"
        let text = SuccessReport(frame: frame, delivered: [(address, .byRouter)]).composed().message()
        let body = text.firstRange(of: ByteString("\n\n")).map { ByteString(text[$0.upperBound...]) }
        #expect(body == fixture("exim-success.txt"))
    }

    @Test("Long References: keep the first id and the last eleven")
    func references() {
        var frame = frame()
        let ids = (1...20).map { "<\($0)@x>" as ByteString }
        frame.headers = [
            Header("References: \(ids.joined(separator: "\n "))\n"), Header("Message-ID: <m@x>\n"),
        ]
        let text = Bounce(frame: frame, failed: [NotifiedAddress("a@b")], content: .headers).composed().head
        let expected = ([ids[0]] + ids.suffix(11) + ["<m@x>"]).joined(separator: " ")
        #expect(text.contains("References: \(expected)\n" as ByteString))
    }

    @Test("A hidden child is undisclosed, a pipe shows who made it, a limit is told")
    func entries() {
        var hidden = NotifiedAddress("secret@x", text: "no")
        hidden.isHidden = true
        hidden.top = "list@x"
        var pipe = NotifiedAddress("|/bin/false", text: "Child process returned 1")
        pipe.isPipeFileOrReply = true
        pipe.top = "joe@x"
        let text = Bounce(frame: frame(), failed: [hidden, pipe], content: .headersByLimit).composed()
            .message()
        #expect(text.contains(ByteString("  an undisclosed address\n    (generated from list@x)\n")))
        #expect(text.contains(ByteString("  pipe to |/bin/false\n    generated by joe@x\n")))
        #expect(text.starts(with: ByteString("X-Failed-Recipients: joe@x\n")))
        #expect(!text.contains(ByteString("secret@x")))
        #expect(text.contains(ByteString("X-Exim-DSN-Information: Due to administrative limits")))
    }
}
