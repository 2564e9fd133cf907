import Bytes
import Foundation
import TestKit
import Testing

extension RobustnessTests.Peers {
    /// All that a client sends in a session with one message, and after how many octets that message is complete.
    static func session(_ token: String, isChunked: Bool) -> (octets: ByteString, complete: Int) {
        let message = SMTPDialogue.onTheWire(Letter.text(token, size: 0))
        let envelope: ByteString =
            "EHLO client.example.net\r\nMAIL FROM:<a@example.net>\r\nRCPT TO:<b@example.org>\r\n"
        var octets: ByteString
        if isChunked {
            let half = message.count / 2
            octets = envelope + ByteString("BDAT \(half)\r\n") + ByteString(message[..<half])
            octets += ByteString("BDAT \(message.count - half) LAST\r\n") + ByteString(message[half...])
        } else {
            octets = envelope + ByteString("DATA\r\n") + message + ByteString(".\r\n")
        }
        let complete = octets.count
        return (octets + ByteString("QUIT\r\n"), complete)
    }

    @Test(
        "A client that is gone after any octet of the dialogue leaves a whole message or none",
        arguments: [false, true], [false, true])
    func clients(isChunked: Bool, resets: Bool) throws {
        let site = try MailSite(RobustnessSite.configuration(main: "smtp_enforce_sync = false\n"))
        let receiver = try site.receiver("--queue-only")
        let quiet = try Self.openFiles(receiver.daemon)
        let (all, complete) = Self.session("peer-0000", isChunked: isChunked)
        var accepted: Set<String> = []
        // One manner after every octet; the others share these out, each with all that is near the message's end.
        let isEvery = !isChunked && !resets
        let counts = (0...all.count).filter { isEvery || $0 % 3 == (resets ? 1 : 2) || $0 >= complete - 40 }
        for count in counts {
            let token = Self.token(count)
            let stream = try LoopbackStream(port: receiver.port)
            #expect(try stream.readLine()?.starts(with: ByteString("220 ")) == true)
            try stream.write(ByteString(Self.session(token, isChunked: isChunked).octets.prefix(count)))
            if resets {
                stream.resetAtEnd()
            } else {
                stream.endWriting()
                while let line = try stream.readLine() {
                    if line.contains(ByteString("id=")) { accepted.insert(token) }
                }
            }
        }
        try eventually("all sessions have ended") { try Self.openFiles(receiver.daemon) <= quiet }
        var found: Set<String> = []
        let sender = Sender(site, port: receiver.port)
        for id in site.queue {
            let header = try site.spoolFile(id, "H")
            let token = try #require(
                (complete...all.count).map(Self.token).first {
                    header.contains(ByteString("Subject: \($0)\n"))
                }, "\(header)")
            #expect(found.insert(token).inserted)
            try sender.expectWhole(id, token, "\(token)")
        }
        #expect(accepted.subtracting(found) == [])
        // Of an incomplete message nothing stays, once its session has seen the end.
        try eventually("nothing stays of incomplete messages") {
            site.names(in: "spool/input").count == 2 * found.count
        }
        if !resets { #expect(found.count == counts.count { $0 >= complete }) }
        try sender.sendsOne("after all that")
    }

    private static func token(_ number: Int) -> String {
        let digits = String(number)
        return "peer-" + String(repeating: "0", count: 4 - digits.count) + digits
    }

    /// How many files a process has open, but for the commit log, which is opened when mail first comes fast.
    static func openFiles(_ process: ChildProcess) throws -> Int {
        let folder = "/proc/\(process.number)/fd"
        return try FileManager.default.contentsOfDirectory(atPath: folder).count { name in
            // One that has just been closed counts as open, which is waited for.
            let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\(name)")
            return target?.contains("/bobbin-commit/") != true
        }
    }

