import Bytes
import Foundation
import Glibc
import TestKit
import Testing

extension RobustnessTests.Limits {
    @Test(
        "A full disk: the message that does not fit gets 4xx, those before are whole, and those after come in"
    )
    func fullDisk() throws {
        let site = try MailSite(
            RobustnessSite.configuration(main: "check_spool_space = 0\ncheck_log_space = 0\n"))
        site.expectTrouble()
        let disk = try SmallDisk(site.directory.file("spool"), size: "1m")
        defer { withExtendedLifetime(disk) {} }
        try MailSite.give(site.directory.file("spool"))
        let receiver = try site.receiver("--queue-only")
        let sender = Sender(site, port: receiver.port)
        try sender.sendsOne("before")
        // In the middle of one message.
        let before = Set(site.names(in: "spool/input"))
        let (_, large) = sender.send(size: 1_300_000)
        #expect([.refused(451), .refused(452)].contains(large))
        #expect(Set(site.names(in: "spool/input")) == before)
        #expect(try site.bothLogs().contains { $0.contains("No space left on device") })
        try sender.sendsOne("after the large one")
        // One after the other, until there is no room.
        var accepted: [(id: String, token: String)] = []
        filling: for _ in 0..<100 {
            let (token, answer) = sender.send(size: 30_000)
            switch answer {
            case .accepted(let id): accepted.append((id, token))
            case .refused(let code):
                #expect((400...499).contains(code))
                break filling
            case .closed: throw Problem("the connection ended")
            }
        }
        #expect((5..<100).contains(accepted.count))
        for (id, token) in accepted { try sender.expectWhole(id, token, "the disk is full") }
        try sender.remove(try #require(accepted.first).id)
        for _ in 0..<3 { try sender.sendsOne("there is room again") }
        // With no room at all, what is there is delivered, once.
        try site.people(boxes: ["b"])
        try disk.fill()
        let runner = try site.run("bobbin-queuerunner", "--force")
        #expect(runner.code == 0)
        try disk.empty()
        // The disk is still nearly full: some messages find no room for their journals until others have gone.
        for _ in 0..<5 where !site.queue.isEmpty {
            #expect(try site.run("bobbin-queuerunner", "--force").code == 0)
        }
        let log = try site.log().suffix(60).joined(separator: "\n")
        #expect(site.queue == [], "\(log)")
        let box = try site.directory.read("mail/b")
        for (_, token) in accepted.dropFirst() {
            #expect(box.ranges(of: ByteString("\nbegin \(token)\n")).count == 1, "\(token)")
        }
    }

    @Test("Before descriptors run out newcomers are told 421, and every session in progress gets its 250")
    func descriptors() throws {
        let site = try MailSite(RobustnessSite.configuration())
        site.expectTrouble()
        let receiver = try site.receiver("--queue-only", through: ["/usr/bin/prlimit", "--nofile=220:220"])
        var sessions: [SMTPDialogue] = []
        while sessions.count < 220 {
            let dialogue = try SMTPDialogue(port: receiver.port)
            let greeting = try dialogue.reply()
            if greeting.code == 421 { break }
            try dialogue.expect(220, greeting)
            sessions.append(dialogue)
        }
        #expect((10..<220).contains(sessions.count))
        #expect(try site.log().contains { $0.contains("refused: too few file descriptors") })
        // All of them are in the middle of a message at the same moment.
        let text = Letter.text("tight")
        for session in sessions {
            try session.expect(250, session.say("EHLO x"))
            try session.expect(250, session.say("MAIL FROM:<a@example.net>"))
            try session.expect(250, session.say("RCPT TO:<b@example.org>"))
            try session.expect(354, session.say("DATA"))
            try session.send(SMTPDialogue.onTheWire(text))
        }
        for _ in 0..<30 {
            #expect(try SMTPDialogue(port: receiver.port).reply().code == 421)
        }
        for session in sessions {
            try session.send(".\r\n")
            try session.expect(250, session.reply())
        }
        #expect(site.queue.count == sessions.count)
        #expect(try site.log("panic") == [])
        sessions = []
        try eventually("newcomers are served again") {
            try SMTPDialogue(port: receiver.port).reply().code == 220
        }
        let sender = Sender(site, port: receiver.port)
        for _ in 0..<3 { try sender.sendsOne("there are descriptors again") }
        #expect(receiver.daemon.isRunning)
    }

    @Test("A limit of the size of files refuses the message that passes it, and ends no program")
    func fileSize() throws {
        let site = try MailSite(RobustnessSite.configuration())
        site.expectTrouble()
        try site.people(boxes: ["b"])
        let receiver = try site.receiver("--queue-only", through: ["/usr/bin/prlimit", "--fsize=100000"])
        let sender = Sender(site, port: receiver.port)
        let (_, large) = sender.send(size: 300_000)
        #expect(large == .refused(451))
        #expect(try site.bothLogs().contains { $0.contains("File too large") })
        try sender.sendsOne("a small one")
        // The same for a mailbox.
        let open = try site.receiver("--queue-only")
        let (token, answer) = Sender(site, port: open.port).send(size: 300_000)
        guard case .accepted = answer else { throw Problem("\(answer)") }
        let tight = try site.start(
            "bobbin-queuerunner", ["--force"], through: ["/usr/bin/prlimit", "--fsize=100000"])
        #expect(try tight.wait().code == 0)
        #expect(site.queue.count == 1)
        #expect(try site.log().contains { $0.contains("== b@example.org") && $0.contains("File too large") })
        #expect(try site.run("bobbin-queuerunner", "--force").code == 0)
        #expect(site.queue == [])
        let box = try site.directory.read("mail/b")
        #expect(box.ranges(of: ByteString("begin \(token)\n")).count == 1 && Letter.isWhole(box, token))
    }
}

/// A file system in memory of a given size, mounted for as long as the value lives.
final class SmallDisk: Sendable {
    private let path: ByteString

    init(_ path: ByteString, size: String) throws {
        self.path = path
        try Program("mount", package: "mount").run(
            ["-t", "tmpfs", "-o", "size=\(size),mode=0755", "none", path.string])
    }

    deinit {
        // A program that has just been killed can still hold it for a moment.
        unsafe _ = umount2(path.string, 2)
    }

    /// Takes all the room that is left.
    func fill() throws {
        let descriptor = unsafe open("\(path)/filling", O_WRONLY | O_CREAT | O_APPEND, 0o600)
        guard descriptor >= 0 else { throw Problem("cannot fill \(path): error \(errno)") }
        defer { close(descriptor) }
        for size in [65536, 4096, 1] {
            let block = [UInt8](repeating: 0, count: size)
            while unsafe write(descriptor, block, size) > 0 {}
        }
    }

    /// Gives it back.
    func empty() throws {
        guard unsafe unlink("\(path)/filling") == 0 else { throw Problem("unlink: error \(errno)") }
    }
}
