import Bytes
import TestKit
import Testing

/// SOCKS proxies (`socks_proxy`), where Exim has no answer or has another one, and a real one.
extension DeliveryTests {
    /// What Bobbin leaves of a delivery that is scripted like those of the area Socks.
    private static func deliver(_ script: ByteString) throws -> [String] {
        let area = try DeliveryArea.named("Socks")
        let delivery = try #require(try Delivery.parse("== own\n\(script)").first)
        return try Stage(delivery, area.configuration, nil, isExim: false).perform()
    }

    private static let message: ByteString = "mail: <a@example.org>\nrcpt: <b@one.test>\nrun: -q\n"

    /// A script and what must be among the lines that are left; `!` stands before what must not.
    private static let scripts: [(title: String, script: ByteString, lines: [String])] = [
        (
            "SOC-01: the option is expanded, and what is empty is a direct connection",
            "socks:   socks_proxy = ${if eq{$host_address}{127.0.1.2}{}{127.0.2.9}}\nserver: 2\n",
            ["H=127.0.1.2 [127.0.1.2]:<wire> C=", "!PRX="]
        ),
        (
            "SOC-01: delivery goes through the proxy",
            "socks:   socks_proxy = ${if eq{$host_address}{127.0.1.2}{127.0.2.1 port=WIREPORT}}\nserver: 2\nproxy: 1\n",
            [
                "PRX=[127.0.2.1]:<wire> C=", "127.0.2.1 request 05 01 00 01 7f 00 01 02 port true",
                "127.0.1.2 | Subject: hello",
            ]
        ),
        (
            "SOC-02: colons part proxies, blanks their options; SOC-09: each in turn until one answers",
            "socks:   socks_proxy = 127.0.2.7 port=WIREPORT pri=3 : 127.0.2.8   pri=2  port=WIREPORT : 127.0.2.1 port=WIREPORT\nserver: 2\nproxy: 1\n",
            ["socks_sock_connect: Connection refused", "PRX=[127.0.2.1]:<wire> C="]
        ),
        (
            "SOC-03: an option that is none gives a log line, which shows no value",
            "socks:   socks_proxy = 127.0.2.1 port=WIREPORT passs=geheim\nserver: 2\nproxy: 1\n",
            [
                "socks_proxy in smtp transport: item 1: unknown option \"passs\" is ignored", "!geheim",
                "PRX=[127.0.2.1]:<wire> C=",
            ]
        ),
        (
            "SOC-03, SOC-06: of a password that is cut apart the log shows nothing",
            "socks:   socks_proxy = 127.0.2.1 port=WIREPORT pass=se:cret : pass=geheim auth=name : 127.0.2.1 port=WIREPORT pass=my wort\nserver: 2\nproxy: 1\n",
            [
                "socks_proxy in smtp transport: item 2: it does not begin with an IP address",
                "socks_proxy in smtp transport: item 3: it does not begin with an IP address",
                "socks_proxy in smtp transport: item 4: a word without \"=\" is ignored",
                "!cret", "!geheim", "!wort", "PRX=[127.0.2.1]:<wire> C=",
            ]
        ),
        (
            "A connect_timeout of 0 lets proxies be reached",
            "timeout:   connect_timeout = 0s\nserver: 2\nproxy: 1\n", ["PRX=[127.0.2.1]:<wire> C="]
        ),
        (
            "SOC-04, SOC-05, SOC-06: a proxy that wants name and password gets them, and no log does",
            "socks:   socks_proxy = 127.0.2.1 port=WIREPORT auth=name name=joe pass=geheim\nserver: 2\nproxy: 1\n",
            [
                "127.0.2.1 methods 05 01 02", "127.0.2.1 name joe pass geheim", "!main: geheim",
                "PRX=[127.0.2.1]:<wire> C=",
            ]
        ),
        (
            "SOC-04, SOC-05, SOC-06: without auth= there is no authentication, and empty names are said as such",
            "socks:   socks_proxy = 127.0.2.1 port=WIREPORT auth=name\nserver: 2\nproxy: 1\n",
            ["127.0.2.1 methods 05 01 02", "127.0.2.1 name  pass "]
        ),
        (
            "Each proxy is asked by its own method",
            "socks:   socks_proxy = 127.0.2.7 auth=name name=x pass=y pri=2 port=WIREPORT : 127.0.2.1 port=WIREPORT\nserver: 2\nproxy: 1\n",
            ["127.0.2.1 methods 05 01 00", "PRX=[127.0.2.1]:<wire> C="]
        ),
        (
            "SOC-07: the port is 1080 unless port= says another",
            "socks:   socks_proxy = 127.0.2.7 pri=2 : 127.0.2.1 port=WIREPORT\nsmtp:   event_action = ${acl{event}}\nserver: 2\nproxy: 1\n",
            ["tcp:connect H=127.0.1.2 A=127.0.2.7 P=1080", "PRX=[127.0.2.1]:<wire> C="]
        ),
        (
            "SOC-08: a proxy has tmo= seconds to be reached",
            "timeout:   connect_timeout = 5m\nsocks:   socks_proxy = 127.0.1.9 port=WIREPORT tmo=1 pri=2 : 127.0.2.1 port=WIREPORT\nserver: 2\nserver: full 9\nproxy: 1\n",
            ["socks_sock_connect: Connection timed out", "PRX=[127.0.2.1]:<wire> C="]
        ),
        (
            "SOC-10: connect_timeout is for all proxies together",
            "timeout:   connect_timeout = 1s\nsocks:   socks_proxy = 127.0.1.9 port=WIREPORT tmo=90 pri=3 : 127.0.1.8 port=WIREPORT tmo=90 pri=2 : 127.0.2.1 port=WIREPORT\nserver: 2\nserver: full 9\nserver: full 8\nproxy: 1\n",
            ["defer (110): Connection timed out", "!127.0.2.1 <connection>"]
        ),
        (
            "EVT-53, SOC-11: in tcp:connect address and port are the proxy's",
            "smtp:   event_action = ${acl{event}}\nserver: 2\nproxy: 1\n",
            [
                "tcp:connect H=127.0.1.2 A=127.0.2.1 P=<wire> session=no",
                "H=127.0.1.2 [127.0.1.2]:<wire> PRX=[127.0.2.1]:<wire> C=",
            ]
        ),
        (
            "Answers may come octet by octet",
            "server: 2\nproxy: 1\nmethod: <pieces>\\x05\\x00\nreply: <pieces>\\x05\\x00\\x00\\x01\\x7f\\x00\\x00\\x09\\x1f\\x90\n",
            ["PRX=[127.0.2.1]:<wire> C="]
        ),
        (
            "The proxy's other end may have an address of IPv6",
            "server: 2\nproxy: 1\nreply: \\x05\\x00\\x00\\x04\\{16:\\x20}\\x1f\\x90\n",
            ["PRX=[127.0.2.1]:<wire> C="]
        ),
        (
            "The proxy's other end may have a name",
            "server: 2\nproxy: 1\nreply: \\x05\\x00\\x00\\x03\\x04host\\x1f\\x90\n",
            ["PRX=[127.0.2.1]:<wire> C="]
        ),
        (
            "An option that cannot be expanded is no reason to go around the proxy",
            "socks:   socks_proxy = ${lookup{x}lsearch{/nonexistent/file}}\nserver: 2\n",
            ["Bad expansion for socks_proxy in smtp", "!127.0.1.2 <connection>"]
        ),
    ]

