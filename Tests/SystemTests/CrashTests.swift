import Bytes
import Foundation
import Synchronization
import TestKit
import Testing

extension SystemTests.Crash {
    /// The message that carries a token, with an end that tells a whole body from a cut one.
    static func text(_ token: String) -> ByteString {
        "Subject: \(token)\n\nbegin \(token)\n\(ByteString(repeating: 0x79, 3000))\nend \(token)\n"
    }

    @Test(
        "A receiver killed at any instant has every message on the spool that it said yes to, and none half visible",
        arguments: ["short", "long"])
    func killedReceiver(format: String) throws {
        var random = SeededGenerator(seed: 1999)
        let site = try MailSite(bobbin: "message_id_format = \(ByteString(format))\n", configuration())
        let accepted = Mutex(Set<String>())
        for round in 0..<8 {
            let receiver = try site.receiver()
            let group = DispatchGroup()
            for client in 0..<6 {
                Thread.detachNewThread(in: group) {
                    Self.send(to: receiver.port, as: "\(round)-\(client)") { token in
                        accepted.withLock { _ = $0.insert(token) }
                    }
                }
            }
            let goal = accepted.withLock { $0.count } + Int.random(in: 1...60, using: &random)
            try eventually("some messages are accepted") { accepted.withLock { $0.count } >= goal }
            receiver.daemon.kill()
            group.wait()
        }
        // What was in the commit log only comes with the next start of a receiver or a run, or by this.
        let repair = try site.run("bobbin", "spool", "repair")
        #expect(repair.code == 0, "\(repair)")
        let wanted = accepted.withLock { $0 }
        var found: Set<String> = []
        for id in site.queue {
            let header = try site.spoolFile(id, "H")
            let data = try site.spoolFile(id, "D")
            let token = try #require(Self.token(header), "\(id)-H has no subject: \(header)")
            found.insert(token)
            #expect(data.starts(with: ByteString("\(id)-D\nbegin \(token)\n")), "\(id)")
            #expect(data.ends(with: ByteString("\nend \(token)\n")), "\(id)-D is cut")
        }
        #expect(wanted.subtracting(found) == [])
        if format == "short" {
            let listing = try site.exim("-bp").output
            #expect(!listing.contains(ByteString("***")), "\(listing)")
        }
        // What is left of receptions that had no answer yet: the next start lives with it.
        let receiver = try site.receiver()
        let dialogue = try SMTPDialogue.greeted(port: receiver.port)
        try dialogue.expect(
            250, dialogue.message(from: "a@example.net", to: ["b@example.org"], Self.text("after")))
    }

    /// Sends message after message until the server is gone.
    private static func send(to port: Int, as client: String, accepted: (String) -> Void) {
        do {
            let dialogue = try SMTPDialogue.greeted(port: port)
            for number in 0..<10_000 {
                let token = "\(client)-\(number)"
                let reply = try dialogue.message(from: "a@example.net", to: ["b@example.org"], text(token))
                if reply.code == 250 { accepted(token) }
            }
        } catch { /* the server was killed */  }
    }

    private static func token(_ header: ByteString) -> String? {
        guard let start = header.firstRange(of: ByteString("Subject: ")) else { return nil }
        return ByteString(header[start.upperBound...].prefix { $0 != .newline }).string
    }

    /// Ways to break the good `-H` of message `id`, and what they are.
    static let damages: [(name: String, break: @Sendable (ByteString) -> ByteString)] = [
        ("no octet at all", { _ in "" }),
        ("no recipients, which makes Exim delete the message", { $0.changed("\n1\nbob@", to: "\n0\nbob@") }),
        ("a negative count, which ends a listing of Exim's", { $0.changed("\n1\nbob@", to: "\n-1\nbob@") }),
        ("more recipients than Exim reads", { $0.changed("\n1\nbob@", to: "\n16385\nbob@") }),
        (
            "a parent that does not exist, which crashes Exim",
            { $0.changed("bob@example.org\n", to: "bob@example.org  0,0  0,99#3\n") }
        ),
        ("a cut end", { ByteString($0.dropLast(5)) }),
        ("octets after the end", { $0 + ByteString([0, 0, 0]) }),
        ("another message's first line", { ByteString("1aaaaa-000000-00-H") + $0.dropFirst(18) }),
    ]