    @Test(
        "A server that is gone after any octet gets every message, and twice at most where its answer to it was lost",
        arguments: CuttingServers.Cut.allCases)
    func servers(cut: CuttingServers.Cut) throws {
        let servers = try CuttingServers(cut, count: cut == .replies ? 220 : 460)
        let routes = servers.ports.enumerated().map {
            "d\($0.offset).example.com 127.0.0.1::\($0.element) byname"
        }
        let site = try MailSite(
            RobustnessSite.configuration(
                routers: """
                    cut:
                      driver = manualroute
                      domains = ^d\\\\d+\\\\.example\\\\.com\\$
                      route_list = \(ByteString(routes.joined(separator: " ; ")))
                      self = send
                      transport = wire

                    """))
        let receiver = try site.receiver("--queue-only")
        let session = try SMTPDialogue.greeted(port: receiver.port)
        for number in servers.ports.indices {
            try session.expect(
                250,
                session.message(
                    from: "a@example.net", to: ["b@d\(number).example.com"],
                    Letter.text("cut-\(number)", size: 0)))
        }
        receiver.daemon.kill()
        #expect(try site.run("bobbin-queuerunner", "--force").code == 0)
        let first = servers.received
        #expect(first.contains { $0.complete == 0 } && first.contains { $0.complete == 1 })
        servers.heal()
        #expect(try site.run("bobbin-queuerunner", "--force").code == 0)
        #expect(site.queue == [])
        let log = try site.log()
        for (number, (before, after)) in zip(first, servers.received).enumerated() {
            // Before its answer to the message was out, a server may have it again; after that it may not.
            let wanted = before.isAnswered ? 1 : before.complete + 1
            let lines = log.filter { $0.contains("d\(number).") }
            #expect(after.complete == wanted, "\(number): \(before), \(after)\n\(lines)")
        }
        print(
            "servers, \(cut): \(first.filter { $0.complete == 1 && !$0.isAnswered }.count) messages twice of \(first.count)"
        )
    }
}

/// SMTP servers on 127.0.0.1 of which the n-th hangs up after n octets, until they are healed.
final class CuttingServers: @unchecked Sendable {
    /// Which octets are counted.
    enum Cut: CaseIterable, Sendable { case replies, reads }

    /// What a server has had.
    struct Received: Sendable {
        /// How many messages, to their final dot.
        var complete = 0
        /// Whether the whole answer to one was sent.
        var isAnswered = false
    }

    let ports: [Int]
    private let cut: Cut
    // Guarded by the lock.
    private let lock = NSLock()
    private var state: [Received]
    private var isHealed = false
    private let listeners: [LoopbackListener]

    init(_ cut: Cut, count: Int) throws {
        self.cut = cut
        state = Array(repeating: Received(), count: count)
        listeners = try (0..<count).map { _ in try LoopbackListener() }
        ports = listeners.map(\.port)
        Thread.detachNewThread { [listeners, weak self] in
            while let (number, stream) = LoopbackListener.next(of: listeners) {
                guard let self else { return }
                Thread.detachNewThread { self.serve(stream, number) }
            }
        }
    }

    deinit { for listener in listeners { listener.stop() } }

    var received: [Received] { lock.withLock { state } }

    /// From now on they are good servers.
    func heal() { lock.withLock { isHealed = true } }

    private func serve(_ stream: LoopbackStream, _ number: Int) {
        let budget = lock.withLock { isHealed } ? Int.max : number
        var line = Line(
            stream: stream, writes: cut == .replies ? budget : .max, reads: cut == .reads ? budget : .max)
        do {
            try line.say("220 cut.example.com ESMTP\r\n")
            while let command = try line.readLine() {
                let verb = ByteString(command.prefix(4)).uppercasedASCII().string
                switch verb {
                case "EHLO": try line.say("250-cut.example.com\r\n250 PIPELINING\r\n")
                case "DATA":
                    try line.say("354 go ahead\r\n")
                    while let text = try line.readLine(), text != "." {}
                    if line.isOver { return }
                    lock.withLock { state[number].complete += 1 }
                    try line.say("250 OK\r\n")
                    lock.withLock { state[number].isAnswered = true }
                case "QUIT":
                    try line.say("221 bye\r\n")
                    return
                default: try line.say("250 OK\r\n")
                }
            }
        } catch { /* the hang-up that was wanted, or the peer's own */  }
    }

    /// A connection with a limit of octets each way.
    private struct Line {
        let stream: LoopbackStream
        var writes: Int
        var reads: Int
        var unread = ByteString()
        var isOver = false

        mutating func say(_ text: ByteString) throws {
            try stream.write(ByteString(text.prefix(writes)))
            guard text.count <= writes else { throw Problem("enough said") }
            if writes != .max { writes -= text.count }
        }

        mutating func readLine() throws -> ByteString? {
            while true {
                if let cut = unread.cut(at: .newline) {
                    var line = ByteString(cut.before)
                    if line.last == .carriageReturn { line.bytes.removeLast() }
                    unread = ByteString(cut.after)
                    return line
                }
                guard reads > 0, let some = try stream.readSome(atMost: min(reads, 65536)) else {
                    isOver = true
                    return nil
                }
                if reads != .max { reads -= some.count }
                unread += some
            }
        }
    }
}
