import Bytes
import EximLog
import TestKit
import Testing

@Suite("Log records")
struct RecordTests {
    private let peer = PeerName(helo: "c.example", address: "192.0.2.1", ident: "root")
    private func identity(
        _ helo: ByteString? = "c.example", name: ByteString? = nil, ident: ByteString = "root"
    )
        -> SessionIdentity
    {
        SessionIdentity(PeerName(name: name, helo: helo, address: "192.0.2.1", ident: ident))
    }
    private let local = SessionIdentity(PeerName(address: nil, ident: "root"))
    private let all = LogSelector.all

    @Test(
        "A peer is shown by what is known of it",
        arguments: [
            (PeerName(name: "n", helo: "h", address: "1.2.3.4"), "n (h) [1.2.3.4]", "n ([1.2.3.4] helo=h)"),
            (PeerName(name: "n", helo: "N", address: "1.2.3.4"), "n [1.2.3.4]", "n ([1.2.3.4])"),
            (PeerName(helo: "h", address: "1.2.3.4"), "(h) [1.2.3.4]", "[1.2.3.4] (helo=h)"),
            (PeerName(helo: "[1.2.3.4]", address: "1.2.3.4"), "([1.2.3.4]) [1.2.3.4]", "[1.2.3.4]"),
            (
                PeerName(helo: "c.example", address: "192.0.2.1", ident: "root"), "(c.example) [192.0.2.1]",
                "[192.0.2.1] (helo=c.example ident=root)"
            ),
            (
                PeerName(name: "relay.example.com", address: "192.0.2.10", ident: "identx"),
                "relay.example.com [192.0.2.10]", "relay.example.com ([192.0.2.10] ident=identx)"
            ),
        ] as [(PeerName, ByteString, ByteString)])
    func peers(peer: PeerName, full: ByteString, received: ByteString) {
        #expect(peer.fullHost(showingPort: false) == full)
        #expect(peer.receivedHost(showingPort: false) == received)
    }

