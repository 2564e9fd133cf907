import Bytes
import Glibc
import TestKit
import Testing

extension SystemTests.Reception {
    /// What one message left behind, with ids and times hidden.
    struct Trace: Equatable {
        let header: String
        let data: String
        let messageLog: String
    }

    /// What a session left behind.
    struct Outcome: Equatable {
        let replies: [String]
        let traces: [Trace]
        let log: [String]
    }

    static func outcome(_ site: MailSite, replies: [String]) throws -> Outcome {
        let traces = try site.queue.map { id in
            Trace(
                header: masked(try site.spoolFile(id, "H")), data: masked(try site.spoolFile(id, "D")),
                messageLog: masked(try site.directory.read("spool/msglog/\(ByteString(id))")))
        }
        let log = try site.log().map { masked($0) }.filter {
            // Words at the start of a program, which are each program's own.
            !$0.contains("daemon started") && !$0.contains("options that have no effect yet")
        }
        return Outcome(replies: replies, traces: traces, log: log)
    }

    static let data: ByteString = """
          warn    set acl_m_spam = no
                  set acl_c0 = ${length_4:$sender_helo_name}
                  add_header = X-Checked: by $primary_hostname
          accept

        """

    @Test(
        "AUX-17: the same SMTP session leaves the same -H, -D, message log and log line as with Exim",
        arguments: Conversation.all)
    func sameFiles(conversation: Conversation) throws {
        let text = configuration(data: Self.data)
        let exim = try MailSite(text)
        let oracle = try exim.eximDaemon()
        let wanted = try Self.outcome(exim, replies: conversation.hold(port: oracle.port))
        oracle.daemon.kill()

        let bobbin = try MailSite(text)
        let receiver = try bobbin.receiver()
        let found = try Self.outcome(bobbin, replies: conversation.hold(port: receiver.port))
        receiver.daemon.kill()

        #expect(difference(found.replies, wanted.replies) == nil)
        #expect(difference(found.log, wanted.log) == nil)
        #expect(found.traces.count == wanted.traces.count)
        for (one, other) in zip(found.traces, wanted.traces) {
            #expect(difference(one.header, other.header) == nil)
            #expect(difference(one.data, other.data) == nil)
            #expect(difference(one.messageLog, other.messageLog) == nil)
        }
    }

    @Test("A message from swaks with an attachment lies in the spool as Exim would have put it there")
    func swaks() throws {
        let swaks = try Program("swaks", package: "swaks")
        func send(_ site: MailSite, _ port: Int) throws {
            let part = try site.directory.write(ByteString(repeating: 0x41, 200_000), to: "part.bin")
            try swaks.run([
                "--server", "127.0.0.1", "--port", "\(port)", "--from", "alice@example.net",
                "--to", "bob@example.org,dave@example.com", "--helo", "client.example.net",
                "--header", "Message-Id: <swaks@example.net>", "--header",
                "Date: Mon, 16 Nov 2026 10:00:00 +0000",
                "--body", "as text", "--attach", "@\(part)",
            ])
        }
        let exim = try MailSite(configuration())
        let oracle = try exim.eximDaemon()
        try send(exim, oracle.port)
        let bobbin = try MailSite(configuration())
        let receiver = try bobbin.receiver()
        try send(bobbin, receiver.port)

        func envelope(_ site: MailSite) throws -> String {
            let id = try #require(site.queue.first)
            // swaks makes the boundary of its process id, which has four digits or more; so has the line its length.
            return masked(try site.spoolFile(id, "H"))
                .replacing(/[0-9]{3}(  Content-Type: multipart.*MIME_BOUNDARY_)[0-9_]+/) {
                    "<n>\($0.1)<boundary>"
                }
        }
        let difference = try difference(envelope(bobbin), envelope(exim))
        #expect(difference == nil, "\(difference ?? "")")
    }

    @Test("Files on the spool have the owner and the mode that an Exim demands")
    func ownership() throws {
        let site = try MailSite(configuration())
        let receiver = try site.receiver()
        let dialogue = try SMTPDialogue.greeted(port: receiver.port)
        try dialogue.expect(250, dialogue.message(from: "a@example.net", to: ["b@example.org"], "\nx\n"))
        let files = ["input", "msglog"].flatMap { folder in
            site.names(in: "spool/\(ByteString(folder))").map { "\(folder)/\($0)" }
        }
        #expect(files.count == 3)
        for name in files {
            #expect(try site.access(to: "spool/\(ByteString(name))") == "\(MailSite.user) 640", "\(name)")
        }
    }

    @Test("Forty sessions at once each get their own messages onto the spool")
    func manySessions() async throws {
        let site = try MailSite(bobbin: "", configuration())
        let receiver = try site.receiver()
        let port = receiver.port
        let sent = try await withThrowingTaskGroup(of: Int.self) { group in
            for session in 0..<40 {
                group.addTask {
                    let dialogue = try SMTPDialogue.greeted(port: port)
                    for number in 0..<5 {
                        let text: ByteString = "Subject: \(session)-\(number)\n\nbody \(session)-\(number)\n"
                        try dialogue.expect(
                            250, dialogue.message(from: "a@example.net", to: ["b@example.org"], text))
                    }
                    return 5
                }
            }
            return try await group.reduce(0, +)
        }
        try eventually("all files are there") { site.queue.count >= sent }
        #expect(site.queue.count == sent)
        #expect(Set(site.queue).count == sent)
    }

    @Test("A stop lets the running transaction finish, and takes no new one")
    func gracefulStop() throws {
        let site = try MailSite(configuration())
        let receiver = try site.receiver()
        let dialogue = try SMTPDialogue.greeted(port: receiver.port)
        try dialogue.expect(250, dialogue.say("MAIL FROM:<alice@example.net>"))
        try dialogue.expect(250, dialogue.say("RCPT TO:<bob@example.org>"))
        try dialogue.expect(354, dialogue.say("DATA"))
        try dialogue.send("Subject: half\r\n\r\nthe first half\r\n")
        receiver.daemon.signal(SIGTERM)
        try eventually("the receiver listens no more") {
            do {
                let other = try SMTPDialogue(port: receiver.port)
                return try other.reply().code == 421
            } catch { return true }
        }
        let reply = try dialogue.finish("the second half\n")
        #expect(reply.code == 250)
        #expect(try receiver.daemon.wait(within: 30).code == 0)
        let id = try #require(site.queue.first)
        #expect(try site.spoolFile(id, "D").contains(ByteString("the first half\nthe second half\n")))
        #expect(try site.log().contains { $0.contains("<= alice@example.net") })
    }
}