    @Test(
        """
        SOC-01, SOC-02, SOC-03, SOC-04, SOC-05, SOC-06, SOC-07, SOC-08, SOC-09, SOC-10, SOC-11, EVT-53: socks_proxy has \
        mail go through one of some proxies
        """)
    func proxied() async throws {
        try await withThrowingTaskGroup(of: (Int, [String]).self) { group in
            var waiting = Self.scripts.indices[...]
            func add() {
                guard let index = waiting.popFirst() else { return }
                group.addTask {
                    (
                        index,
                        try await OwnThread.run {
                            try Self.deliver(Self.scripts[index].script + Self.message)
                        }
                    )
                }
            }
            for _ in 0..<DeliveryArea.concurrency { add() }
            while let (index, left) = try await group.next() {
                check(left, Self.scripts[index].lines, Self.scripts[index].title)
                add()
            }
        }
    }

    private func check(_ left: [String], _ wanted: [String], _ title: String) {
        for text in wanted where !text.hasPrefix("!") {
            #expect(
                left.contains { $0.contains(text) },
                "\(title): no \(text) in\n\(left.joined(separator: "\n"))")
        }
        for text in wanted where text.hasPrefix("!") {
            let words = text.dropFirst().split(separator: " ", maxSplits: 1)
            let isUnwanted = { (line: String) in
                words.count == 2 && words[0] == "main:"
                    ? line.hasPrefix("main: ") && line.contains(words[1]) : line.contains(text.dropFirst())
            }
            #expect(
                !left.contains(where: isUnwanted), "\(title): \(text) in\n\(left.joined(separator: "\n"))")
        }
    }

    @Test("A connection that one message has opened through proxies serves no other that may not use them")
    func proxiedApart() throws {
        let left = try Self.deliver(
            """
            socks:   socks_proxy = ${if match{$sender_address}{^a@}{127.0.2.1 port=WIREPORT}{127.0.2.2 port=WIREPORT}}
            server: 2
            proxy: 1
            proxy: 2
            mail: <a@example.org>
            rcpt: <b@one.test>
            mail: <c@example.org>
            rcpt: <d@one.test>
            mail: <a@example.org>
            rcpt: <e@one.test>
            run: -q

            """)
        #expect(left.contains { $0.contains("=> d@one.test") && $0.contains("PRX=[127.0.2.2]") })
        for name in ["b", "e"] {
            #expect(left.contains { $0.contains("=> \(name)@one.test") && $0.contains("PRX=[127.0.2.1]") })
        }
    }

    @Test(
        "A real SOCKS proxy, danted, carries mail, and says when it will not", arguments: [false, true])
    func realProxy(wantsPassword: Bool) throws {
        let proxy = try ProxyProcess.danted(wantsPassword: wantsPassword)
        let place: ByteString = "127.0.0.1 port=\(proxy.ports[0])"
        let words: ByteString = wantsPassword ? "\(place) auth=name name=joe pass=secret" : place
        func deliver(_ words: ByteString, to recipient: ByteString) throws -> [String] {
            try Self.deliver(
                """
                socks:   socks_proxy = \(words)
                server: 2
                mail: <a@example.org>
                rcpt: <\(recipient)>
                run: -q

                """)
        }
        let taken = try deliver(words, to: "b@one.test")
        #expect(
            taken.contains { $0.contains("=> b@one.test") && $0.contains("PRX=[127.0.0.1]:<port> C=") },
            "\(taken)")
        #expect(taken.contains("127.0.1.2 | Hello"))
        // Its rules allow one host.
        let refused = try deliver(words, to: "b@many.test")
        #expect(
            refused.contains { $0.contains("H=127.0.1.20 [127.0.1.20]") && $0.contains("Permission denied") },
            "\(refused)")
        if wantsPassword {
            let wrong = try deliver("\(place) auth=name name=joe pass=geheim", to: "b@one.test")
            #expect(wrong.contains { $0.hasPrefix("panic:") && $0.contains("socks auth failed") }, "\(wrong)")
            #expect(!wrong.contains { $0.contains("geheim") })
        } else {
            // Nobody listens there: the proxy tells so.
            let closed = try Self.deliver(
                "socks:   socks_proxy = \(words)\nmail: <a@example.org>\nrcpt: <b@one.test>\nrun: -q\n")
            #expect(closed.contains { $0.contains("defer (111): Connection refused") }, "\(closed)")
        }
    }

    @Test(
        "A callout goes through the proxy as with Exim",
        arguments: ["", "reply: \\x05\\x05\\x00\\x01\n", "method: \\x05\\xff\n"] as [ByteString])
    func proxiedCallout(behaviour: ByteString) throws {
        var outcomes: [[String]] = []
        for isExim in [true, false] {
            let delivery = try #require(
                try Delivery.parse("== callout\nserver: 2\nproxy: 1\n\(behaviour)").first)
            let stage = try Stage(delivery, Self.calloutConfiguration, nil, isExim: isExim)
            let session: ByteString =
                "EHLO client.example.net\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@one.test>\r\nQUIT\r\n"
            let ending =
                try isExim
                ? stage.site.exim("-bs", input: session)
                : stage.site.run("bobbin", "exim", "-bs", input: session)
            let replies = Latin1.text(ending.output).split(separator: "\r\n").map(String.init)
                .filter { !$0.hasPrefix("220") && !$0.hasPrefix("250-") }
            let log = try stage.site.log().filter { $0.contains("b@one.test") || $0.contains("socks") }
            outcomes.append(
                (replies + log.map { masked($0) }.map { $0.hiding(port: stage.port) }
                    + stage.proxies.flatMap(\.lines)))
        }
        #expect(outcomes[0] == outcomes[1])
        #expect(outcomes[1].contains { $0.hasPrefix("127.0.2.1 methods 05 01 00") })
    }

    private static let calloutConfiguration: ByteString = """
        qualify_domain = example.org
        trusted_users = root
        acl_not_smtp = accept
        acl_smtp_rcpt = check
        begin acl
        check:
          require verify = recipient/callout=5s,no_cache
          accept
        begin routers
        remote:
          driver = manualroute
          route_list = * 127.0.1.2
          transport = smtp
        begin transports
        smtp:
          driver = smtp
          port = WIREPORT
          socks_proxy = 127.0.2.1 port=WIREPORT
        """
}
