import Bytes
import MailText
import SMTP
import TestKit
import Testing

struct DialogueCase: CustomTestStringConvertible, Sendable {
    let line: ByteString
    let reply: ByteString
    var testDescription: String { line.string }

    // Commands whose replies policy or another module makes, and those where we knowingly differ
    // (doc/deviations.md):
    // a RCPT parameter without `=` garbles the address in Exim, and a negative chunk is a number to it.
    private static let outside: [ByteString] = [
        "VRFY", "EXPN", "ETRN", "RCPT TO:<a@b.c> x", "RCPT TO:<a b@c.d>", "BDAT -1",
    ]

    static func read(_ name: String) -> [DialogueCase] {
        fixture(name).split(separator: .newline).compactMap { row in
            guard let mark = row.firstRange(of: ByteString(" => ")) else { return nil }
            let line = ByteString(row[..<mark.lowerBound])
            guard !outside.contains(where: { line == $0 || line.starts(with: $0 + ByteString(" ")) }) else {
                return nil
            }
            return DialogueCase(line: line, reply: ByteString(row[mark.upperBound...]))
        }
    }
}

/// A server without policy: every command that is right is accepted in the words of the Exim that made the
/// fixtures.
private struct Server {
    var phase = EnvelopePhase()
    var offered: Advertised = []
    private let rules = AddressRules()

    mutating func answer(_ line: ByteString) -> ByteString {
        do {
            return answer(try CommandLine.parse(line, offered: offered)).joinedLines
        } catch {
            return error.reply.joinedLines
        }
    }

    private mutating func answer(_ command: SMTPCommand) -> Reply {
        switch command {
        case .hello(let argument, let isExtended): return hello(argument, isExtended)
        case .mail(let mail): return sender(mail)
        case .recipient(let recipient): return self.recipient(recipient)
        case .data: return checked(.data) ?? Reply(354, "go")
        case .bdat: return checked(.bdat) ?? Reply(250, "go")
        case .reset:
            phase.endTransaction()
            return Reply(250, "Reset OK")
        case .noop: return Reply(250, "OK")
        case .help:
            return Reply(
                214, "Commands supported:\nAUTH STARTTLS HELO EHLO MAIL RCPT DATA BDAT NOOP QUIT RSET HELP")
        case .startTLS: return checked(.startTLS) ?? Reply(220, "TLS go ahead")
        case .auth: return checked(.auth) ?? Reply(334, "")
        case .verify, .expand, .etrn, .quit, .xclient: return Reply(250, "ok")
        case .unknown: return Reply(500, "unrecognized command")
        }
    }

    private func checked(_ event: EnvelopePhase.Event) -> Reply? {
        switch phase.check(event, offered: offered) {
        case .decide: nil
        case .refuse(let reply, _): reply
        }
    }

    private mutating func hello(_ argument: ByteString, _ isExtended: Bool) -> Reply {
        let word: ByteString = isExtended ? "EHLO" : "HELO"
        guard HeloRules.accepts(argument, allowing: "_") else {
            return Reply(501, "Syntactically invalid \(word) argument(s)")
        }
        phase.acceptHello()
        let greeting: ByteString = "mx.example.org Hello root at \(argument)"
        guard isExtended else { return Reply(250, greeting) }
        offered = [.extended, .smtpUTF8, .chunking, .startTLS, .pipelining, .prdr]
        return Reply(
            250,
            lines: [
                greeting, "SIZE 52428800", "8BITMIME", "PIPELINING", "CHUNKING", "STARTTLS", "SMTPUTF8",
                "HELP",
            ])
    }

    private mutating func sender(_ mail: MailCommand) -> Reply {
        if let refusal = checked(.mail) { return refusal }
        if mail.size ?? 0 > 52_428_800 { return Reply(552, "Message size exceeds maximum permitted") }
        do {
            _ = try mail.sender(rules)
            phase.acceptMail()
            return Reply(250, "OK")
        } catch {
            return Reply(501, "\(mail.argument): \(error.message)")
        }
    }

    private mutating func recipient(_ recipient: RecipientCommand) -> Reply {
        if let refusal = checked(.recipient) { return refusal }
        do {
            _ = try recipient.recipient(rules)
            phase.acceptRecipient()
            return Reply(250, "Accepted")
        } catch {
            return Reply(501, "\(recipient.argument): \(error.message)")
        }
    }
}

extension Reply {
    // As the fixtures have it: lines as on the wire, ` / ` between them.
    fileprivate var joinedLines: ByteString {
        text.split(separator: .newline).map { ByteString($0) }.joined(separator: " / ")
    }
}

@Suite("Commands")
struct CommandTests {
    @Test(
        "After EHLO odd commands are answered as Exim answers them",
        arguments: DialogueCase.read("exim-replies-after-ehlo.txt"))
    func afterEHLO(sample: DialogueCase) {
        var server = Server()
        _ = server.answer("EHLO c.example")
        #expect(server.answer(sample.line) == sample.reply)
    }

    @Test(
        "After MAIL odd commands are answered as Exim answers them",
        arguments: DialogueCase.read("exim-replies-after-mail.txt"))
    func afterMail(sample: DialogueCase) {
        var server = Server()
        _ = server.answer("EHLO c.example")
        _ = server.answer("MAIL FROM:<s@t.u>")
        #expect(server.answer(sample.line) == sample.reply)
    }

    @Test(
        "Before any greeting commands are answered as Exim answers them",
        arguments: DialogueCase.read("exim-replies-after-fresh.txt"))
    func fresh(sample: DialogueCase) {
        var server = Server()
        #expect(server.answer(sample.line) == sample.reply)
    }

