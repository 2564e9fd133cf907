import Bytes
import Foundation
import Glibc
import Synchronization
import TestKit
import Testing

/// What is asked of clients' hosts, and what is watched of connections.
extension ReceptionTests {
    /// A host's answers to RFC 1413 queries, by the last octet of its address; the ports stand at the beginning.
    private static let identities: [(octet: UInt32, answer: @Sendable (ByteString) -> ByteString?)] = [
        (1, { "\($0) : USERID : UNIX : stjohns\r\n" }),
        (2, { "\($0) : ERROR : NO-USER\r\n" }),
        (3, { _ in "1 , 2 : USERID : UNIX : somebody\r\n" }),
        (4, { "\($0) : USERID : OTHER ,US-ASCII :  two words: and more\r\n" }),
        (5, { _ in "what?\r\n" }),
        (6, { _ in nil }),
        (7, { "\($0):USERID:UNIX:\(ByteString([UInt8](repeating: 0x78, count: 300)))\r\n" }),
    ]

    @Test("AUX-17: rfc1413_hosts are asked who their user is, and the answer counts as with Exim")
    func ident() async throws {
        // Addresses that no other test listens on.
        let network = 0x7F40_0000 | UInt32(getpid() & 0x3FFF) << 8
        let host = try IdentHost(Self.identities.map { (network + $0.octet, $0.answer) })
        defer { host.stop() }
        let steps = """
            C: EHLO client.example.net
            C: MAIL FROM:<a@example.net>
            C: RCPT TO:<b@example.org>
            C: DATA
            D: Subject: x
            D: 
            D: body
            C: .
            C: QUIT

            """
        // The last one is not asked, and nobody answers for the one before.
        let octets = Self.identities.map(\.octet) + [8]
        let scripts = try octets.flatMap {
            try Script.parse("== \(ByteString("\($0)"))\n\(ByteString(steps))")
        }
        let clients = zip(octets, scripts).map { Client($1, from: network + $0) }
        let configuration: ByteString = """
            queue_only
            smtp_accept_max = 100
            smtp_banner = $smtp_active_hostname ESMTP ready
            received_header_text = Received: ${if def:sender_rcvhost {from $sender_rcvhost\\n\\t}}id $message_exim_id
            rfc1413_hosts = *
            rfc1413_query_timeout = 2s
            acl_smtp_rcpt = accept
            begin acl

            """
        let wanted = try await Self.hold(clients, Server(configuration, isExim: true))
        let found = try await Self.hold(clients, Server(configuration, isExim: false))
        for script in scripts {
            let difference = KnownDifferences.between(wanted[script.title] ?? [], found[script.title] ?? [])
            #expect(difference == [], "\(script.title): \(difference.joined(separator: "\n"))")
        }
        #expect(found["1"]?.contains { $0.contains("U=stjohns") } ?? false)
    }