    @Test("Damaged messages stay as they are, are logged once in a run, and keep nobody else waiting")
    func damaged() throws {
        let site = try MailSite(configuration())
        try site.exim("-odq", "-f", "alice@example.net", "bob@example.org", input: "Subject: x\n\nx\n")
        let model = try #require(site.queue.first)
        let header = try site.spoolFile(model, "H")
        let data = try site.spoolFile(model, "D")
        var files: [ByteString: ByteString] = [:]
        for (number, damage) in Self.damages.enumerated() {
            // An id of long ago: a queue run of Exim's would delete a broken file with such an id.
            let id = ByteString("1aaaaa-00000\(number)-01")
            func renamed(_ text: ByteString) -> ByteString { text.changed(ByteString(model), to: id) }
            files["spool/input/\(id)-D"] = renamed(data)
            files["spool/input/\(id)-H"] = damage.break(renamed(header))
            #expect(files["spool/input/\(id)-H"] != renamed(header), "\(damage.name)")
        }
        for (name, content) in files { try MailSite.give(site.directory.write(content, to: name)) }
        for run in 1...2 {
            #expect(try site.run("bobbin-queuerunner", "--force").code == 0)
            for (name, content) in files { #expect(try site.directory.read(name) == content) }
            let log = try site.log()
            for number in 0..<Self.damages.count {
                let lines = log.filter { $0.contains("1aaaaa-00000\(number)-01") }
                #expect(lines.count >= 1 && lines.count <= run, "\(Self.damages[number].name): \(lines)")
            }
        }
        #expect(try site.delivered().count == 1)
        #expect(!site.queue.contains(model))
        let listing = try site.run("bobbin", "exim", "-bp")
        #expect(listing.code == 0)
        for number in 0..<Self.damages.count {
            #expect(listing.output.contains(ByteString("1aaaaa-00000\(number)-01")))
        }
    }

    @Test("A journal left by a killed runner is honoured by the next one, Exim's or ours")
    func journals() throws {
        for killsBobbin in [true, false] {
            let gate = Gate()
            let wire = try WireServer { step in
                if step.verb == "MESSAGE", step.recipients.contains("second@example.net") { gate.pass() }
                return nil
            }
            // One connection at a time, and each recipient in a transaction of its own.
            let site = try MailSite(
                configuration(wire: wire.port, main: "", remote: "  max_rcpt = 1\n").changed(
                    "remote_max_parallel = 4", to: "remote_max_parallel = 1"))
            try site.exim(
                "-odq", "-f", "alice@example.net", "first@example.com", "second@example.net",
                input: "Subject: x\n\nx\n")
            gate.close()
            let victim =
                try killsBobbin ? site.start("bobbin-queuerunner", ["--force"]) : site.start(exim: ["-qf"])
            try eventually("the second recipient's delivery hangs") { gate.isWaitedFor }
            try eventually("the journal names the first, if the order was so") {
                wire.transactions.isEmpty || site.names(in: "spool/input").contains { $0.hasSuffix("-J") }
            }
            victim.kill()
            gate.open()
            let heir =
                try killsBobbin ? site.start(exim: ["-qf"]) : site.start("bobbin-queuerunner", ["--force"])
            #expect(try heir.wait().code == 0)
            #expect(site.queue == [])
            let served = wire.transactions.flatMap(\.recipients)
            #expect(served.filter { $0 == "first@example.com" }.count == 1)
            #expect(served.contains("second@example.net"))
        }
    }
}

extension Thread {
    /// Starts a thread, and counts it in a group until it ends.
    static func detachNewThread(in group: DispatchGroup, _ body: @escaping @Sendable () -> Void) {
        group.enter()
        detachNewThread {
            body()
            group.leave()
        }
    }
}