    @Test(
        "After HELO extensions are unknown, as in Exim",
        arguments: DialogueCase.read("exim-replies-after-helo.txt"))
    func afterHELO(sample: DialogueCase) {
        var server = Server()
        _ = server.answer("HELO c")
        #expect(server.answer(sample.line) == sample.reply)
    }

    @Test("Parameters are read from the right, in any order")
    func parameters() throws {
        let offered: Advertised = [.extended, .dsn, .smtpUTF8, .prdr]
        let line: ByteString =
            "MAIL FROM:<a@b> size=10 BODY=8BITMIME RET=hdrs ENVID=x+2By AUTH=<> SMTPUTF8 PRDR"
        guard case .mail(let mail) = try CommandLine.parse(line, offered: offered) else {
            Issue.record("no MAIL")
            return
        }
        #expect(mail.addressText == "<a@b>")
        #expect(mail.size == 10)
        #expect(mail.body == .eightBitMIME)
        #expect(mail.returns == .headers)
        #expect(mail.envelopeID == "x+2By")
        #expect(mail.auth == "<>")
        #expect(mail.isSMTPUTF8 && mail.wantsPRDR)
        let recipient = try CommandLine.parse(
            "RCPT TO:<a@b> ORCPT=rfc822;a NOTIFY=success,delay", offered: offered)
        guard case .recipient(let rcpt) = recipient else {
            Issue.record("no RCPT")
            return
        }
        #expect(rcpt.notify == [.success, .delay])
        #expect(rcpt.originalRecipient == "rfc822;a")
    }

    @Test(
        "Wrong DSN parameters are refused in Exim's words",
        arguments: [
            ("MAIL FROM:<a@b> RET=x", "Value for RET is invalid"),
            ("MAIL FROM:<a@b> RET=HDRS RET=FULL", "RET can be specified once only"),
            ("MAIL FROM:<a@b> ENVID=a ENVID=b", "ENVID can be specified once only"),
            ("RCPT TO:<a@b> NOTIFY=x", "Invalid value for NOTIFY parameter"),
            ("RCPT TO:<a@b> NOTIFY=NEVER,SUCCESS", "Invalid value for NOTIFY parameter"),
            ("RCPT TO:<a@b> NOTIFY=DELAY NOTIFY=DELAY", "NOTIFY can be specified once only"),
            ("RCPT TO:<a@b> ORCPT=a ORCPT=b", "ORCPT can be specified once only"),
        ] as [(ByteString, ByteString)])
    func wrongDSN(line: ByteString, text: ByteString) {
        #expect(throws: SMTPSyntaxError(501, text)) {
            try CommandLine.parse(line, offered: [.extended, .dsn])
        }
    }

    @Test("When all recipients were refused in the same words, DATA tells them again")
    func refusedRecipients() {
        var phase = EnvelopePhase()
        phase.acceptHello()
        phase.acceptMail()
        phase.refuseRecipient("550 no")
        phase.refuseRecipient("550 no")
        phase.finish("RCPT")
        #expect(
            phase.check(.data, offered: .pipelining)
                == .refuse(
                    Reply(
                        503,
                        "All RCPT commands were rejected with this error:\n550 no\nValid RCPT command must precede DATA"
                    ),
                    logged: ""))
        phase.refuseRecipient("451 later")
        #expect(
            phase.check(.data, offered: .pipelining)
                == .refuse(Reply(503, "Valid RCPT command must precede DATA"), logged: ""))
        // A client that did not pipeline has made an error.
        let text: ByteString = "valid RCPT command must precede DATA"
        #expect(phase.check(.data, offered: []) == .refuse(Reply(503, text), logged: text))
    }

    @Test("Between chunks only BDAT goes on", arguments: EnvelopePhase.Event.allCases)
    func chunks(event: EnvelopePhase.Event) {
        var phase = EnvelopePhase()
        phase.acceptHello()
        phase.acceptMail()
        phase.acceptRecipient()
        phase.acceptChunk()
        let mayStand: Set<EnvelopePhase.Event> = [.bdat, .reset, .quit, .noop]
        #expect((phase.check(event, offered: [.chunking]) == .decide) == mayStand.contains(event))
    }

    @Test("The protocol's name tells how a message came in")
    func protocols() {
        var way = ReceivedProtocol(.remote)
        #expect(way.name == "smtp")
        (way.isExtended, way.isSecure, way.isAuthenticated) = (true, true, true)
        #expect(way.name == "esmtpsa")
        way.isSMTPUTF8 = true
        #expect(way.name == "utf8esmtpsa")
        way.way = .localSMTP
        (way.isSecure, way.isAuthenticated) = (false, false)
        #expect(way.name == "utf8local-esmtp")
        #expect(ReceivedProtocol(.local).name == "local")
        #expect(ReceivedProtocol(.batched).name == "local-bsmtp")
    }

    @Test("Any octets are a command or a syntax error")
    func fuzz() {
        var random = SeededGenerator(seed: 2)
        let seeds = DialogueCase.read("exim-replies-after-ehlo.txt").map(\.line)
        for round in 0..<20_000 {
            let line = seeds[round % seeds.count].mutated(
                alphabet: "<>@ =:FROMmail\t\"+9\u{E9}", using: &random)
            if case .mail(let mail)? = try? CommandLine.parse(line, offered: [.extended, .dsn]) {
                #expect(mail.addressText.count <= line.count)
            }
        }
    }
}
