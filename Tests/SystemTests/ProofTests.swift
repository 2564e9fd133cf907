import Bytes
import Foundation
import Glibc
import Synchronization
import TestKit
import Testing

extension SystemTests {
    @Suite(.serialized) struct Proofs {}
}

/// What a queue run promises about hosts that are slow, dead or many.
extension SystemTests.Proofs {
    /// A site whose messages go to the places that a route list names, in the order of their ids.
    private static func site(routes: String, main: ByteString = "") throws -> MailSite {
        try MailSite(
            """
            qualify_domain = example.org
            queue_only
            queue_run_in_order
            acl_not_smtp = accept
            acl_smtp_rcpt = accept
            smtp_accept_max_nonmail = 10000
            smtp_accept_queue_per_connection = 0
            trusted_users = root
            \(main)
            begin routers
            remote:
              driver = manualroute
              route_list = \(ByteString(routes))
              self = send
              transport = wire
            begin transports
            wire:
              driver = smtp
              allow_localhost
              hosts_try_fastopen =
            begin retry
            * * F,1d,15m
            """)
    }

    /// Puts a message on the queue for each recipient, by one process.
    private static func fill(_ site: MailSite, _ recipients: [String]) throws {
        let batch = recipients.map {
            "MAIL FROM:<a@example.org>\r\nRCPT TO:<\($0)>\r\nDATA\r\nSubject: many\r\n\r\nhello\r\n.\r\n"
        }
        let ending = try site.exim("-odq", "-bS", input: ByteString(batch.joined()))
        try #require(ending.code == 0, "\(ending.output) \(ending.errors)")
        try #require(site.queue.count == recipients.count)
    }

    @Test(
        "One host that is slow and one that is dead hold nobody else, though most messages are for them",
        .timeLimit(.minutes(5)))
    func slowAndDead() throws {
        let (slow, dead, wire) = (try DrippingServer(), try DeadServer(), try WireServer())
        let site = try Self.site(
            routes:
                "slow.test 127.0.0.1::\(slow.port) ; dead.test 127.0.0.1::\(dead.port) ; * 127.0.0.1::\(wire.port)"
        )
        let waiting = (0..<130).flatMap { ["u\($0)@slow.test", "u\($0)@dead.test"] }
        try Self.fill(site, waiting + (0..<40).map { "u\($0)@good.test" })
        let run = try site.start("bobbin", ["exim", "-q"])
        try eventually("the others are delivered", within: 240) { wire.transactions.count == 40 }
        try eventually("they are complete", within: 240) {
            try site.log().count { $0.hasSuffix(" Completed") } == 40
        }
        #expect(run.isRunning)
        #expect(slow.isTalking)
        #expect(slow.connections <= 2)
        #expect(!(try site.log()).contains { $0.contains("slow.test") || $0.contains("dead.test") })
        run.signal(SIGKILL)
        try run.wait()
        #expect(site.queue.count == waiting.count)
    }

    @Test("A run over many hosts has no more than a hundred connections, and a bounded number of files")
    func manyHosts() throws {
        let addresses = (1...160).map { 0x7F00_0200 + UInt32($0) }
        let gate = Gate()
        gate.close()
        let wire = try WireServer(alsoAt: addresses) { step in
            if step.verb == "CONNECT" { gate.pass() }
            return nil
        }
        let site = try Self.site(
            routes: "* \"${sg{$domain}{[.]test}{}}::\(wire.port)\"")
        try Self.fill(
            site, (0..<2).flatMap { n in (1...160).map { "u\(n)@127.0.2.\($0).test" } })
        let run = try site.start("bobbin-queuerunner", [])
        defer { gate.open() }
        try eventually("as many connections as may be", within: 120) { wire.mostConnections == 100 }
        let files = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(run.number)/fd").count
        // A connection has one; a message in hand its data file twice; the rest are logs, hints and such.
        #expect(files < 100 + 3 * 100 + 60, "\(files) open files")
        gate.open()
        #expect(try run.wait().code == 0)
        #expect(wire.mostConnections <= 100)
        #expect(wire.transactions.count == 320)
        #expect(site.queue.isEmpty)
    }

    @Test("SIGTERM lets what is on the wire come to its end, and nothing is begun afterwards")
    func termination() throws {
        let gate = Gate()
        gate.close()
        let wire = try WireServer { step in
            if step.verb == "MESSAGE" { gate.pass() }
            return nil
        }
        defer { gate.open() }
        let site = try Self.site(routes: "* 127.0.0.1::\(wire.port)", main: "remote_max_parallel = 1")
        try Self.fill(site, ["a@one.test"])
        let run = try site.start("bobbin", ["exim", "-q1s"])
        try eventually("the message is on the wire", within: 120) { gate.isWaitedFor }
        run.signal(SIGTERM)
        // Another that comes meanwhile stays where it is.
        let ending = try site.exim(
            "-odq", "-f", "a@example.org", "b@two.test", input: "Subject: late\n\nhello\n")
        #expect(ending.code == 0)
        gate.open()
        #expect(try run.wait().code == 0)
        #expect(wire.transactions.map(\.recipients) == [["a@one.test"]])
        let log = try site.log()
        #expect(log.contains { $0.contains("=> a@one.test") } && log.contains { $0.hasSuffix(" Completed") })
        #expect(site.queue.count == 1)
        #expect(!site.names(in: "spool/input").contains { $0.hasSuffix("-J") })
    }
}

/// A server that says an octet a second, and is never done with its greeting.
private final class DrippingServer: Sendable {
    let port: Int
    private let listener: LoopbackListener
    private let state = Mutex((open: 0, all: 0))

    init() throws {
        let listener = try LoopbackListener()
        (self.listener, port) = (listener, listener.port)
        Thread.detachNewThread { [weak self] in
            while let found = LoopbackListener.next(of: [listener]) {
                guard let server = self else { return }
                Thread.detachNewThread { server.talk(found.stream) }
            }
        }
    }

    deinit { listener.stop() }

    /// Whether somebody is connected now.
    var isTalking: Bool { state.withLock { $0.open > 0 } }
    /// How many connections there have been.
    var connections: Int { state.withLock { $0.all } }

    private func talk(_ stream: LoopbackStream) {
        state.withLock { $0 = ($0.open + 1, $0.all + 1) }
        defer { state.withLock { $0.open -= 1 } }
        for octet in ByteString("220-" + String(repeating: "slow ", count: 1000)) {
            do { try stream.write(ByteString([octet])) } catch { return }
            sleep(1)
        }
    }
}

/// A socket that could not be made, and the errno.
private struct NotListening: Error {
    let number: CInt
}

/// A port at which no connection comes to stand: its queue is full, and nobody accepts.
private final class DeadServer: Sendable {
    let port: Int
    private let descriptors: [CInt]

    init() throws {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        var place = loopbackAddress(0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let done = unsafe withUnsafeMutablePointer(to: &place) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { general in
                unsafe bind(descriptor, general, length) == 0 && listen(descriptor, 0) == 0
                    && getsockname(descriptor, general, &length) == 0
            }
        }
        guard done else { throw NotListening(number: errno) }
        port = Int(UInt16(bigEndian: place.sin_port))
        let flags =
            CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue) | CInt(SOCK_NONBLOCK.rawValue)
        let fillers = (0..<3).map { _ -> CInt in
            let filler = socket(AF_INET, flags, 0)
            _ = unsafe withUnsafePointer(to: &place) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe connect(filler, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            return filler
        }
        descriptors = [descriptor] + fillers
    }

    deinit { for descriptor in descriptors { close(descriptor) } }
}
