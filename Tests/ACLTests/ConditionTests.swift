import Bytes
import Configuration
import EximLog
import Expansion
import Hints
import TestKit
import Testing

@testable import ACL

/// Takes every address.
private struct KindVerifier: AddressVerifier {
    func verify(
        _ address: ByteString, _ order: VerificationOrder, _ facts: Facts
    ) async -> AddressVerification { .accepted(.init()) }
}

@Suite("Conditions and modifiers of ACLs")
struct ConditionTests {
    @Test(
        "AUX-11: ratelimit keys hold the period as it is written, what is measured, and what is left",
        arguments: [
            ("1 / 1h", "1h/per_mail/192.0.2.1"), ("1/60m/per_conn/strict/", "60m/per_conn/192.0.2.1"),
            ("2k / 1d / per_byte / x", "1d/per_mail/x"), ("1/1h/per_addr/y", "1h/per_rcpt/unique/y"),
            ("1/1h/per_rcpt/unique=z/leaky/a/b", "1h/per_rcpt/unique/a/b"),
            ("1/1h/noupdate/per_cmd/count=3/q", "1h/per_cmd/q"),
        ] as [(ByteString, ByteString)])
    func keys(argument: ByteString, key: ByteString) throws {
        var facts = Facts()
        facts.connection.remoteAddress = IPAddress(ByteString("192.0.2.1"))
        var rule = try RateLimit(argument)
        try rule.settle(.rcpt, ACLState(facts: facts, recipient: "a@b.example"))
        #expect(rule.key == key)
    }

    @Test(
        "What is no rate, no sighting, no callout and no verification is answered with a text, never a trap",
        arguments: [
            "", "/", "x / 1h", "1", "1 / 0s", "-1 / 1h", "1e400 / 1h", "nan / 1h", "1/1h/strict/leaky",
            "1/1h/per_mail/per_mail", "1/1h/count=", "-", "-x", "5m/refresh=", "5m/zz", "callout=x",
            "sender/callout=connect=", "nothing", "helo/x",
        ] as [ByteString])
    func mistakes(argument: ByteString) {
        #expect(throws: ArgumentTrouble.self) { try RateLimit(argument) }
        #expect(throws: ArgumentTrouble.self) { try Sighting(argument) }
        #expect(throws: ArgumentTrouble.self) { try VerifyRequest(argument) }
    }

    @Test("The rate of events that come at once is their number; what is long ago counts no more")
    func rates() async throws {
        let directory = try TemporaryDirectory()
        let database = HintsDatabase(HintsSettings(directory: directory.path), name: "ratelimit")
        var rule = try RateLimit("1000 / 1h / strict / k")
        try rule.settle(.mail, ACLState(facts: Facts()))
        let settled = rule
        let now = HintsSettings.systemSeconds()
        var rate = 0.0
        for _ in 0..<5 {
            let meter = RateMeter(settled, seconds: now, microseconds: 500_000)
            rate = try #require(await database.update { try meter.measure(in: $0) }.value)
        }
        #expect((4.9...5.1).contains(rate))
        let later = RateMeter(settled, seconds: now + 100 * 3600, microseconds: 0)
        #expect(await database.update { try later.measure(in: $0) }.value == 1)
    }

    @Test("AUX-11: unique= counts each value once in a period, and leaky forgets what is too much")
    func unique() async throws {
        let directory = try TemporaryDirectory()
        let database = HintsDatabase(HintsSettings(directory: directory.path), name: "ratelimit")
        let now = HintsSettings.systemSeconds()
        func measure(_ value: ByteString, after seconds: Int64 = 0) async throws -> Double {
            var rule = try RateLimit("3 / 1h / per_cmd / unique=\(value) / k")
            try rule.settle(.rcpt, ACLState(facts: Facts()))
            let meter = RateMeter(rule, seconds: now + seconds, microseconds: 999_999)
            return try #require(await database.update { try meter.measure(in: $0) }.value).rounded()
        }
        #expect(try await measure("a") == 1)
        #expect(try await measure("a") == 1)
        #expect(try await measure("b") == 2)
        #expect(try await measure("c") == 3)
        // At the limit nothing is written: the same again is as new.
        #expect(try await measure("c") == 3)
        #expect(try await measure("b") == 2)
        #expect(try await measure("a", after: 4000) == 1)
    }

