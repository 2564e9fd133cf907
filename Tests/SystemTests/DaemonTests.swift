import Bytes
import Foundation
import Glibc
import TestKit
import Testing

/// The daemon and its queue runner over configurations that change and processes that die.
extension SystemTests.RunControl {
    private static let waiting = 120

    private static func greeting(_ port: Int) throws -> String {
        let dialogue = try SMTPDialogue(port: port)
        let text = Latin1.text(try dialogue.reply().lines.joined(separator: " "))
        _ = try dialogue.say("QUIT")
        return text
    }

    private static func send(_ port: Int, to recipient: String) throws {
        let dialogue = try SMTPDialogue(port: port)
        _ = try dialogue.reply()
        for line in ["EHLO client.example", "MAIL FROM:<a@example.org>", "RCPT TO:<\(recipient)>", "DATA"] {
            _ = try dialogue.say(ByteString(line))
        }
        #expect(try dialogue.say("Subject: x\r\n\r\nhello\r\n.").code == 250)
        _ = try dialogue.say("QUIT")
    }

    /// Changes Bobbin's configuration of a site.
    private static func edit(_ site: MailSite, _ old: String, _ new: String) throws {
        let text = Latin1.text(try site.directory.read("bobbin.conf"))
        try #require(text.contains(old))
        try site.directory.write(ByteString(text.replacing(old, with: new)), to: "bobbin.conf")
    }

