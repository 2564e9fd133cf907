import Bytes
import Glibc
import Hints
import TestKit
import Testing

@Suite("Retrying")
struct RetryTests {
    @Test("Host keys are spelt as each Exim spells them")
    func hostKeys() {
        func key(
            _ name: ByteString, _ address: IPAddress?, _ spelling: RetryHostSpelling, port: Int = 25,
            interface: ByteString? = nil
        ) -> ByteString {
            RetryKey.host(
                RetryHost(name: name, address: address, port: port, interface: interface), spelling: spelling
            ).text
        }
        #expect(key("mx.example", "192.0.2.1", .since498) == "T:mx.example:192.0.2.1")
        #expect(key("six.example", "::1", .since498) == "T:six.example:[::1]")
        #expect(key("::1", "::1", .since498) == "T:[::1]:[::1]")
        #expect(key("127.0.0.17", "127.0.0.17", .since498) == "T:[127.0.0.17]:127.0.0.17")
        #expect(
            key("refused.example", "127.0.0.13", .since498, port: 2526) == "T:refused.example:127.0.0.13:2526"
        )
        #expect(key("MX.Example", "192.0.2.1", .since498) == "T:MX.Example:192.0.2.1")
        #expect(key("MX.Example", "192.0.2.1", .upTo497) == "T:mx.example:192.0.2.1")
        #expect(key("six.example", "::1", .upTo497) == "T:six.example:::1")
        #expect(
            key("mx.example", nil, .since498, port: 26, interface: "192.0.2.9") == "T:mx.example:26/192.0.2.9"
        )
    }

    @Test("The other keys are spelt as Exim spells them")
    func otherKeys() {
        #expect(RetryKey.routing("a.example").text == "R:a.example")
        #expect(RetryKey.address("u@a.example").text == "R:u@a.example")
        #expect(RetryKey.address("u@a.example", sender: "").text == "R:u@a.example:<>")
        #expect(RetryKey.address("u@a.example", sender: "s@b.example").text == "R:u@a.example:<s@b.example>")
        #expect(RetryKey.local("u@a.example").text == "T:u@a.example")
        #expect(RetryKey.generated("|/bin/false", parent: "p@a.example").text == "T:|/bin/false:p@a.example")
        let host = RetryKey.host(RetryHost(name: "h", address: "192.0.2.1"), spelling: .since498)
        #expect(host.message("1xUfCN-0000000063B-0Kt5").text == "T:h:192.0.2.1:1xUfCN-0000000063B-0Kt5")
    }

    @Test("Every key in Exim's own databases is one that the constructors make")
    func sampleKeys() throws {
        let made: Set<ByteString> = [
            RetryKey.host(RetryHost(name: "refused.example", address: "127.0.0.13"), spelling: .since498)
                .text,
            RetryKey.host(RetryHost(name: "six.example", address: "::1"), spelling: .since498).text,
            RetryKey.host(RetryHost(name: "127.0.0.17", address: "127.0.0.17"), spelling: .since498).text,
        ]
        for (_, folder) in Samples.folders {
            let keys = Set(
                try Samples.dump(Samples.path(folder, "retry")).map { ByteString($0.key.dropLast()) })
            #expect(made.isSubset(of: keys))
        }
    }

    @Test(
        "What patterns are matched against is found in a key as Exim finds it",
        arguments: [
            ("R:a.example", "*@a.example"), ("R:u@a.example:<s@b.example>", "u@a.example"),
            ("T:mx.example:192.0.2.1", "*@mx.example"), ("T:[::1]:[::1]:26", "*@::1"),
            ("T:|/bin/x:p@a.example", "p@a.example"), ("R:_u@a.example:<s@b.example>", "<s@b.example>"),
            ("R:", "*@"), ("", "*@"), ("T:[", "*@["), ("T:[:", "*@"),
        ])
    func subjects(key: String, subject: String) {
        #expect(RetryKey(text: ByteString(key)).subject == ByteString(subject))
    }

    @Test(
        "Error names match their errors and no others",
        arguments: [
            ("*", 5, 5, true), ("quota", EximErrno.eximQuota, 0, true), ("quota", EDQUOT, 0, true),
            ("quota", ENOSPC, 0, true), ("quota_7d", ENOSPC, 604_800, true),
            ("quota_1w", ENOSPC, 604_799, false),
            ("quota_x", 0, 0, nil), ("refused", ECONNREFUSED, 9, true), ("refused_A", ECONNREFUSED, 65, true),
            ("refused_MX", ECONNREFUSED, 65, false), ("timeout", ETIMEDOUT, 321, true),
            ("timeout_A", ETIMEDOUT, 321, true), ("timeout_MX", ETIMEDOUT, 77, true),
            ("timeout_connect", ETIMEDOUT, 65, false), ("timeout_connect_A", ETIMEDOUT, 321, true),
            ("timeout_connect_MX", ETIMEDOUT, 321, false), ("rcpt_4xx", EximErrno.rcpt4xx, 13_121, true),
            ("rcpt_45x", EximErrno.rcpt4xx, 13_121, true), ("rcpt_451", EximErrno.rcpt4xx, 13_121, true),
            ("rcpt_452", EximErrno.rcpt4xx, 13_121, false), ("mail_4xx", EximErrno.rcpt4xx, 13_121, false),
            ("data_42x", EximErrno.data4xx, 13_121, false), ("rcpt_4x1", 0, 0, nil), ("rcpt_5xx", 0, 0, nil),
            ("auth_failed", -42, 0, true), ("lost_connection", -18, 0, true), ("tls_required", -37, 0, true),
            ("tls_required", -38, 0, true), ("lookup", -32, 0, true), ("lookup", -36, 0, false),
            ("nonsense", 0, 0, nil),
        ] as [(String, Int32, Int32, Bool?)])
    func patterns(name: String, basic: Int32, more: Int32, expected: Bool?) {
        let pattern = RetryErrorPattern(ByteString(name))
        #expect(pattern?.matches(basicErrno: basic, moreErrno: more) == expected)
    }

    @Test("The details of remote errors are the numbers that Exim stores")
    func details() {
        #expect(EximErrno.more(fromMX: false, replyCode: 451) == 13_121)
        #expect(EximErrno.more(fromMX: false, replyCode: 452) == 13_377)
        #expect(EximErrno.more(fromMX: false, connecting: true) == 321)
        #expect(EximErrno.more(fromMX: true, connecting: true) == 333)
    }
}