    @Test(
        "$sender_rate has one digit behind the point",
        arguments: [(0.0, "0.0"), (2.96, "3.0"), (1234.55, "1234.6")])
    func text(rate: Double, text: String) { #expect(RateMeter.text(rate) == ByteString(text)) }

    @Test("Statements that are mutated at random are refused or come to a verdict")
    func mutations() async throws {
        let seeds: [ByteString] = [
            "  deny ratelimit = 1 / 1h / per_rcpt / strict / $local_part\n  accept",
            "  warn seen = -5m / key=x / write\n  defer verify = sender=a@b/callout=5s,random/defer_ok",
            "  accept acl = a one two\n  discard endpass\n  control = freeze/no_tell",
            "  require verify = recipient/callout=use_sender,maxwait=3s\n  drop !verify = header_syntax",
            "  warn set acl_m_x = ${if eq{$domain}{x}{1}{2}}\n       add_header = :at_start:X: $acl_m_x\\n y\n  accept",
            "  warn logwrite = :main,reject: $local_part\n       udpsend = 127.0.0.1 : 9 : x\n       delay = 3s\n  accept",
            "  deny verify = not_blind/case_insensitive\n       verify = header_sender\n       verify = header_names_ascii",
            "  accept message = 250 2.1.0 ${lc:$sender_helo_name}\n         control = fakereject/a\\nb\n         queue = x",
        ]
        var random = SeededGenerator(seed: 20_261_121)
        var facts = Facts()
        facts.connection.remoteAddress = IPAddress(ByteString("192.0.2.1"))
        facts.message.sender = "s@x.example"
        facts.message.headers = [
            HeaderText(type: UInt8(ascii: "F"), text: "From: <a@b>, (\n"), HeaderText(text: "Subject\n"),
        ]
        var verdicts = 0
        for round in 0..<4000 {
            let text = seeds[round % seeds.count].mutated(using: &random)
            guard let read = try? Configuration.read(text: "begin acl\na:\n\(text)\n", file: "fuzz") else {
                continue
            }
            var services = ACLServices()
            services.makesCallouts = false
            let evaluator = ACLEvaluator(
                read, expander: Expander(Environment()), verifier: KindVerifier(), services: services)
            let moment = ACLMoment.allCases[round % ACLMoment.allCases.count]
            var state = ACLState(facts: facts, recipient: "r@ok.example")
            _ = await evaluator.run(Template("a"), at: moment, &state)
            verdicts += 1
        }
        #expect(verdicts > 500)
    }

    @Test("A condition, modifier or control at a moment where it has no meaning is a mistake, which defers")
    func fitness() async throws {
        for (clause, moments) in [
            ("domains = x", [ACLMoment.connect, .helo, .mail, .data]),
            ("add_header = X: y", [.connect, .quit]),
            ("control = freeze", [.helo, .vrfy]), ("verify = recipient", [.mail, .data]),
            ("verify = header_syntax", [.rcpt, .predata]), ("control = submission", [.data]),
        ] as [(ByteString, [ACLMoment])] {
            for moment in moments {
                let read = try Configuration.read(
                    text: "begin acl\na:\n  warn \(clause)\n  accept\n", file: "")
                let evaluator = ACLEvaluator(
                    read, expander: Expander(Environment()), verifier: KindVerifier())
                var state = ACLState(facts: Facts(), recipient: "r@ok.example")
                let verdict = await evaluator.run(Template("a"), at: moment, &state)
                #expect(verdict.decision == .defer && verdict.isError, "\(clause) at \(moment)")
            }
        }
    }
}
