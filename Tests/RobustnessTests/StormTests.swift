import Bytes
import Foundation
import Glibc
import Synchronization
import TestKit
import Testing

/// Receivers, runners and a live Exim on one spool, all killed at random again and again.
extension RobustnessTests.Storms {
    /// How many messages must have been accepted before the storm is over.
    static let messages = 300
    static let rounds = 14
    /// How many deliveries a process may have between the other side's yes and the fsync of its journal.
    ///
    /// Ours has at most `remote_max_parallel` transactions of a message on the way, and 16 local deliveries beside each other; an Exim
    /// process has the same number of remote ones for its one message. The runners work on several messages at once, but
    /// each connection, and so each message on it, has one transaction that is not noted yet: the server counts how
    /// many connections there were at most.
    static let localInFlight = 16

    @Test(
        "Whatever is killed, whenever: each message that had its 250 is delivered, and twice only what was on the way"
    )
    func storm() throws {
        var random = SeededGenerator(seed: 20_261_122)
        let wire = try WireServer()
        let site = try MailSite(
            RobustnessSite.configuration(wire: wire.port))
        try site.people(dirs: ["box"])
        let accepted = Mutex<Set<String>>([])
        var kills = 0
        for round in 0..<(Self.rounds * soak) {
            let ours = try site.receiver("--queue-only")
            let theirs = try site.eximDaemon("-q1s")
            let group = DispatchGroup()
            for client in 0..<4 {
                let port = client % 2 == 0 ? ours.port : theirs.port
                Thread.detachNewThread(in: group) {
                    Self.send(
                        to: port, as: "\(round)-\(client)", most: 2 * Self.messages / Self.rounds / 4 + 4
                    ) { token in
                        accepted.withLock { _ = $0.insert(token) }
                    }
                }
            }
            let runners = [
                try site.start("bobbin-queuerunner", ["--force"]),
                try site.start("bobbin-queuerunner", ["--force", "--every", "1s"]),
                try site.start(exim: ["-qff"]),
            ]
            let goal = (round + 1) * Self.messages / Self.rounds - Int.random(in: 0...10, using: &random)
            let served = wire.transactions.count + Int.random(in: 0...12, using: &random)
            try eventually("the storm goes on") {
                accepted.withLock { $0.count } >= goal
                    && (wire.transactions.count >= served || site.queue.isEmpty)
            }
            var victims = [ours.daemon, theirs.daemon] + runners
            victims.shuffle(using: &random)
            kills += victims.filter(\.isRunning).count
            for victim in victims {
                victim.kill()
                usleep(UInt32.random(in: 0...3000, using: &random))
            }
            group.wait()
        }
        try Self.endExims(of: site)
        for run in 0..<10 where run == 0 || !Self.waiting(site).isEmpty {
            // The first one brings what the killed receivers left in the commit log.
            let last = [try site.start("bobbin-queuerunner", ["--force"]), try site.start(exim: ["-qff"])]
            for runner in last { #expect(try runner.wait(within: 300).code == 0) }
        }
        #expect(Self.waiting(site) == [])
        try Self.count(site, wire, accepted.withLock { $0 }, kills)
    }

    /// Sends messages, each to a server and to a maildir, until the receiver is gone or there are enough.
    private static func send(to port: Int, as client: String, most: Int, accepted: (String) -> Void) {
        do {
            let session = try SMTPDialogue.greeted(port: port)
            for number in 0..<most {
                let token = "\(client)-\(number)"
                let reply = try session.message(
                    from: "a@example.net", to: ["w@example.com", "box@example.org"],
                    Letter.text(token, size: 2000))
                if reply.code == 250 { accepted(token) }
            }
        } catch { /* the receiver was killed */  }
    }

    /// Messages that still have a body: a kill between the two removals of a completion leaves `-H` alone.
    private static func waiting(_ site: MailSite) -> [String] {
        let names = Set(site.names(in: "spool/input"))
        return site.queue.filter { names.contains("\($0)-D") }
    }

    /// Exim's daemon starts processes in groups of their own, which outlive it; those of this site are waited for.
    private static func endExims(of site: MailSite) throws {
        let mark = site.directory.path.string
        try eventually("no Exim works on the site any more") {
            try FileManager.default.contentsOfDirectory(atPath: "/proc").allSatisfy { name in
                guard Int(name) != nil,
                    let line = FileManager.default.contents(atPath: "/proc/\(name)/cmdline")
                else { return true }
                return !String(decoding: line, as: UTF8.self).contains(mark)
            }
        }
    }

    /// Nobody may be missing; twice may be only what was on the way when a process was killed.
    private static func count(_ site: MailSite, _ wire: WireServer, _ accepted: Set<String>, _ kills: Int)
        throws
    {
        var remote: [String: Int] = [:]
        var local: [String: Int] = [:]
        for transaction in wire.transactions {
            let token = try #require(Self.token(transaction.message))
            #expect(Letter.isWhole(transaction.message, token))
            remote[token, default: 0] += 1
        }
        for message in try site.delivered() {
            let token = try #require(Self.token(message))
            #expect(Letter.isWhole(message, token))
            local[token, default: 0] += 1
        }
        #expect(accepted.count >= messages)
        #expect(accepted.filter { remote[$0] == nil || local[$0] == nil } == [])
        let (twiceRemote, twiceLocal) = (
            remote.values.map { $0 - 1 }.reduce(0, +), local.values.map { $0 - 1 }.reduce(0, +)
        )
        print(
            "storm: \(accepted.count) accepted, \(remote.count) delivered, \(kills) kills, doubles: \(twiceRemote) remote, \(twiceLocal) local; \(wire.mostConnections) connections"
        )
        #expect(twiceRemote <= kills * wire.mostConnections)
        #expect(twiceLocal <= kills * localInFlight)
        let times = try site.log().filter { $0.hasSuffix(" Completed") }.map { $0.split(separator: " ")[2] }
        #expect(Set(times).count == times.count, "a message was completed twice")
    }

    private static func token(_ message: ByteString) -> String? {
        guard let start = message.firstRange(of: ByteString("Subject: ")) else { return nil }
        return ByteString(message[start.upperBound...].prefix { $0 != .newline }).string
    }
}