@Suite("Retry arithmetic")
struct RetryArithmeticTests {
    private let error = RetryError(basicErrno: 111, moreErrno: 65, text: "Connection refused")
    private let now: Int64 = 1_800_000_000

    /// Applies one failure; times count from `now`.
    private func decide(
        _ steps: [RetryStep], first: Int64, last: Int64, next: Int64, arrived: Int64 = 0, host: Bool = true,
        seed: UInt64 = 1
    ) throws -> RetryDecision {
        var old = RetryRecord(firstFailed: now + first, lastTry: now + last, nextTry: now + next)
        old.header.written = now + last
        let schedule = try #require(RetrySchedule(steps))
        var random = SeededGenerator(seed: seed)
        let failure = RetryFailure(error, now: now, messageArrived: now + arrived, isHost: host)
        return schedule.decide(after: old, failure, random: &random)
    }

    @Test("A first failure begins the record")
    func first() throws {
        let schedule = try #require(RetrySchedule([RetryStep(.fixed, cutoff: 7200, interval: 900)]))
        var random = SeededGenerator(seed: 1)
        let failure = RetryFailure(error, now: now, messageArrived: now, isHost: true)
        let decision = schedule.decide(after: nil, failure, random: &random)
        #expect(!decision.timedOut)
        #expect(decision.record.firstFailed == now)
        #expect(decision.record.lastTry == now)
        #expect(decision.record.nextTry == now + 900)
        #expect(decision.record.text == "Connection refused")
        #expect(!decision.record.expired)
    }

    @Test("F waits the same time; beyond the last cutoff the record is expired and counts as timed out")
    func fixed() throws {
        let steps = [RetryStep(.fixed, cutoff: 7200, interval: 900)]
        let within = try decide(steps, first: -7200, last: -900, next: 0)
        #expect(!within.timedOut && within.record.nextTry == now + 900)
        let beyond = try decide(steps, first: -7201, last: -900, next: 0)
        #expect(beyond.timedOut && beyond.record.expired)
        #expect(beyond.record.nextTry == now + 900)
        #expect(beyond.record.firstFailed == now - 7201)
    }

    @Test("G grows by its factor from the smaller of the planned and the real gap, in whole thousandths")
    func geometric() throws {
        let steps = [RetryStep(.geometric, cutoff: 100_000, interval: 3600, factorThousandths: 1500)]
        #expect(try decide(steps, first: -900, last: -900, next: 0).record.nextTry == now + 3600)
        #expect(try decide(steps, first: -4000, last: -4000, next: -1).record.nextTry == now + 5998)
        #expect(try decide(steps, first: -9000, last: -4000, next: 5000).record.nextTry == now + 6000)
        #expect(try decide(steps, first: -90_000, last: -80_000, next: 0).record.nextTry == now + 86_400)
    }

    @Test("H stays in the upper half of the range")
    func randomised() throws {
        let steps = [RetryStep(.randomised, cutoff: 100_000, interval: 1000, factorThousandths: 2000)]
        #expect(try decide(steps, first: -400, last: -400, next: 0).record.nextTry == now + 1000)
        var seen: Set<Int64> = []
        for seed in 0..<200 {
            let wait =
                try decide(steps, first: -4000, last: -4000, next: 0, seed: UInt64(seed)).record.nextTry - now
            #expect((4500..<8000).contains(wait))
            seen.insert(wait)
        }
        #expect(seen.count > 100)
    }

    @Test("The message's age counts for addresses, not for hosts")
    func age() throws {
        let steps = [
            RetryStep(.fixed, cutoff: 3600, interval: 60), RetryStep(.fixed, cutoff: 90_000, interval: 7200),
        ]
        #expect(try decide(steps, first: -10, last: -10, next: 0, arrived: -5000).record.nextTry == now + 60)
        let address = try decide(steps, first: -10, last: -10, next: 0, arrived: -5000, host: false)
        #expect(address.record.nextTry == now + 7200)
    }

    @Test("A message older than the whole rule is timed out at once, though the host failed only lately")
    func outlived() throws {
        let steps = [RetryStep(.fixed, cutoff: 3600, interval: 60)]
        let decision = try decide(steps, first: -10, last: -10, next: 0, arrived: -4000)
        #expect(decision.timedOut)
        #expect(!decision.record.expired)
        #expect(decision.record.nextTry == now)
    }

    @Test("A record that was not written for retry_data_expire counts as none")
    func old() throws {
        let steps = [RetryStep(.fixed, cutoff: 3600, interval: 60)]
        let decision = try decide(steps, first: -800_000, last: -700_000, next: -600_000)
        #expect(decision.record.firstFailed == now)
        #expect(!decision.timedOut)
    }

    @Test("A schedule without steps does not exist")
    func none() {
        #expect(RetrySchedule([]) == nil)
    }
}
