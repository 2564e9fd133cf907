import Bytes
import MailText
import SMTP
import TestKit
import Testing

/// A scripted server: answers each command of the client by the first rule that fits.
private struct ScriptedServer {
    enum Answer {
        case reply(ByteString)
        case replies([ByteString])
        case close
        case silence
    }

    var rules: [(ByteString, Answer)]
    var ehlo: ByteString
    var greeting: ByteString = "220 fake\r\n"
    var log: [ByteString] = []
    var pendingReplies: [ByteString: [ByteString]] = [:]

    static let pipelining: ByteString = "250-fake\r\n250-SIZE 1000000\r\n250-PIPELINING\r\n250 8BITMIME\r\n"
    static let plain: ByteString = "250-fake\r\n250-SIZE 1000000\r\n250 8BITMIME\r\n"

    init(_ rules: [(ByteString, Answer)], ehlo: ByteString = pipelining) {
        self.rules = rules
        self.ehlo = ehlo
    }

    mutating func answer(_ command: ByteString) -> Answer {
        log.append(command)
        for (start, answer) in rules where command.starts(with: start) {
            guard case .replies(let all) = answer else { return answer }
            var left = pendingReplies[start] ?? all
            let next = left.count > 1 ? left.removeFirst() : left[0]
            pendingReplies[start] = left
            return .reply(next)
        }
        if command.starts(with: ByteString("EHLO")) || command.starts(with: ByteString("LHLO")) {
            return .reply(ehlo)
        }
        if command == "DATA" { return .reply("354 go\r\n") }
        return command == "QUIT" ? .reply("221 bye\r\n") : .reply("250 ok\r\n")
    }
}

/// Drives a machine against a scripted server, as a transport would.
private struct Driver {
    var machine: ClientMachine
    var server: ScriptedServer
    var transaction: Transaction
    var outcomes: [RecipientOutcome]?
    var isOpen = false
    var trouble: ClientTrouble?
    var isClosed = false
    private var incoming: [UInt8] = []
    private var serverClosed = false

    init(_ server: ScriptedServer, recipients: [ByteString] = ["a@d.example"], options: ClientOptions? = nil)
    {
        machine = ClientMachine(options: options ?? Self.options)
        self.server = server
        transaction = Transaction(
            sender: "s@sender.example", recipients: recipients.map { .init($0) }, size: 300, lineCount: 20)
    }

    static var options: ClientOptions {
        var options = ClientOptions(helo: "mail.sender.example")
        options.usesTLS = false
        return options
    }

    mutating func run() {
        if server.greeting.isEmpty { serverClosed = true } else { incoming += server.greeting }
        obey(machine.connected())
    }

    mutating func obey(_ first: [ClientAction]) {
        var actions = first
        while !actions.isEmpty {
            let action = actions.removeFirst()
            switch action {
            case .send(let octets): receive(octets)
            case .expectReply: actions += read()
            case .ready: actions += machine.begin(transaction)
            case .sendDataBody:
                receiveCommand("BODY")
                actions += machine.bodySent()
            case .sendChunks:
                receive(machine.bdat(size: 10, isLast: true))
                actions += machine.bodySent()
            case .finished(let results, let open):
                (outcomes, isOpen) = (results, open)
                if open { actions += machine.quit() }
            case .failed(let trouble): self.trouble = trouble
            case .close: isClosed = true
            case .startTLS, .authReply: Issue.record("not asked for")
            }
        }
    }

    private mutating func read() -> [ClientAction] {
        defer { incoming = [] }
        if !incoming.isEmpty { return machine.received(incoming) }
        return serverClosed ? machine.closed() : machine.timedOut()
    }

    private mutating func receive(_ octets: ByteString) {
        for line in octets.split(separator: .newline) { receiveCommand(ByteString(line.dropLast())) }
    }

    private mutating func receiveCommand(_ command: ByteString) {
        guard !serverClosed else { return }
        switch server.answer(command) {
        case .reply(let reply): incoming += reply
        case .close: serverClosed = true
        case .silence: server.rules.insert(("", .silence), at: 0)
        case .replies: break
        }
    }
}

