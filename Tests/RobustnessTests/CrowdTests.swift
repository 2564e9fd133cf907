import Bytes
import Foundation
import Glibc
import Synchronization
import TestKit
import Testing

extension RobustnessTests.Crowds {
    /// How many clients are held.
    static let slow = 10_000
    /// The most memory of the receiver for each of them, in KiB, in a debug build.
    static let memoryOfOne = 64

    @Test(
        "10,000 slow clients are held while others are served, and are dropped with 421 when they fall silent"
    )
    func slowClients() throws {
        OpenFiles.allowMany()
        let site = try MailSite(
            RobustnessSite.configuration(
                main:
                    "smtp_receive_timeout = 20s\nsmtp_enforce_sync = false\nsmtp_accept_max_nonmail = 100000\n"
            ))
        let receiver = try site.receiver("--queue-only")
        let before = try Self.memory(receiver.daemon)
        let isTicking = Flag(true)
        let clients = Mutex<[LoopbackStream]>([])
        let group = DispatchGroup()
        Thread.detachNewThread(in: group) {
            // An octet for each, over and over: lines come to an end, too.
            let octets = ByteString("NOOP\r\n").bytes
            var turn = 0
            while isTicking.isSet {
                for client in clients.withLock({ $0 }) where isTicking.isSet {
                    do { try client.write(ByteString([octets[turn % 6]])) } catch { continue }
                }
                turn += 1
                for _ in 0..<50 where isTicking.isSet { usleep(100_000) }
            }
        }
        for number in 0..<Self.slow {
            let client = try LoopbackStream(port: receiver.port, from: 0x7F00_0002 + UInt32(number % 50))
            #expect(try client.readLine()?.starts(with: ByteString("220 ")) == true)
            clients.withLock { $0.append(client) }
        }
        let all = clients.withLock { $0 }
        let sender = Sender(site, port: receiver.port)
        for _ in 0..<200 { try sender.sendsOne("beside 10,000 others") }
        let after = try Self.memory(receiver.daemon)
        print(
            "slow clients: \(before) KiB before, \(after) KiB with \(Self.slow): \((after - before) / Self.slow) KiB each"
        )
        #expect((after - before) / Self.slow < Self.memoryOfOne)
        isTicking.clear()
        group.wait()
        var goodbyes: [ByteString: Int] = [:]
        for client in all {
            var last = ByteString()
            while let line = try client.readLine() { last = line }
            goodbyes[last, default: 0] += 1
        }
        #expect(goodbyes == ["421 mail.example.org: SMTP command timeout - closing connection": Self.slow])
        #expect(
            try site.log().filter { $0.contains("SMTP command timeout on connection from [") }.count
                == Self.slow)
        try Sender(site, port: receiver.port).sendsOne("after 10,000 others")
    }

    /// The memory of a process that is in use, in KiB.
    static func memory(_ process: ChildProcess) throws -> Int {
        let status = try String(contentsOfFile: "/proc/\(process.number)/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") })
        return try #require(Int(line.filter(\.isNumber)))
    }

    @Test("Who comes beyond smtp_accept_max hears 421, and is served when others have gone")
    func beyondTheLimit() throws {
        let site = try MailSite(
            RobustnessSite.configuration().changed("smtp_accept_max = 0", to: "smtp_accept_max = 50"))
        let receiver = try site.receiver("--queue-only")
        for _ in 0..<3 {
            var streams: [LoopbackStream] = []
            for _ in 0..<300 { streams.append(try LoopbackStream(port: receiver.port)) }
            var codes: [ByteString: Int] = [:]
            for stream in streams {
                let line = try stream.readLine() ?? ""
                codes[ByteString(line.prefix(3)), default: 0] += 1
            }
            // The session that asked whether there is a server may not have ended yet.
            #expect(codes == ["220": 50, "421": 250] || codes == ["220": 49, "421": 251], "\(codes)")
            streams = []
            try eventually("somebody is served again") {
                let stream = try LoopbackStream(port: receiver.port)
                return try stream.readLine()?.starts(with: ByteString("220 ")) == true
            }
        }
        // The probes of `eventually` may still be counted.
        try eventually("a letter is taken") {
            if case .accepted = Sender(site, port: receiver.port).send().answer { true } else { false }
        }
    }

    /// For clients that do not listen: they may say much at once, and be deaf for this long.
    static let deaf = 2
    static let deafMain: ByteString =
        "smtp_receive_timeout = 12s\nsmtp_enforce_sync = false\nsmtp_accept_max_nonmail = 100000000\n"

    @Test("Clients that never read what they are told are dropped, hold nobody up, and cost no memory")
    func deafClients() throws {
        let site = try MailSite(RobustnessSite.configuration(main: Self.deafMain))
        let receiver = try site.receiver("--queue-only")
        let quiet = try RobustnessTests.Peers.openFiles(receiver.daemon)
        let group = DispatchGroup()
        let dropped = Mutex(0)
        for _ in 0..<Self.deaf {
            let stream = try LoopbackStream(port: receiver.port, room: 4096)
            Thread.detachNewThread(in: group) {
                let block = ByteString(
                    Array(repeatElement(ByteString("HELP\r\n").bytes, count: 200).joined()))
                // Until the receiver has had enough of it.
                do { while true { try stream.write(block) } } catch { dropped.withLock { $0 += 1 } }
            }
        }
        let sender = Sender(site, port: receiver.port)
        for _ in 0..<5 { try sender.sendsOne("beside the deaf") }
        group.wait()
        #expect(dropped.withLock { $0 } == Self.deaf)
        #expect(try Self.memory(receiver.daemon) < 400_000)
        try eventually("their connections are closed") {
            try RobustnessTests.Peers.openFiles(receiver.daemon) <= quiet + 2
        }
        try Sender(site, port: receiver.port).sendsOne("after the deaf")
    }

    @Test("A session that is over closes, though its client never reads and never hangs up")
    func endedSession() throws {
        let site = try MailSite(RobustnessSite.configuration(main: Self.deafMain))
        let receiver = try site.receiver("--queue-only")
        let quiet = try RobustnessTests.Peers.openFiles(receiver.daemon)
        var streams: [LoopbackStream] = []
        // Some of them end when the system takes no more of the answers, and NIO still some.
        for count in stride(from: 100, to: 2000, by: 100) {
            let stream = try LoopbackStream(port: receiver.port, room: 4096)
            let lines = ByteString(Array(repeatElement(ByteString("HELP\r\n").bytes, count: count).joined()))
            try stream.write(lines + ByteString("QUIT\r\n"))
            streams.append(stream)
        }
        try eventually("their connections are closed") {
            try RobustnessTests.Peers.openFiles(receiver.daemon) <= quiet
        }
        withExtendedLifetime(streams) {}
        try Sender(site, port: receiver.port).sendsOne("after them")
    }

    @Test("SIGTERM under load ends the receiver; what it said yes to is whole")
    func terminated() throws {
        let site = try MailSite(RobustnessSite.configuration())
        for round in 0..<3 {
            let receiver = try site.receiver("--queue-only")
            let accepted = Answers()
            let group = DispatchGroup()
            for client in 0..<24 {
                Thread.detachNewThread(in: group) {
                    do {
                        let session = try SMTPDialogue.greeted(port: receiver.port)
                        for number in 0..<100_000 {
                            let token = "term-\(round)-\(client)-\(number)"
                            let reply = try session.message(
                                from: "a@example.net", to: ["b@example.org"], Letter.text(token, size: 2000))
                            guard reply.code == 250, let said = reply.lines.last else { return }
                            accepted.add(
                                token, .accepted(String(Latin1.text(said).dropFirst("OK id=".count))))
                        }
                    } catch { /* the receiver has gone */  }
                }
            }
            try eventually("some are accepted") { accepted.all.count > 50 }
            receiver.daemon.signal(SIGTERM)
            let ending = try receiver.daemon.wait()
            #expect(ending.code == 0, "\(ending)")
            group.wait()
            let sender = Sender(site, port: receiver.port)
            for (token, answer) in accepted.all {
                guard case .accepted(let id) = answer else { continue }
                try sender.expectWhole(id, token, "round \(round)")
            }
            #expect(site.queue.count >= accepted.all.count)
            #expect(site.names(in: "spool/input").count == 2 * site.queue.count)
            try FileManager.default.removeItem(atPath: site.directory.file("spool/input").string)
        }
    }

    @Test("Thousands of short connections that end in every way leave a receiver that answers")
    func shortConnections() throws {
        let site = try MailSite(RobustnessSite.configuration(main: "smtp_receive_timeout = 10s\n"))
        let receiver = try site.receiver("--queue-only")
        let quiet = try RobustnessTests.Peers.openFiles(receiver.daemon)
        let group = DispatchGroup()
        for thread in 0..<16 {
            Thread.detachNewThread(in: group) {
                var random = SeededGenerator(seed: UInt64(thread))
                for _ in 0..<(150 * soak) {
                    do { try Self.visit(receiver.port, &random) } catch { /* a visit that ends early */  }
                }
            }
        }
        group.wait()
        try Sender(site, port: receiver.port).sendsOne("after the rush")
        try eventually("all sessions have ended") {
            // The reject log may have been opened since, and the panic log.
            try RobustnessTests.Peers.openFiles(receiver.daemon) <= quiet + 2
        }
        let names = site.names(in: "spool/input")
        #expect(names.filter { $0.hasSuffix("-D") }.count == names.filter { $0.hasSuffix("-H") }.count)
        receiver.daemon.signal(SIGTERM)
        #expect(try receiver.daemon.wait().code == 0)
    }

    /// One short connection, which ends in one of many ways.
    private static func visit(_ port: Int, _ random: inout SeededGenerator) throws {
        let stream = try LoopbackStream(port: port, patience: 60_000)
        let isReset = Bool.random(using: &random)
        if isReset { stream.resetAtEnd() }
        switch Int.random(in: 0..<6, using: &random) {
        case 0: return
        case 1: stream.endWriting()
        case 2: try stream.write("EHLO x\r\n")
        case 3:
            _ = try stream.readLine()
            try stream.write("EHLO x\r\n")
            stream.endWriting()
            while try stream.readLine() != nil {}
        case 4:
            _ = try stream.readLine()
            let (octets, _) = RobustnessTests.Peers.session("short", isChunked: false)
            try stream.write(ByteString(octets.prefix(Int.random(in: 0...octets.count, using: &random))))
        default:
            _ = try stream.readLine()
            for line in ["EHLO x\r\n", "MAIL FROM:<>\r\n", "RCPT TO:<b@example.org>\r\n", "DATA\r\n"]
                as [ByteString]
            {
                try stream.write(line)
                repeat {} while try stream.readLine()?.dropFirst(3).first == UInt8(ascii: "-")
            }
            try stream.write("Subject: x\r\n\r\nx\r\n.\r\n")
            if !isReset { _ = try stream.readLine() }
        }
    }
}

/// How many files this process may have open.
enum OpenFiles {
    static func allowMany() {
        var limit = rlimit()
        let files = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard unsafe getrlimit(files, &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        unsafe setrlimit(files, &limit)
    }
}