    /// The processes that a process has started, from /proc.
    private static func children(of parent: Int32) throws -> [Int32] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { Int32($0) }.filter {
            number in
            guard let status = FileManager.default.contents(atPath: "/proc/\(number)/status") else {
                return false
            }
            return String(bytes: status, encoding: .utf8)?.contains("\nPPid:\t\(parent)\n") ?? false
        }
    }

    private static func site() throws -> MailSite {
        let text = configuration(main: "smtp_banner = first banner\n")
        let delivering = Latin1.text(text).replacing("queue_only\n", with: "")
        return try MailSite(ByteString(delivering))
    }

    @Test(
        "A message that an ACL puts into a named queue is delivered at once, out of that queue, as with Exim",
        .timeLimit(.minutes(5)), arguments: ["Exim's daemon", "our daemon", "our session on standard input"])
    func namedQueue(server: String) throws {
        let text = Latin1.text(configuration()).replacing("queue_only\n", with: "")
        let rule = "  accept  domains = +local_domains\n"
        try #require(text.contains(rule))
        let site = try MailSite(ByteString(text.replacing(rule, with: "  warn    queue = slow\n\(rule)")))
        if server == "our session on standard input" {
            let dialogue: ByteString = """
                EHLO client.example\r
                MAIL FROM:<a@example.org>\r
                RCPT TO:<b@example.org>\r
                DATA\r
                Subject: x\r
                \r
                hello\r
                .\r
                QUIT\r

                """
            _ = try site.run("bobbin", "exim", "-bs", input: dialogue)
        } else {
            let (daemon, port) = try server == "our daemon" ? site.receiver() : site.eximDaemon("-q1h")
            try Self.send(port, to: "b@example.org")
            try eventually("the message is delivered") { try site.delivered().count == 1 }
            daemon.kill()
        }
        try eventually("the message is delivered, and gone") {
            try site.delivered().count == 1 && site.log().contains { $0.hasSuffix(" Completed") }
        }
        #expect(try site.log().contains { $0.contains(" => b <b@example.org> Q=slow R=local T=maildir") })
        #expect(site.names(in: "spool/slow/input").isEmpty)
    }

    @Test(
        "SIGHUP makes a daemon read its configuration anew, with the same process, sockets and sessions",
        .timeLimit(.minutes(5)))
    func configurationAnew() throws {
        let site = try Self.site()
        let (daemon, port) = try site.receiver()
        let session = try SMTPDialogue(port: port)
        #expect(try session.reply().lines == ["first banner"])
        try Self.edit(site, "first banner", "second banner")
        try Self.edit(site, "MAIL/all", "MAIL/other")
        daemon.signal(SIGHUP)
        try eventually("the daemon has begun anew", within: Self.waiting) {
            try site.log().count { $0.contains("daemon started: pid=\(daemon.number), ") } == 2
        }
        #expect(
            try site.log().contains { $0.hasSuffix("pid \(daemon.number): SIGHUP received: re-exec daemon") })
        #expect(try Self.greeting(port).contains("second banner"))
        // The session that was open goes on.
        #expect(try session.say("NOOP").code == 250)
        _ = try session.say("QUIT")
        try Self.send(port, to: "bob@example.org")
        try eventually("the runner delivers as the new configuration has it", within: Self.waiting) {
            site.names(in: "mail/other/new").count == 1
        }
        daemon.signal(SIGTERM)
        #expect(try daemon.wait().code == 0)
        #expect(site.queue.isEmpty)
    }

    @Test(
        "A configuration that cannot be used changes nothing at SIGHUP, and the log says why",
        .timeLimit(.minutes(5)))
    func brokenConfiguration() throws {
        let site = try Self.site()
        let (daemon, port) = try site.receiver()
        try eventually("the runner has read its configuration", within: Self.waiting) {
            try site.run("bobbin", "status").output.contains(ByteString("delivering for the daemon"))
        }
        try Self.edit(site, "smtp_banner = first banner", "no_such_option = 7")
        daemon.signal(SIGHUP)
        try eventually("the daemon has told of it", within: Self.waiting) {
            try site.log("panic").contains {
                $0.contains("the new configuration is not used, the old one stays: ")
                    && $0.contains("no_such_option")
            }
        }
        #expect(try Self.greeting(port).contains("first banner"))
        try Self.send(port, to: "bob@example.org")
        try eventually("mail is delivered still", within: Self.waiting) {
            site.names(in: "mail/all/new").count == 1
        }
        daemon.signal(SIGTERM)
        #expect(try daemon.wait().code == 0)
    }

    @Test(
        "A daemon's queue runner that is killed has a successor, which delivers what is new",
        .timeLimit(.minutes(5)))
    func killedRunner() throws {
        let site = try Self.site()
        let (daemon, port) = try site.receiver()
        // Never tried: as if it had been handed to the runner that is killed.
        try site.exim("-odq", "-f", "a@example.org", "early@example.org", input: "Subject: early\n\nhello\n")
        let keeper = try #require(try Self.children(of: daemon.number).first)
        try eventually("the runner runs", within: Self.waiting) { try Self.children(of: keeper).count == 1 }
        let runner = try #require(try Self.children(of: keeper).first)
        #expect(kill(runner, SIGKILL) == 0)
        try eventually("another runs", within: Self.waiting) {
            try site.log("panic").contains {
                $0.hasSuffix(
                    "the queue runner (pid \(runner)) was killed by signal 9; another takes its place")
            }
        }
        try Self.send(port, to: "late@example.org")
        try eventually("both are delivered", within: Self.waiting) {
            site.names(in: "mail/all/new").count == 2
        }
        daemon.signal(SIGTERM)
        #expect(try daemon.wait().code == 0)
        #expect(try Self.children(of: keeper).isEmpty)
    }

    @Test(
        "Nothing is left of a daemon that was killed, even where its runner cannot be replaced",
        .timeLimit(.minutes(5)))
    func killedDaemon() throws {
        let site = try Self.site()
        let (daemon, _) = try site.receiver()
        let keeper = try #require(try Self.children(of: daemon.number).first)
        try eventually("the runner runs", within: Self.waiting) { try Self.children(of: keeper).count == 1 }
        let runner = try #require(try Self.children(of: keeper).first)
        try FileManager.default.removeItem(atPath: site.directory.file("bobbin.conf").string)
        #expect(kill(runner, SIGKILL) == 0)
        daemon.kill()
        try eventually("the keeper has ended", within: Self.waiting) {
            !FileManager.default.fileExists(atPath: "/proc/\(keeper)")
        }
    }

    @Test("With -odqs what is local is delivered at once, and the rest waits, as with Exim")
    func localAtOnce() throws {
        func lines(_ start: (MailSite, [String], ByteString) throws -> ChildProcess) throws -> [String] {
            let site = try Self.site()
            // Exim delivers in a process of the same group, which ends with this value.
            let submission = try start(
                site, ["-odqs", "-f", "a@example.org", "bob@example.org", "carol@example.com"],
                "Subject: x\n\nhello\n")
            defer { withExtendedLifetime(submission) {} }
            let ending = try submission.wait()
            #expect(ending.code == 0, "\(ending.errors)")
            try eventually("the delivery is over", within: Self.waiting) {
                try site.log().contains { $0.contains("== carol@") }
                    && !site.names(in: "spool/input").contains { $0.hasSuffix("-J") }
            }
            #expect(site.names(in: "mail/all/new").count == 1)
            return try site.log().filter { $0.contains("=>") || $0.contains("==") }.map {
                String($0.dropFirst(37))
            }
        }
        let wanted = try lines { site, words, input in try site.start(exim: words, input: input) }
        let found = try lines { site, words, input in
            try site.start("bobbin", ["exim"] + words, input: input)
        }
        #expect(difference(found, wanted) == nil)
    }

    @Test("No more runs than queue_run_max are made at one time", arguments: [1, 2])
    func runMax(maximum: Int) throws {
        let gate = Gate()
        gate.close()
        let wire = try WireServer { step in
            if step.verb == "CONNECT" { gate.pass() }
            return nil
        }
        defer { gate.open() }
        // Each run has a message of its own to wait for.
        let site = try MailSite(configuration(wire: wire.port, main: "queue_run_max = \(maximum)\n"))
        let daemon = try site.start("bobbin", ["exim", "-q1s"])
        for number in 1...maximum + 1 {
            try site.exim(
                "-odq", "-f", "a@example.org", "u\(number)@example.com", input: "Subject: x\n\nhello\n")
            guard number <= maximum else { break }
            try eventually("a run waits for the server", within: Self.waiting) {
                wire.mostConnections == number
            }
        }
        // Time for a run that should not be.
        usleep(2_500_000)
        gate.open()
        try eventually("all is delivered", within: Self.waiting) { wire.transactions.count == maximum + 1 }
        daemon.signal(SIGTERM)
        #expect(try daemon.wait().code == 0)
        var (open, most) = (0, 0)
        for line in try site.log() {
            if line.contains("Start queue run") { open += 1 }
            if line.contains("End queue run") { open -= 1 }
            most = max(most, open)
        }
        #expect(most == maximum)
    }

    @Test("A run in order begins with the oldest message, and one host gets its messages so")
    func inOrder() throws {
        let wire = try WireServer()
        let site = try MailSite(
            configuration(
                wire: wire.port, main: "queue_run_in_order\n",
                remote: "  max_parallel = 1\n"))
        for number in 0..<12 {
            try site.exim(
                "-odq", "-f", "a@example.org", "u\(number)@example.com", input: "Subject: x\n\nhello\n")
        }
        #expect(try site.run("bobbin", "exim", "-q").code == 0)
        #expect(wire.transactions.count == 12)
        #expect(wire.mostConnections == 1)
    }

    @Test("A message that another process has is left to it, and the log says so as Exim's does")
    func locked() throws {
        let gate = Gate()
        gate.close()
        let wire = try WireServer { step in
            if step.verb == "CONNECT" { gate.pass() }
            return nil
        }
        defer { gate.open() }
        let site = try MailSite(configuration(wire: wire.port))
        try site.exim("-odq", "-f", "a@example.org", "u@example.com", input: "Subject: x\n\nhello\n")
        let id = try #require(site.queue.first)
        let holder = try site.start("bobbin", ["exim", "-M", id])
        try eventually("the message is on the wire", within: Self.waiting) { gate.isWaitedFor }
        func lines(of run: () throws -> ChildProcess.Ending) throws -> [String] {
            let before = try site.log().count
            #expect(try run().code == 0)
            return try site.log().dropFirst(before).filter { !$0.contains("queue run: pid") }
                .map { String($0.dropFirst(20)) }.filter { !$0.contains("lost privilege") }
        }
        for words in [["-q"], ["-q", id, id], ["-M", id], ["-Mc", id]] {
            let wanted = try lines { try site.start(exim: words).wait() }
            let found = try lines { try site.start("bobbin", ["exim"] + words).wait() }
            #expect(Set(found) == Set(wanted), "\(words)")
            #expect(!found.isEmpty)
        }
        gate.open()
        #expect(try holder.wait().code == 0)
        #expect(site.queue.isEmpty)
    }

    @Test("A daemon waits for a port that is taken, gives up in time, and says both in Exim's words")
    func takenPort() throws {
        let other = try WireServer()
        func lines(_ start: (MailSite, [String]) throws -> ChildProcess) throws -> [String] {
            let site = try MailSite(
                configuration(
                    main: """
                        daemon_startup_retries = 2
                        daemon_startup_sleep = 1s
                        local_interfaces = 127.0.0.1.\(other.port)

                        """))
            #expect(try start(site, ["-bdf"]).wait().code != 0)
            return try ["main", "panic"].flatMap { log in
                try site.log(log).filter { $0.contains("bind") }.map { "\(log): \($0.dropFirst(20))" }
            }
        }
        let wanted = try lines { site, words in try site.start(exim: words) }
        #expect(wanted.count == 4)
        let found = try lines { site, words in try site.start("bobbin", ["exim"] + words) }
        #expect(found == wanted)
    }

    @Test("A daemon on the site's own ports keeps its number in pid_file_path, as long as it runs")
    func processNumber() throws {
        let port = try freePort()
        let site = try MailSite(
            configuration(
                main: "pid_file_path = SITE/log/$primary_hostname.pid\nlocal_interfaces = 127.0.0.1.\(port)\n"
            ))
        let file = "log/mail.example.org.pid" as ByteString
        for words in [["-bdf"], ["-q5m"]] {
            let daemon = try site.start("bobbin", ["exim"] + words)
            try eventually("the number is there", within: Self.waiting) {
                (try? site.directory.read(file)) == ByteString("\(daemon.number)\n")
            }
            daemon.signal(SIGTERM)
            #expect(try daemon.wait().code == 0)
            #expect((try? site.directory.read(file)) == nil)
        }
    }
}