extension RecipientOutcome {
    fileprivate var text: ByteString {
        switch self {
        case .delivered(let confirmation): "ok \(confirmation)"
        case .troubled(let trouble):
            "\(trouble.isPermanent ? "**" : "==") (\(trouble.errno)) \(trouble.scope): \(trouble.text)"
        case .pending: "pending"
        }
    }
}

extension ByteString.StringInterpolation {
    fileprivate mutating func appendInterpolation(_ scope: ClientTrouble.Scope) {
        switch scope {
        case .host: appendLiteral("host")
        case .message: appendLiteral("message")
        case .recipient: appendLiteral("recipient")
        }
    }
}

@Suite("The client machine")
struct ClientTests {
    private static let mail: ByteString = "MAIL FROM:<s@sender.example> SIZE=1344"
    private static let error: ByteString = "SMTP error from remote mail server after"

    @Test(
        "A trouble is classed and worded as Exim's log has it",
        arguments: [
            ("MAIL", "451 no\r\n", true, "== (-45) message: \(error) pipelined \(mail): 451 no"),
            ("MAIL", "451 no\r\n", false, "== (-45) message: \(error) \(mail): 451 no"),
            (
                "MAIL", "550-no\r\n550 no\r\n", true,
                "** (0) message: \(error) pipelined \(mail): 550-no\\n550 no"
            ),
            ("RCPT", "450 no\r\n", true, "== (-44) recipient: \(error) RCPT TO:<a@d.example>: 450 no"),
            ("RCPT", "550 no\r\n", false, "** (0) recipient: \(error) RCPT TO:<a@d.example>: 550 no"),
            ("DATA", "450 no\r\n", true, "== (-46) message: \(error) pipelined DATA: 450 no"),
            ("DATA", "450 no\r\n", false, "== (-46) message: \(error) DATA: 450 no"),
            ("BODY", "450 no\r\n", true, "== (-46) message: \(error) end of data: 450 no"),
            ("BODY", "550 no\r\n", true, "** (0) message: \(error) end of data: 550 no"),
            (
                "RCPT", "xx\r\n", true,
                "== (-19) host: Malformed SMTP reply in response to pipelined RCPT TO:<a@d.example>: xx"
            ),
            (
                "RCPT", "\r\n", true,
                "== (-19) host: Malformed SMTP reply (an empty line) in response to pipelined RCPT TO:<a@d.example>"
            ),
        ] as [(ByteString, ByteString, Bool, ByteString)])
    func replies(command: ByteString, reply: ByteString, pipelines: Bool, expected: ByteString) {
        let ehlo = pipelines ? ScriptedServer.pipelining : ScriptedServer.plain
        var driver = Driver(ScriptedServer([(command, .reply(reply))], ehlo: ehlo))
        driver.run()
        #expect(driver.outcomes?.map(\.text) == [expected])
        #expect(driver.isClosed)
    }

    @Test(
        "A lost connection or a silent server is classed and worded as Exim's log has it",
        arguments: [
            ("MAIL", true, "== (-18) host: Remote host closed connection in response to pipelined \(mail)"),
            (
                "RCPT", true,
                "== (-18) host: Remote host closed connection in response to pipelined RCPT TO:<a@d.example>"
            ),
            ("DATA", true, "== (-18) host: Remote host closed connection in response to pipelined DATA"),
            ("BODY", true, "== (-18) message: Remote host closed connection in response to end of data"),
            ("MAIL", false, "== (110) message: SMTP timeout after pipelined \(mail)"),
            ("RCPT", false, "== (110) recipient: SMTP timeout after RCPT TO:<a@d.example>"),
            ("DATA", false, "== (110) host: SMTP timeout after pipelined DATA"),
            ("BODY", false, "== (110) message: SMTP timeout after end of data"),
        ] as [(ByteString, Bool, ByteString)])
    func losses(command: ByteString, closes: Bool, expected: ByteString) {
        var driver = Driver(ScriptedServer([(command, closes ? .close : .silence)]))
        driver.run()
        #expect(driver.outcomes?.map(\.text) == [expected])
        #expect(!driver.isOpen && driver.isClosed)
    }