    @Test("Arrivals are written as Exim writes them")
    func arrivals() throws {
        let selector = try LogSelector(parsing: "+subject +received_sender +received_recipients")
        var arrival = Arrival(sender: "a@b.c", peer: peer, protocol: "esmtp", size: 232)
        arrival.subject = "h\u{E9} \"q\""
        arrival.rawSender = "a@b.c"
        arrival.recipients = ["frz@example.org"]
        #expect(
            arrival.text(by: selector)
                == "<= a@b.c H=(c.example) [192.0.2.1] U=root P=esmtp S=232 T=\"h\\303\\251 \\\"q\\\"\" from <a@b.c> for frz@example.org"
        )
        #expect(arrival.text(by: .defaults) == "<= a@b.c H=(c.example) [192.0.2.1] U=root P=esmtp S=232")
        #expect(
            arrival.messageLogText(by: .defaults)
                == "Received from a@b.c H=(c.example) [192.0.2.1] U=root P=esmtp S=232")
        var faked = Arrival(sender: "", peer: peer, protocol: "esmtp", size: 206)
        faked.isFaked = true
        faked.messageID = "q@w"
        #expect(faked.text(by: .defaults) == "(= <> H=(c.example) [192.0.2.1] U=root P=esmtp S=206 id=q@w")
    }

    @Test("Authentication, TLS and a bounce's reference stand in their places")
    func arrivalExtras() throws {
        var arrival = Arrival(
            sender: "a@b.c",
            peer: PeerName(name: "host.example", helo: "x", address: "192.0.2.1", ident: "identy"),
            protocol: "esmtpa", size: 233)
        arrival.authentication = LoggedAuthentication(authenticator: "plain", id: "foo", sender: "foo")
        #expect(
            arrival.text(by: try LogSelector(parsing: "+smtp_mailauth"))
                == "<= a@b.c H=host.example (x) [192.0.2.1] U=identy P=esmtpa A=plain:foo:foo S=233")
        arrival.tls = LoggedTLS(
            cipher: "TLS1.3:TLS_AES_256_GCM_SHA384:256", verification: .no, peerDN: "CN=\"a\"", sni: "mx",
            isResumed: true)
        arrival.usedChunking = true
        arrival.receiveTime = LogInterval(microseconds: 204_500)
        arrival.interface = LoggedInterface(address: "192.0.2.9", port: 25)
        arrival.protocol = "esmtpsa"
        arrival.tlsOnConnect = true
        arrival.pipelining = .offeredOnly
        arrival.queue = "bulk"
        #expect(
            arrival.text(by: all)
                == "<= a@b.c H=host.example (x) [192.0.2.1] I=[192.0.2.9]:25 U=identy P=essmtpa L- X=TLS1.3:TLS_AES_256_GCM_SHA384:256* CV=no DN=\"CN=\\\"a\\\"\" SNI=mx A=plain:foo:foo K S=233 M8S=0 RT=0.204s Q=bulk from <a@b.c>"
        )
        var bounce = Arrival(
            sender: "", peer: PeerName(address: nil, ident: "exim"), protocol: "local", size: 99)
        bounce.reference = "1xUfAV-0000aT-2p"
        #expect(bounce.text(by: .defaults) == "<= <> R=1xUfAV-0000aT-2p U=exim P=local S=99")
    }

    @Test("Deliveries are written as Exim writes them")
    func deliveries() throws {
        var host = LoggedHost(name: "127.0.0.1", address: "127.0.0.1", port: 2599)
        let selector = try LogSelector(parsing: "+outgoing_port")
        var path = DeliveryPath(
            address: LoggedAddress("a@d.example"), sender: "s@x", router: "r", transport: "smtp", host: host)
        #expect(
            Delivery(.first, path, confirmation: "250-ok\\n250 \"q\" b\\s").text(by: selector)
                == "=> a@d.example R=r T=smtp H=127.0.0.1 [127.0.0.1]:2599 C=\"250-ok\\\\n250 \\\"q\\\" b\\\\s\""
        )
        host.isContinued = true
        path.host = host
        path.address = LoggedAddress("c@d.example")
        #expect(
            Delivery(.further, path, confirmation: "250 ok").text(by: selector)
                == "-> c@d.example R=r T=smtp H=127.0.0.1 [127.0.0.1]:2599* C=\"250 ok\"")
        var file = LoggedAddress("/home/b/mail", top: "b@here.example")
        file.isPipeFileOrReply = true
        let local = DeliveryPath(address: file, sender: "s", router: "userforward", transport: "address_file")
        #expect(
            Delivery(.first, local).text(by: .defaults)
                == "=> /home/b/mail <b@here.example> R=userforward T=address_file")
    }

    @Test("Everything that can be shown of a delivery stands in Exim's order")
    func fullDelivery() {
        var host = LoggedHost(name: "mx.dest.example", address: "192.0.2.1")
        host.isSecure = true
        host.proxy = LoggedInterface(address: "192.0.2.99", port: 1080)
        var path = DeliveryPath(
            address: LoggedAddress("a@d", top: "b@d"), sender: "s@x", router: "r", transport: "t", host: host)
        path.returnPath = "rp@x"
        path.queue = "q"
        path.deliverTime = LogInterval(microseconds: 304_000)
        path.tls = LoggedTLS(cipher: "TLS1.2:X:128", verification: .dane, peerDN: "/CN=x")
        var delivery = Delivery(.suppressed, path, confirmation: "250 ok")
        delivery.size = 12
        delivery.usedPRDR = true
        delivery.usedChunking = true
        delivery.queueTime = LogInterval(seconds: 225)
        #expect(
            delivery.text(by: all)
                == "*> a@d <b@d> F=<s@x> Q=q P=<rp@x> R=r T=t S=12 H=mx.dest.example DS [192.0.2.1]:25 PRX=[192.0.2.99]:1080 X=TLS1.2:X:128 CV=dane DN=\"/CN=x\" PRDR K C=\"250 ok\" QT=3m45s DT=0.304s"
        )
    }

    @Test("Deferrals, failures and host failures are written as Exim writes them")
    func troubles() throws {
        let host = LoggedHost(name: "127.0.0.1", address: "127.0.0.1", port: 2599)
        let path = DeliveryPath(
            address: LoggedAddress("a@d.example"), sender: "s@x", router: "r", transport: "smtp", host: host)
        let selector = try LogSelector(parsing: "+outgoing_port")
        let said: ByteString = "SMTP error from remote mail server after RCPT TO:<a@d.example>: 450 no"
        #expect(
            Deferral(path, stage: .transport, errno: -44, message: said).text(by: selector)
                == "== a@d.example R=r T=smtp defer (-44) H=127.0.0.1 [127.0.0.1]:2599: \(said)")
        let timeout: ByteString = "SMTP timeout after initial connection"
        #expect(
            Deferral(path, stage: .transport, errno: 110, message: timeout).text(by: selector)
                == "== a@d.example R=r T=smtp defer (110): Connection timed out H=127.0.0.1 [127.0.0.1]:2599: \(timeout)"
        )
        #expect(
            HostFailure(host, message: timeout, errno: 110).text(by: selector)
                == "H=127.0.0.1 [127.0.0.1]:2599: \(timeout): Connection timed out")
        #expect(
            HostFailure(host, message: "", errno: 111).text(by: .defaults)
                == "H=127.0.0.1 [127.0.0.1] Connection refused")
        #expect(
            Failure(path, message: "x: 550-no\\n550 no").text(by: selector)
                == "** a@d.example R=r T=smtp H=127.0.0.1 [127.0.0.1]:2599: x: 550-no\\n550 no")
        #expect(
            Failure.retryTimeout(LoggedAddress("a@d.example"), by: .defaults)
                == "** a@d.example: retry timeout exceeded")
        var unrouted = path
        (unrouted.host, unrouted.router, unrouted.transport) = (nil, nil, nil)
        #expect(
            Deferral(unrouted, stage: .beforeRouting, errno: -52, message: "retry time not reached").text(
                by: .defaults)
                == "== a@d.example routing defer (-52): retry time not reached")
        #expect(
            Deferral(unrouted, stage: .beforeRouting, errno: -52, message: "x").text(
                by: try LogSelector(parsing: "-retry_defer")) == nil)
        #expect(
            Failure(unrouted, message: "Unrouteable address", separator: " : ").text(by: .defaults)
                == "** a@d.example : Unrouteable address")
    }

    @Test("Message log lines are Exim's")
    func messageLog() {
        let host = LoggedHost(name: "127.0.0.1", address: "127.0.0.1")
        let path = DeliveryPath(
            address: LoggedAddress("b@d.example"), sender: "s", router: "r", transport: "smtp", host: host)
        #expect(
            Delivery(.first, path).messageLogText(by: .defaults) == "b@d.example: smtp transport succeeded")
        #expect(
            Failure(path, message: "x: 550 x").messageLogText(by: .defaults)
                == "b@d.example R=r T=smtp H=127.0.0.1 [127.0.0.1]: x: 550 x")
        #expect(
            Deferral(path, stage: .transport, errno: -44, message: "x").messageLogText(by: .defaults)
                == "b@d.example R=r T=smtp defer (-44) H=127.0.0.1 [127.0.0.1]: x")
    }

    @Test("Rejections are written as Exim writes them")
    func rejections() {
        func text(_ subject: Rejection.Subject, _ reason: ByteString?, temporary: Bool = false) -> ByteString
        {
            Rejection(
                subject, of: identity(), sender: "a@example.com", isTemporary: temporary, reason: reason
            ).text(by: .defaults)
        }
        let who: ByteString = "H=(c.example) [192.0.2.1] U=root"
        #expect(
            text(.mail(argument: "<evil@example.com>"), "evil sender")
                == "\(who) rejected MAIL <evil@example.com>: evil sender")
        #expect(
            text(.mail(argument: "<slow@example.com>"), nil, temporary: true)
                == "\(who) temporarily rejected MAIL <slow@example.com>")
        #expect(
            text(.recipient(argument: "<bad@x.y>"), "logged bad")
                == "\(who) F=<a@example.com> rejected RCPT <bad@x.y>: logged bad")
        #expect(
            text(.afterData, "wait a bit", temporary: true)
                == "\(who) F=<a@example.com> temporarily rejected after DATA: wait a bit")
        #expect(text(.data, "pre no") == "\(who) rejected DATA: pre no")
        #expect(text(.connection, "not you") == "\(who) rejected connection in \"connect\" ACL: not you")
        #expect(text(.hello("bad.helo"), "bad helo") == "\(who) rejected EHLO or HELO bad.helo: bad helo")
        #expect(
            Rejection(
                .recipient(argument: "<bad@e.f>"), of: local, sender: "a@b.c", isTemporary: false,
                reason: "logged bad"
            ).text(by: .defaults) == "U=root F=<a@b.c> rejected RCPT <bad@e.f>: logged bad")
        #expect(
            Rejection.discarded(
                argument: "<disc@x.y>", of: identity(), sender: "a@example.com", reason: "dd", by: .defaults)
                == "\(who) F=<a@example.com> RCPT <disc@x.y>: discarded by RCPT ACL: dd")
    }

    @Test("Session lines are those of a real Exim session")
    func session() {
        let lines = fixture("exim-session-lines.txt").split(separator: .newline).map { ByteString($0) }
        let x = identity("x")
        let nameless = identity(nil)
        let named = identity("x", name: "host.example", ident: "identy")
        let events: [(SessionEvent, SessionIdentity)] = [
            (.opened(count: nil), local),
            (
                .senderVerifyFailed(
                    address: "a@example.com", isTemporary: false, text: "Unrouteable address"), identity()
            ),
            (.droppedByACL, local),
            (.closedByQuit, local),
            (
                .incompleteTransaction(
                    cause: "RSET", sender: "pre@example.com", recipients: ["b@example.org"]), identity()
            ),
            (.incompleteTransaction(cause: "QUIT", sender: "a@b.c", recipients: []), local),
            (.badHello(command: "HELO", argument: ""), nameless),
            (.badHello(command: "EHLO", argument: "a b"), nameless),
            (.syntaxError(line: "FOO", text: "unrecognized command"), nameless),
            (.noHello, nameless),
            (.protocolError(line: "RCPT TO:<a>", text: "sender not yet given"), x),
            (
                .tooManyErrors(
                    last: "RCPT TO:<a>", commands: ["HELO", "HELO", "EHLO", "MAIL", "HELO", "MAIL", "RCPT"]),
                x
            ),
            (.tooManyNonMail(last: "NOOP"), nameless),
            (
                .noMail(duration: LogInterval(seconds: 0), commands: ["NOOP", "NOOP", "NOOP", "NOOP"]),
                nameless
            ),
            (.tooManyUnknown(last: "FOO"), nameless),
            (.noMail(duration: LogInterval(seconds: 0), commands: []), nameless),
            (.lost(while: "reading message data", duration: nil), local),
            (.tooBig(sender: "a@b.c", read: 1513, maximum: 1000), named),
            (.announcedTooBig(sender: "a@b.c", size: 9999, maximum: 1000), named),
        ]
        // The session was made with -oMa, so connection lines show the caller; everything else is the same.
        for (event, identity) in events {
            let text = event.text(by: all.subtracting(LogSelector([.incomingPort, .millisec])), of: identity)
            #expect(text.map { lines.contains($0) } == true, "\(text ?? "suppressed")")
        }
    }

    @Test("Lines of a daemon are those of a real Exim daemon")
    func daemon() {
        let lines = fixture("exim-daemon-lines.txt").split(separator: .newline).map { ByteString($0) }
        let nameless = SessionIdentity(PeerName(address: "127.0.0.1"))
        let x = SessionIdentity(PeerName(helo: "x", address: "127.0.0.1"))
        let zero = LogInterval(seconds: 0)
        let events: [(SessionEvent, SessionIdentity)] = [
            (.opened(count: 1), nameless), (.closedByQuit, x),
            (.noMail(duration: zero, commands: ["EHLO", "QUIT"]), x),
            (.syntaxError(line: "FOO", text: "unrecognized command"), x),
            (.incompleteTransaction(cause: "connection lost", sender: "a@b", recipients: []), x),
            (.unexpectedDisconnection(error: "Connection reset by peer", duration: zero), x),
            (.lost(while: "", duration: zero), nameless), (.noMail(duration: zero, commands: []), nameless),
            (.commandTimeout, x),
        ]
        for (event, identity) in events {
            let text = event.text(by: all.subtracting(LogSelector([.incomingPort, .millisec])), of: identity)
            #expect(text.map { lines.contains($0) } == true, "\(text ?? "suppressed")")
        }
        let rejection = Rejection(
            .recipient(argument: "<c@d>"), of: x, sender: "a@b", isTemporary: false, reason: nil)
        #expect(lines.contains(rejection.text(by: .defaults)))
    }

    @Test("Selectors suppress their lines")
    func suppressed() {
        #expect(SessionEvent.closedByQuit.text(by: .defaults, of: local) == nil)
        #expect(
            SessionEvent.noMail(duration: LogInterval(seconds: 1), commands: []).text(
                by: .defaults, of: local) == nil)
        #expect(MessageEvent.skippedFrozen.text(by: []) == nil)
        #expect(QueueRunRecord(.start, pid: 1).text(by: []) == nil)
    }

    @Test("Queue lines are Exim's")
    func queue() {
        var run = QueueRunRecord(.start, pid: 12345)
        #expect(run.text(by: .defaults) == "Start queue run: pid=12345")
        run.letters = "ff"
        run.queue = "bulk"
        #expect(run.text(by: .defaults) == "Start 'bulk' queue run: pid=12345 -qff")
        #expect(
            QueueRunRecord(.end, pid: 1).abandoned(load: "5.21", maximum: "4.00")
                == "Abandon queue run: pid=1 (load 5.21, max 4.00)")
        #expect(MessageEvent.completed(queueTime: LogInterval(seconds: 3)).text(by: .defaults) == "Completed")
        #expect(
            MessageEvent.completed(queueTime: LogInterval(seconds: 3)).text(by: [
                LogSelector(.queueTimeOverall)
            ]) == "Completed QT=3s")
        #expect(
            MessageEvent.queued(by: "ACL", queue: "").text(by: .defaults)
                == "no immediate delivery: queued by ACL")
        #expect(MessageEvent.frozenBy("ACL").text(by: .defaults) == "frozen by ACL")
    }

    @Test("Every item of the manual is known by its name, and the default set is the manual's")
    func selectors() throws {
        let table = fixture("selectors.txt").split(separator: .newline).map { $0.split(separator: .blank) }
        for row in table {
            let set = try LogSelector(parsing: "+\(ByteString(row[0]))", startingFrom: [])
            #expect(set != [], "\(ByteString(row[0]))")
            let isDefault = row.count > 1
            #expect(LogSelector.defaults.isSuperset(of: set) == isDefault, "\(ByteString(row[0]))")
        }
        #expect(try LogSelector(parsing: "-all +pid") == LogSelector(.pid))
        #expect(throws: LogSelectorError.unknown(name: "foo", sign: UInt8(ascii: "+"))) {
            try LogSelector(parsing: "+foo")
        }
        #expect(throws: LogSelectorError.noSign(word: "pid")) { try LogSelector(parsing: "pid") }
    }

    @Test("Any octets are a selector or an error, and escaping leaves printing ASCII")
    func fuzz() {
        var random = SeededGenerator(seed: 7)
        for _ in 0..<5_000 {
            let text = ("+all -pid + subject" as ByteString).mutated(
                alphabet: "+- \t\nab_\u{E9}\0", using: &random)
            _ = try? LogSelector(parsing: text)
            let isPrinting = text.escapingUnprintable().allSatisfy { $0.isASCIIPrinting }
            #expect(isPrinting)
            let path = try? LogPath(parsing: "/x/%s\(text)%D", spoolDirectory: "/s")
            #expect(path?.file(of: .main, datestamp: "20261121") != "")
        }
    }

    @Test("Intervals are written with their units")
    func intervals() {
        #expect(LogInterval.text(ofSeconds: 0) == "0s")
        #expect(LogInterval.text(ofSeconds: 788_645) == "1w2d3h4m5s")
        #expect(LogInterval(microseconds: 123_999).text(showingMilliseconds: true) == "0.123s")
        #expect(LogInterval(microseconds: 5_000_000).text(showingMilliseconds: true) == "5s")
    }

    @Test("A rejected message's header follows in the reject log")
    func rejectedHeader() {
        let header = RejectedHeader(
            sender: "a@example.com", recipients: (1...7).map { "r\($0)@x" },
            headers: [(0x50, "Received: x\n\ty\n"), (0x20, "Subject: spam\n")])
        #expect(
            header.lines
                == "Envelope-from: <a@example.com>\nEnvelope-to: <r1@x>\n    <r2@x>\n    <r3@x>\n    <r4@x>\n    <r5@x>\n    ...\nP Received: x\n\ty\n  Subject: spam\n"
        )
        let long = RejectedHeader(
            sender: "a", recipients: [], headers: [(0x20, ByteString(repeatElement(0x61, count: 9000)))])
        #expect(long.lines == "*** truncated ***\n")
    }
}
