import Bytes
import Configuration
import Foundation
import MailSystem
import TestKit
import Testing

@testable import Receiver

@Suite struct LimitsTests {
    private func main(_ text: ByteString) throws -> OptionBlock {
        try Configuration.read(text: text, file: "", macros: []).main
    }

    @Test("smtp_ratelimit_mail: free commands first, then waits that grow up to the limit")
    func rateLimit() throws {
        let limit = try #require(RateLimit("2,0.5s,2,3s"))
        var delay = 0.0
        let waits = (1...7).map { limit.wait(at: $0, &delay) }
        #expect(waits == [0, 0, 0.5, 1, 2, 3, 3])
        // A new transaction begins at the beginning.
        #expect(limit.wait(at: 1, &delay) == 0)
        #expect(limit.wait(at: 3, &delay) == 0.5)
    }

    @Test(
        "A rate limit of another form counts as none, whatever stands in it",
        arguments: ["", "1", "1,2,3", "1,x,1.5,2s", "1,1s,0.5,2s", "1,1s,nan,2s", "1,-1s,1,2s", "a,1s,1,2s"])
    func badRateLimit(text: String) { #expect(RateLimit(ByteString(text)) == nil) }

    @Test("A message waits for the first reason that holds, and -odb overrides only where that is allowed")
    func queueing() throws {
        let rules = QueueingRules(
            try main("smtp_accept_queue = 3\nsmtp_accept_queue_per_connection = 2\nqueue_only_load = 4.5\n"))
        func reason(_ choice: DeliveryChoice, connections: Int?, messages: Int, load: Int64) -> QueueingRules
            .Reason?
        {
            rules.reason(choice, .init(connections: connections, messages: messages), load: { load })
        }
        #expect(reason(.standard, connections: 3, messages: 2, load: 4500) == nil)
        #expect(reason(.standard, connections: 4, messages: 3, load: 9000) == .connections(4, most: 3))
        #expect(reason(.standard, connections: 3, messages: 3, load: 9000) == .messages(most: 2))
        #expect(reason(.standard, connections: 3, messages: 1, load: 4501) == .load(4501))
        #expect(reason(.standard, connections: nil, messages: 9, load: 0) == nil)
        #expect(reason(.now, connections: 9, messages: 9, load: 9000) == nil)
        #expect(reason(.queue, connections: 1, messages: 1, load: 0) == .asked)
        let strict = QueueingRules(try main("queue_only\nqueue_only_override = false\n"))
        #expect(strict.reason(.now, .init(), load: { 0 }) == .asked)
    }

    @Test(
        "A load that has queued one message of a session queues those that follow, unless queue_only_load_latch is off"
    )
    func latch() throws {
        let before = QueueingRules.Circumstances(connections: 1, messages: 2, before: .load(9000))
        let latched = QueueingRules(try main("queue_only_load = 5\n"))
        #expect(latched.reason(.standard, before, load: { 0 }) == .load(9000))
        let free = QueueingRules(try main("queue_only_load = 5\nqueue_only_load_latch = false\n"))
        #expect(free.reason(.standard, before, load: { 0 }) == nil)
        #expect(QueueingRules.Reason.load(15_504).text == "load average 15.50")
    }

    @Test(
        "Space: plain numbers are KiB, numbers with letters octets, and the announced size counts for the spool"
    )
    func space() throws {
        let requirements = SpaceRequirements(
            try main(
                "check_spool_space = 100\ncheck_spool_inodes = 10\ncheck_log_space = 1M\ncheck_log_inodes = 0\n"
            ),
            spool: "/spool", log: "/log")
        #expect(requirements.places.map(\.space) == [100, 1024])
        func shortage(_ size: Int?, spool: Int64, log: Int64, inodes: Int64? = 100) -> ByteString? {
            requirements.shortage(
                for: size, free: { .init(space: $0 == "/spool" ? spool : log, inodes: inodes) })
        }
        #expect(shortage(nil, spool: 100, log: 1024) == nil)
        #expect(
            shortage(nil, spool: 99, log: 1024) == "spool directory space check failed: space=99 inodes=100")
        #expect(
            shortage(nil, spool: 100, log: 1023) == "log directory space check failed: space=1023 inodes=100")
        #expect(shortage(100 << 10, spool: 203, log: 9999) != nil)
        #expect(shortage(100 << 10, spool: 204, log: 9999) == nil)
        #expect(shortage(nil, spool: 999, log: 9999, inodes: 9) != nil)
        #expect(shortage(nil, spool: 999, log: 9999, inodes: nil) == nil)
        #expect(shortage(.max, spool: .max - 1, log: 9999) == nil)
    }
}

@Suite struct LocalFormsTests {
    @Test(
        "-oMa takes an address with its port in each of Exim's forms",
        arguments: [
            ("10.9.8.7", "10.9.8.7", -1), ("10.9.8.7.1234", "10.9.8.7", 1234),
            ("[10.9.8.7]:1234", "10.9.8.7", 1234),
            ("[::1]", "::1", -1), ("::1", "::1", -1), ("[::1]:25", "::1", 25), ("::1.25", "::1", 25),
        ])
    func place(text: String, address: String, port: Int) throws {
        let place = try #require(PeerClaims.place(ByteString(text)))
        #expect(place.0 == IPAddress(ByteString(address)))
        #expect(place.1 ?? -1 == port)
    }

    @Test(
        "What is no address is none",
        arguments: [
            "", "x", "[10.9.8.7", "10.9.8.7:25", "[10.9.8.7]:", "[10.9.8.7]:70000", "10.9.8", "10.9.8.7.x",
        ])
    func noPlace(text: String) { #expect(PeerClaims.place(ByteString(text)) == nil) }

    @Test("Words and descriptors come through a socket as they were sent, long lists too")
    func passing() throws {
        var ends: [CInt] = [-1, -1]
        try #require(unsafe socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0, &ends) == 0)
        defer { for end in ends { close(end) } }
        let words = ["submit", "-f", ""] + (0..<5000).map { "user\($0)@example.org" }
        let sender = ends[0]
        let thread = Thread {
            _ = DescriptorPassing.send(words.map { ByteString($0) }, over: sender)
        }
        thread.start()
        let received = try #require(DescriptorPassing.receive(over: ends[1]))
        #expect(received.words == words)
        #expect(received.descriptors.count == 3)
        for descriptor in received.descriptors { close(descriptor) }
    }

    @Test("What is not of the form of words and descriptors is refused, whatever it is")
    func noise() throws {
        var generator = SeededGenerator(seed: 20)
        for length in [0, 1, 7, 8, 9, 100] {
            var ends: [CInt] = [-1, -1]
            try #require(unsafe socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0, &ends) == 0)
            let octets = (0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) }
            _ = unsafe octets.withUnsafeBytes { unsafe write(ends[0], $0.baseAddress, $0.count) }
            close(ends[0])
            #expect(DescriptorPassing.receive(over: ends[1]) == nil)
            close(ends[1])
        }
    }
}