    @Test("Trouble before the session is ready is the host's")
    func greetings() {
        func trouble(_ rules: [(ByteString, ScriptedServer.Answer)], greeting: ByteString = "220 x\r\n")
            -> ByteString?
        {
            var server = ScriptedServer(rules)
            server.greeting = greeting
            var driver = Driver(server)
            driver.run()
            #expect(driver.isClosed)
            return driver.trouble.map { RecipientOutcome.troubled($0).text }
        }
        let closed: ByteString = "== (-18) host: Remote host closed connection in response to"
        #expect(
            trouble([], greeting: "421 busy\r\n") == "== (0) host: \(Self.error) initial connection: 421 busy"
        )
        #expect(
            trouble([], greeting: "554 go\r\n") == "** (0) host: \(Self.error) initial connection: 554 go")
        #expect(trouble([], greeting: "") == "\(closed) initial connection")
        #expect(
            trouble([], greeting: "hello\r\n")
                == "== (-19) host: Malformed SMTP reply in response to initial connection: hello")
        #expect(
            trouble([("EHLO", .reply("451 no\r\n")), ("HELO", .reply("450 no\r\n"))])
                == "== (0) host: \(Self.error) HELO mail.sender.example: 450 no")
        #expect(
            trouble([("EHLO", .reply("550 no\r\n")), ("HELO", .close)])
                == "\(closed) HELO mail.sender.example (EHLO response was: 550 no)")
        #expect(trouble([("EHLO", .close)]) == "\(closed) EHLO mail.sender.example")
    }

    @Test("Pipelined commands go in one piece, in Exim's order, and QUIT ends")
    func pipelined() {
        var driver = Driver(ScriptedServer([]), recipients: ["a@d.example", "b@d.example"])
        driver.run()
        #expect(driver.outcomes == [.delivered(confirmation: "250 ok"), .delivered(confirmation: "250 ok")])
        #expect(
            driver.server.log == [
                "EHLO mail.sender.example", Self.mail, "RCPT TO:<a@d.example>", "RCPT TO:<b@d.example>",
                "DATA", "BODY",
                "QUIT",
            ])
    }

    @Test("Each recipient has its own outcome")
    func mixed() {
        let server = ScriptedServer([("RCPT", .replies(["250 ok\r\n", "550 x\r\n", "450 y\r\n"]))])
        var driver = Driver(server, recipients: ["a@d", "b@d", "c@d"])
        driver.run()
        #expect(
            driver.outcomes?.map(\.text) == [
                "ok 250 ok", "** (0) recipient: \(Self.error) RCPT TO:<b@d>: 550 x",
                "== (-44) recipient: \(Self.error) RCPT TO:<c@d>: 450 y",
            ])
    }

    @Test("452 after an answered recipient puts the rest back, 452 at first defers")
    func tooMany() {
        let server = ScriptedServer([("RCPT", .replies(["250 ok\r\n", "452 many\r\n"]))])
        var driver = Driver(server, recipients: ["a@d", "b@d", "c@d"])
        driver.run()
        #expect(driver.outcomes == [.delivered(confirmation: "250 ok"), .pending, .pending])
        #expect(driver.server.log.last == "QUIT")
        var first = Driver(ScriptedServer([("RCPT", .reply("452 full\r\n"))]))
        first.run()
        #expect(
            first.outcomes?.map(\.text) == [
                "== (-44) recipient: \(Self.error) RCPT TO:<a@d.example>: 452 full"
            ])
    }

    @Test("After 421 to a recipient the rest is still heard, and the connection is not used again")
    func goingDown() {
        let server = ScriptedServer([("RCPT", .replies(["250 ok\r\n", "421 x\r\n", "450 y\r\n"]))])
        var driver = Driver(server, recipients: ["a@d", "b@d", "c@d"])
        driver.run()
        #expect(driver.outcomes?.first == .delivered(confirmation: "250 ok"))
        #expect(driver.outcomes?[1].text == "== (-44) recipient: \(Self.error) RCPT TO:<b@d>: 421 x")
        #expect(!driver.isOpen)
    }

    @Test("When nobody is left and the server wants data, it gets none and the connection is closed")
    func unwantedData() {
        var driver = Driver(ScriptedServer([("RCPT", .reply("550 n\r\n"))]), recipients: ["a@d", "b@d"])
        driver.run()
        #expect(driver.server.log.last == "DATA")
        #expect(!driver.isOpen)
        #expect(driver.outcomes?.count == 2)
        #expect(!driver.server.log.contains("BODY"))
    }

    @Test("Without pipelining nothing is sent before its turn, and DATA only for somebody")
    func stepByStep() {
        var driver = Driver(ScriptedServer([("RCPT", .reply("550 n\r\n"))], ehlo: ScriptedServer.plain))
        driver.run()
        #expect(!driver.server.log.contains("DATA"))
    }

    @Test("A session that is stopped after the greeting says QUIT in the place of EHLO, and closes")
    func stopped() {
        var machine = ClientMachine(options: Driver.options)
        _ = machine.connected()
        _ = machine.received("220 x\r\n".utf8)
        let trouble = ClientTrouble(scope: .host, isPermanent: false, errno: -27, text: "no")
        guard case .failed(trouble)? = machine.stop(for: trouble).first else {
            Issue.record("it has not failed")
            return
        }
        #expect(machine.received("221 bye\r\n".utf8) == [.close])
    }

    @Test("A transaction after one that came to nothing begins with RSET")
    func reset() {
        var machine = ClientMachine(options: Driver.options)
        _ = machine.connected()
        _ = machine.received("220 x\r\n".utf8)
        _ = machine.received(ScriptedServer.pipelining)
        let transaction = Transaction(sender: "", recipients: [.init("a@b")], size: 1, lineCount: 1)
        _ = machine.begin(transaction)
        let actions = machine.received("250 ok\r\n550 no\r\n503 no\r\n".utf8)
        guard case .finished(_, isOpen: true)? = actions.first else {
            Issue.record("not finished: \(actions)")
            return
        }
        #expect(
            machine.begin(transaction).first
                == .send("RSET\r\nMAIL FROM:<> SIZE=1026\r\nRCPT TO:<a@b>\r\nDATA\r\n"))
    }

    @Test("Extensions bring their parameters, in Exim's order")
    func parameters() {
        let ehlo: ByteString =
            "250-x\r\n250-SIZE\r\n250-DSN\r\n250-SMTPUTF8\r\n250-PRDR\r\n250-PIPELINING\r\n250-AUTH PLAIN LOGIN\r\n250 LIMITS RCPTMAX=2 MAILMAX=5\r\n"
        var driver = Driver(ScriptedServer([], ehlo: ehlo), recipients: ["a@d", "b@d", "c@d"])
        driver.transaction.needsSMTPUTF8 = true
        driver.transaction.returns = .headers
        driver.transaction.envelopeID = "QQ+2B"
        driver.transaction.authenticatedSender = "x+y@z"
        driver.transaction.recipients[0].notify = [.success, .delay]
        driver.transaction.recipients[0].originalRecipient = "rfc822;o"
        driver.run()
        #expect(
            driver.server.log[1]
                == "MAIL FROM:<s@sender.example> SIZE=1344 PRDR SMTPUTF8 RET=HDRS ENVID=QQ+2B AUTH=x+2By@z")
        #expect(driver.server.log[2] == "RCPT TO:<a@d> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;o")
        #expect(driver.outcomes?[2] == .pending)
        #expect(driver.machine.extensions.authMechanisms == ["PLAIN", "LOGIN"])
        #expect(driver.machine.extensions.mailMax == 5)
    }

    @Test("A message that needs SMTPUTF8 is not sent without it")
    func utf8() {
        var driver = Driver(ScriptedServer([]))
        driver.transaction.needsSMTPUTF8 = true
        driver.run()
        #expect(
            driver.outcomes?.map(\.text) == [
                "** (-49) message: utf8 support required but not offered for forwarding"
            ])
    }

    @Test("With CHUNKING the body goes as BDAT, after the envelope is answered")
    func chunking() {
        let ehlo: ByteString = "250-x\r\n250-CHUNKING\r\n250 PIPELINING\r\n"
        var driver = Driver(ScriptedServer([], ehlo: ehlo))
        driver.run()
        #expect(driver.server.log.suffix(3) == ["RCPT TO:<a@d.example>", "BDAT 10 LAST", "QUIT"])
        #expect(driver.outcomes == [.delivered(confirmation: "250 ok")])
    }

    @Test("LMTP has a reply for each recipient")
    func lmtp() {
        var options = Driver.options
        options.isLMTP = true
        let body: ByteString = "250 one\r\n452 two\r\n550 three\r\n"
        var driver = Driver(
            ScriptedServer([("BODY", .reply(body))]), recipients: ["a@d", "b@d", "c@d"], options: options)
        driver.run()
        #expect(driver.server.log.first == "LHLO mail.sender.example")
        #expect(
            driver.outcomes?.map(\.text) == [
                "ok 250 one", "== (0) recipient: LMTP error after DATA: 452 two",
                "** (0) recipient: LMTP error after DATA: 550 three",
            ])
    }

    @Test("PRDR has a reply for each recipient and one for all")
    func prdr() {
        let ehlo: ByteString = "250-x\r\n250-PRDR\r\n250 PIPELINING\r\n"
        let body: ByteString = "353 wait\r\n250 first was good\r\n550 second was not\r\n250 OK, overall\r\n"
        var driver = Driver(ScriptedServer([("BODY", .reply(body))], ehlo: ehlo), recipients: ["a@d", "b@d"])
        driver.run()
        #expect(
            driver.outcomes?.map(\.text) == [
                "ok 250 first was good\\n250 OK, overall",
                "** (0) recipient: PRDR error after DATA: 550 second was not",
            ])
    }

    @Test("TLS is started when offered, and required when it must be")
    func tls() {
        func after(_ ehlo: ByteString, _ change: (inout ClientOptions) -> Void, startTLS: ByteString)
            -> [ClientAction]
        {
            var options = ClientOptions(helo: "h")
            change(&options)
            var machine = ClientMachine(options: options)
            _ = machine.connected()
            _ = machine.received("220 x\r\n".utf8)
            let actions = machine.received(ehlo)
            return startTLS.isEmpty ? actions : machine.received(startTLS)
        }
        let offer: ByteString = "250-x\r\n250 STARTTLS\r\n"
        #expect(after(offer, { _ in }, startTLS: "220 go\r\n") == [.startTLS])
        #expect(after(offer, { _ in }, startTLS: "454 no\r\n").count == 1)
        guard
            case .failed(let refused)? = after(offer, { $0.requiresTLS = true }, startTLS: "454 no\r\n").first,
            case .failed(let missing)? = after("250 x\r\n", { $0.requiresTLS = true }, startTLS: "").first,
            case .failed(let injected)? = after(offer, { _ in }, startTLS: "220 go\r\n250 injected\r\n").first
        else {
            Issue.record("went on in clear text")
            return
        }
        #expect(refused.errno == -38 && refused.text.ends(with: ByteString("an attempt to start TLS failed")))
        #expect(missing.errno == -38 && missing.text.ends(with: ByteString("did not offer TLS support")))
        #expect(injected.scope == .host)
    }

    @Test("Whatever a server says, the machine ends with an outcome for each recipient")
    func fuzz() {
        var random = SeededGenerator(seed: 5)
        let words: [ByteString] = [
            "250 ok\r\n", "354 go\r\n", "450 no\r\n", "550 no\r\n", "421 bye\r\n", "250-a\r\n", "xx\r\n",
            "\r\n",
            "353 x\r\n", "452 many\r\n", ScriptedServer.pipelining, "250-x\r\n250-CHUNKING\r\n250 PRDR\r\n",
        ]
        for round in 0..<4_000 {
            var rules: [(ByteString, ScriptedServer.Answer)] = []
            for command in ["EHLO", "HELO", "MAIL", "RCPT", "DATA", "BODY", "BDAT", ".", "QUIT"]
                as [ByteString]
            {
                switch Int.random(in: 0..<6, using: &random) {
                case 0: rules.append((command, .close))
                case 1: rules.append((command, .silence))
                case 2, 3: rules.append((command, .reply(words.randomElement(using: &random) ?? "")))
                default: break
                }
            }
            var options = Driver.options
            options.isLMTP = round % 3 == 0
            var driver = Driver(ScriptedServer(rules), recipients: ["a@d", "b@d"], options: options)
            driver.run()
            #expect(driver.outcomes?.count == 2 || driver.trouble != nil)
        }
    }
}
