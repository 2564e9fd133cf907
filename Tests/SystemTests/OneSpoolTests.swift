import Bytes
import TestKit
import Testing

/// Exim and Bobbin at work on one spool at the same time, with processes being killed.
extension SystemTests.BothWays {
    /// How many messages, and how often the runners are killed.
    static let messages = 500
    static let kills = 12
    /// How many deliveries a runner may have between the other side's yes and the fsync of its journal when it is
    /// killed: four connections at once (`remote_max_parallel`), of up to three recipients, for each of two runners.
    static let inFlight = 24

    /// The recipients of message `number`: one in three has three, one in five has one that is deferred at first.
    static func recipients(_ number: Int) -> [ByteString] {
        var all: [ByteString] = [number % 2 == 0 ? "r\(number)@example.com" : "r\(number)@example.org"]
        if number % 3 == 0 { all += ["second\(number)@example.com", "third\(number)@example.org"] }
        if number % 5 == 0 { all.append("slow\(number)@example.com") }
        return all
    }

    @Test("AUX-17: Exim and Bobbin on one spool serve every recipient once, though their runners are killed")
    func oneSpool() throws {
        let held = Flag(true)
        let wire = try WireServer { step in
            step.verb == "RCPT" && step.argument.starts(with: ByteString("slow")) && held.isSet
                ? .reply("451 not yet") : nil
        }
        let site = try MailSite(configuration(wire: wire.port))
        try Self.receive(into: site)
        #expect(site.queue.count == Self.messages)

        var random = SeededGenerator(seed: 20_261_121)
        for round in 0..<Self.kills {
            let runners = [
                try site.start("bobbin-queuerunner", ["--force"]), try site.start(exim: ["-qf"]),
                try round % 2 == 0
                    ? site.start("bobbin-queuerunner", ["--force"]) : site.start(exim: ["-qf"]),
            ]
            // Until some more deliveries have been made; then end them at once, wherever they are.
            let goal = wire.transactions.count + Int.random(in: 1...25, using: &random)
            try eventually("some deliveries") {
                wire.transactions.count >= goal || runners.allSatisfy { !$0.isRunning }
            }
            for runner in runners { runner.kill() }
        }
        held.clear()
        for _ in 0..<10 where !Self.waiting(site).isEmpty {
            let runners = [try site.start("bobbin-queuerunner", ["--force"]), try site.start(exim: ["-qf"])]
            for runner in runners { #expect(try runner.wait(within: 300).code == 0) }
        }
        #expect(Self.waiting(site) == [])
        try Self.count(site, wire)
    }

    /// The messages that still have a body.
    ///
    /// A kill between the two removals of a completion leaves `-H` alone: that
    /// message is done, and Exim never looks at such a file again.
    static func waiting(_ site: MailSite) -> [String] {
        let names = Set(site.names(in: "spool/input"))
        return site.queue.filter { names.contains("\($0)-D") }
    }

    /// Two receivers, Exim's and ours, take the messages in at the same time.
    static func receive(into site: MailSite) throws {
        let doors = [try site.eximDaemon(), try site.receiver()]
        defer { for door in doors { door.daemon.kill() } }
        let dialogues = try doors.map { try SMTPDialogue.greeted(port: $0.port) }
        for number in 0..<messages {
            let text: ByteString = "Subject: \(number)\n\nmessage \(number)\n"
            let dialogue = dialogues[number % 2]
            try dialogue.expect(
                250, dialogue.message(from: "sender@example.net", to: recipients(number), text))
        }
        for dialogue in dialogues { try dialogue.expect(221, dialogue.say("QUIT")) }
    }

    /// Nobody may be missing; twice may be only who was on the way when a runner was killed.
    static func count(_ site: MailSite, _ wire: WireServer) throws {
        var times: [ByteString: Int] = [:]
        for transaction in wire.transactions {
            for recipient in transaction.recipients { times[recipient, default: 0] += 1 }
        }
        for mail in try site.delivered() {
            let start = try #require(mail.firstRange(of: ByteString("Envelope-to: ")))
            let rest = ByteString(mail[start.upperBound...])
            times[ByteString(rest.prefix { $0 != .newline }), default: 0] += 1
        }
        let expected = (0..<messages).flatMap(recipients)
        #expect(expected.filter { times[$0] == nil } == [])
        #expect(Set(times.keys).subtracting(expected) == [])
        let twice = times.filter { $0.value > 1 }
        #expect(twice.values.allSatisfy { $0 <= 1 + kills })
        #expect(twice.count <= kills * inFlight, "\(twice.count) recipients were served more than once")
        // A kill between the removal of a message and the log line costs that line, and at most one a runner.
        let completed = try site.log().filter { $0.hasSuffix(" Completed") }.map {
            $0.split(separator: " ")[2]
        }
        #expect(completed.count >= messages - 3 * kills)
        #expect(Set(completed).count == completed.count, "a message was completed twice")
    }
}