    private static func hold(_ clients: [Client], _ server: Server) async throws -> [String: [String]] {
        let heard = try await withThrowingTaskGroup(of: (String, [String]).self) { group in
            for client in clients { group.addTask { try await client.hold(server.port) } }
            return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
        server.daemon.signal(SIGTERM)
        try server.daemon.wait(within: 30)
        if server.isExim {
            try eventually("Exim's sessions have ended") { try ProcessGroup(server.daemon.number).isGone }
        }
        return try Traces(server.site, clients, heard).lines
    }

    /// Whether all threads of a process stand still: SIGSTOP comes to them one after the other.
    private static func hasStopped(_ process: Int32) throws -> Bool {
        let tasks = "/proc/\(process)/task"
        return try FileManager.default.contentsOfDirectory(atPath: tasks).allSatisfy { task in
            let stat = try String(contentsOfFile: "\(tasks)/\(task)/stat", encoding: .utf8)
            // The state stands behind the name in brackets.
            return stat.split(separator: ") ").last?.first == "T"
        }
    }

    @Test("smtp_backlog_monitor tells of the connections that wait, as Exim does")
    func backlog() throws {
        func lines(isExim: Bool) throws -> [String] {
            let server = try Server(
                "smtp_backlog_monitor = 2\nqueue_only\nacl_smtp_rcpt = accept\nbegin acl\n", isExim: isExim)
            defer { server.daemon.kill() }
            let busy = try SMTPDialogue(port: server.port)
            _ = try busy.reply()
            server.daemon.signal(SIGSTOP)
            try eventually("every thread has stopped") { try Self.hasStopped(server.daemon.number) }
            let waiting = try (0..<5).map { _ in try SMTPDialogue(port: server.port) }
            server.daemon.signal(SIGCONT)
            for dialogue in waiting { _ = try dialogue.reply() }
            // Exim's processes write their lines in any order.
            return try server.site.log().filter { $0.contains("listen backlog") }.map { masked($0) }.sorted()
        }
        let wanted = try lines(isExim: true)
        #expect(wanted.count == 3)
        let found = try lines(isExim: false)
        #expect(found == wanted)
    }

    @Test(
        "While a file of queue_only_file with smtp before it is there, remote deliveries wait, and local ones do not"
    )
    func remoteDeliveriesWait() throws {
        func outcome(isExim: Bool) throws -> [String] {
            let wire = try WireServer()
            let server = try Server(
                """
                queue_only_file = smtp\(ByteString("SITE/hold")) : /nonexistent/file
                received_header_text = Received: by $primary_hostname id $message_exim_id
                acl_smtp_rcpt = accept
                begin acl
                \(Self.twoWays(wire))
                """, isExim: isExim, queueOnly: false)
            defer { server.daemon.kill() }
            let site = server.site
            try site.directory.write("", to: "hold")
            let dialogue = try SMTPDialogue.greeted(port: server.port)
            try dialogue.message(
                from: "a@example.net", to: ["b@example.org", "c@example.com"], "Subject: x\n\nx\n")
            try eventually("the local one is delivered, and the other put off") {
                try site.delivered().count == 1 && site.log().contains { $0.contains(" == ") }
            }
            #expect(wire.transactions.isEmpty)
            try FileManager.default.removeItem(atPath: site.directory.file("hold").string)
            // Exim keeps in mind for the session that there was a file.
            let next = try SMTPDialogue.greeted(port: server.port)
            try next.message(from: "a@example.net", to: ["d@example.com"], "Subject: y\n\ny\n")
            try eventually("another one is sent") {
                wire.transactions.contains { $0.recipients == ["d@example.com"] }
            }
            return try site.log().filter { $0.contains(" == ") }.map { masked($0) }
        }
        #expect(try outcome(isExim: false) == outcome(isExim: true))
    }

    private static func twoWays(
        _ wire: WireServer, box: ByteString = "maildir_format\n  directory = MAIL/box"
    ) -> ByteString {
        """
        begin routers
        here:
          driver = accept
          domains = example.org
          transport = box
        there:
          driver = manualroute
          route_list = * 127.0.0.1
          self = send
          transport = wire
        begin transports
        box:
          driver = appendfile
          \(box)
          user = \(MailSite.user)
        wire:
          driver = smtp
          hosts_try_chunking =
          port = \(ByteString("\(wire.port)"))

        """
    }

    @Test("What spool_wireformat leaves on the spool an Exim delivers, and what Exim leaves we deliver")
    func wireFormat() throws {
        // Exim 4.96 delivers such a message to a maildir or a pipe without its body, also when it has received it itself.
        let wire = try WireServer()
        let configuration: ByteString = """
            spool_wireformat
            queue_only
            received_header_text = Received: by $primary_hostname id $message_exim_id
            acl_smtp_rcpt = accept
            begin acl
            \(Self.twoWays(wire, box: "file = MAIL/box"))
            """
        for isExim in [true, false] {
            let server = try Server(configuration, isExim: isExim)
            let dialogue = try SMTPDialogue.greeted(port: server.port)
            try dialogue.expect(250, dialogue.say("MAIL FROM:<a@example.net>"))
            for address in ["b@example.org", "c@example.com"] as [ByteString] {
                try dialogue.expect(250, dialogue.say("RCPT TO:<\(address)>"))
            }
            let text: ByteString = "Subject: x\r\n\r\none\r\n.two\r\n\r\nthree\r\n"
            try dialogue.send("BDAT \(text.count) LAST\r\n" + text)
            try dialogue.expect(250, dialogue.reply())
            server.daemon.kill()
            let id = try #require(server.site.queue.first)
            #expect(try server.site.spoolFile(id, "H").contains(ByteString("\n-spool_file_wireformat\n")))
            #expect(try server.site.spoolFile(id, "D").ends(with: ByteString("\r\n\r\nthree\r\n")))
            wire.forget()
            if isExim {
                try server.site.run("bobbin-queuerunner", "--force")
            } else {
                try server.site.exim("-qf")
            }
            #expect(server.site.queue == [])
            let body: ByteString = "\n\none\n.two\n\nthree\n"
            #expect(try server.site.directory.read("mail/box").ends(with: body + ByteString("\n")))
            let sent = try #require(wire.transactions.first?.message)
            #expect(sent.replacing(ByteString("\r\n"), with: ByteString("\n")).ends(with: body), "\(sent)")
            #expect(!sent.contains(ByteString("\r\r")))
        }
    }
}

/// Answers queries by RFC 1413 at some loopback addresses.
private final class IdentHost: Sendable {
    private let listeners: [LoopbackListener]

    init(_ answers: [(host: UInt32, answer: @Sendable (ByteString) -> ByteString?)]) throws {
        let listeners = try answers.map { try LoopbackListener(port: 113, host: $0.host) }
        self.listeners = listeners
        let replies = answers.map(\.answer)
        // Those who are not answered stay connected.
        let silent = Mutex<[LoopbackStream]>([])
        Thread.detachNewThread {
            while let (place, stream) = LoopbackListener.next(of: listeners) {
                guard let ports = try? stream.readLine() else { continue }
                if let answer = replies[place](ByteString(ports.trimmed())) {
                    try? stream.write(answer)
                } else {
                    silent.withLock { $0.append(stream) }
                }
            }
        }
    }

    func stop() { for listener in listeners { listener.stop() } }
}
