import Bytes
import DNS
import PolicyChecks
import TestKit
import Testing

/// What the suite of the RFC does not look at: limits, loops, texts, and records that nobody would write.
@Suite("SPF")
struct SPFTests {
    private static func question(_ sender: ByteString, from client: IPAddress = "192.0.2.9") -> SPFQuestion {
        SPFQuestion(client: client, sender: sender, helo: "helo.ex", receiver: "mx.recv.ex")
    }

    private static func check(_ zone: String, _ sender: ByteString = "user@a.ex") async -> SPFVerdict {
        await SPFChecker(TestZone(zone)).check(question(sender))
    }

    @Test(
        "A record that leads back to itself is a permanent error, found before the limit of lookups",
        arguments: [
            "a.ex TXT v=spf1 include:a.ex -all", "a.ex TXT v=spf1 redirect=A.ex",
            "a.ex TXT v=spf1 include:b.ex -all\nb.ex TXT v=spf1 redirect=a.ex",
        ])
    func loops(zone: String) async {
        let verdict = await Self.check(zone)
        #expect(verdict.result == .permerror)
        #expect(verdict.problem == "include: or redirect= caused unlimited recursion")
    }

    @Test("Ten terms may ask the DNS, not eleven, be they in one record or in many")
    func terms() async {
        func zone(_ count: Int, in record: (Int) -> String) -> String {
            let hosts = (1...count).map { "h\($0).ex A 10.0.0.\($0)" }
            return ([record(count)] + hosts).joined(separator: "\n")
        }
        func flat(_ count: Int) -> String {
            "a.ex TXT v=spf1 \((1...count).map { "a:h\($0).ex" }.joined(separator: " ")) -all"
        }
        #expect(await Self.check(zone(10, in: flat)).result == .fail)
        #expect(await Self.check(zone(11, in: flat)).result == .permerror)
        func chain(_ count: Int) -> String {
            (0..<count).map { "\($0 == 0 ? "a" : "r\($0)").ex TXT v=spf1 redirect=r\($0 + 1).ex" }
                .joined(separator: "\n") + "\nr\(count).ex TXT v=spf1 -all"
        }
        #expect(await Self.check(chain(10)).result == .fail)
        #expect(await Self.check(chain(11)).result == .permerror)
    }

    @Test("Of the names that a client has, ten are looked at")
    func clientNames() async {
        func zone(_ before: Int) -> String {
            let others = (0..<before).map { "9.2.0.192.in-addr.arpa PTR o\($0).ex" }
            return
                (["a.ex TXT v=spf1 ptr -all", "h.a.ex A 192.0.2.9"] + others + [
                    "9.2.0.192.in-addr.arpa PTR h.a.ex"
                ]).joined(separator: "\n")
        }
        #expect(await Self.check(zone(9)).result == .pass)
        #expect(await Self.check(zone(10)).result == .fail)
    }

    @Test("A domain is asked for in A-labels, also where a label has more than 63 octets before")
    func international() async {
        let zone = """
            xn--dmain-jua.ex TXT v=spf1 exists:%{o}.y.ex -all
            xn--dmain-jua.ex.y.ex A 127.0.0.2
            xn--t1aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.ex TXT v=spf1 -all
            """
        #expect(await Self.check(zone, "user@d\u{f6}main.ex").result == .pass)
        let long = ByteString("user@" + String(repeating: "\u{444}", count: 36) + ".ex")
        #expect(await Self.check(zone, long).result == .fail)
    }

    @Test("The root's dot behind a HELO name changes nothing")
    func rootDot() async {
        let zone = "helo.ex TXT v=spf1 a exists:%{d}.y.ex -all\nhelo.ex A 192.0.2.9"
        for helo in ["helo.ex", "helo.ex."] as [ByteString] {
            let question = SPFQuestion(client: "192.0.2.9", sender: "", helo: helo)
            #expect(await SPFChecker(TestZone(zone)).check(question).result == .pass, "\(helo)")
        }
    }

    /// A zone that is never asked for names with a plus sign, as `dns_check_names_pattern` would have it.
    private struct RefusingZone: NameResolver {
        let zone: TestZone

        func mayAsk(_ name: ByteString) -> Bool { !name.contains(UInt8(ascii: "+")) }

        func lookup(_ name: ByteString, _ type: RecordType) async -> DNSAnswer {
            mayAsk(name) ? await zone.lookup(name, type) : DNSAnswer(.noSuchDomain, canonicalName: name)
        }
    }

    @Test("A term whose name is never asked for does not count as one that found nothing")
    func refusedNames() async {
        let terms = "exists:%{l}.p.ex exists:%{l}.q.ex exists:%{l}.r.ex"
        let checker = SPFChecker(RefusingZone(zone: TestZone("a.ex TXT v=spf1 \(terms) ip4:192.0.2.9 -all")))
        #expect(await checker.check(Self.question("bounce+x@a.ex")).result == .pass)
        #expect(await checker.check(Self.question("bounce@a.ex")).result == .permerror)
    }

    @Test("A client without a name makes ptr a term that found nothing, each time")
    func namelessClient() async {
        #expect(await Self.check("a.ex TXT v=spf1 ptr ptr:b.ex +all").result == .pass)
        #expect(await Self.check("a.ex TXT v=spf1 ptr ptr:b.ex ptr:c.ex +all").result == .permerror)
    }

    @Test(
        "A record longer than any that is meant is a permanent error, and a client's long words cost little")
    func lengths() async {
        let words = String(repeating: " a", count: 2038)
        #expect(await Self.check("a.ex TXT v=spf1 ip4:192.0.2.9\(words)").result == .pass)
        #expect(await Self.check("a.ex TXT v=spf1 ip4:192.0.2.9\(words) a").result == .permerror)
        let helo = ByteString(Array(repeating: "a.", count: 8000).joined() + "ex")
        let macros = String(repeating: "%{hr}", count: 700)
        let checker = SPFChecker(TestZone("a.ex TXT v=spf1 exists:\(macros) ip4:192.0.2.9 -all"))
        let verdict = await checker.check(SPFQuestion(client: "192.0.2.9", sender: "u@a.ex", helo: helo))
        #expect(verdict.result == .pass)
    }

    @Test("A check that lasts too long is given up for now")
    func patience() async {
        let checker = SPFChecker(TestZone("a.ex TXT v=spf1 +all"), timeLimit: .zero)
        #expect(await checker.check(Self.question("user@a.ex")).result == .temperror)
    }

    @Test(
        "A client of this machine passes without a question, and an IPv4 address in an IPv6 one is that address"
    )
    func clients() async {
        let checker = SPFChecker(TestZone("a.ex TXT v=spf1 ip4:192.0.2.9 -all"))
        for client in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:192.0.2.9"] as [IPAddress] {
            #expect(
                await checker.check(Self.question("user@a.ex", from: client)).result == .pass, "\(client)")
        }
        #expect(await checker.check(Self.question("user@a.ex", from: "::ffff:192.0.2.8")).result == .fail)
    }

    @Test(
        "Where a host has addresses of the other family alone, only its own term counts as one that found nothing"
    )
    func families() async {
        let hosts = (1...4).map { "a.ex MX h\($0).ex\nh\($0).ex A 10.0.0.\($0)" }.joined(separator: "\n")
        let checker = SPFChecker(TestZone("a.ex TXT v=spf1 mx -all\n\(hosts)"))
        #expect(await checker.check(Self.question("user@a.ex", from: "2001:db8::1")).result == .fail)
    }

    @Test("What a client has sent begins no new line, in no text")
    func texts() async {
        let sender: ByteString = "\"a\r\nX: b\"@fail.ex"
        let checker = SPFChecker(TestZone("fail.ex TXT v=spf1 -all"))
        let verdict = await checker.check(Self.question(sender))
        let explanation = await checker.explanation("%{s}", verdict.question)
        for text in [verdict.headerComment, verdict.receivedHeader, verdict.smtpComment(explanation) ?? ""] {
            #expect(!text.contains { !$0.isASCIIPrinting }, "\(text)")
        }
        #expect(verdict.receivedHeader.contains(ByteString("envelope-from=\"a??X: b\"@fail.ex;")))
    }

    @Test("Whatever octets a record has, a check ends with a result")
    func fuzz() async {
        var random = SeededGenerator(seed: 7208)
        let seeds: [ByteString] = [
            "v=spf1 a:%{d2r-}.ex/24//64 mx/16 ip4:192.0.2.0/24 ip6:2001:db8::/32 include:b.ex ~all",
            "v=spf1 exists:%{ir}.%{v}.%{l1r-}.ex ptr:%{p}.ex redirect=%{H9}.ex exp=why.%{o}.ex x=%{c}%_%%%-",
            "v=spf1 -all", "v=spf1 redirect=a.ex",
        ]
        let alphabet = ByteString("%{}/:.=+-~?0129 rRdDsSax\u{0}\u{7f}")
        for round in 0..<4000 {
            let record = seeds[round % seeds.count].mutated(alphabet: alphabet, using: &random)
            let zone = OneRecord(record: record)
            let verdict = await SPFChecker(zone).check(Self.question("user+x@a.ex"))
            #expect(!verdict.headerComment.contains { !$0.isASCIIPrinting })
            _ = await SPFChecker(zone).explanation(record, verdict.question)
        }
    }

    /// The same record at every name, and one address.
    private struct OneRecord: NameResolver {
        let record: ByteString

        func lookup(_ name: ByteString, _ type: RecordType) async -> DNSAnswer {
            switch type {
            case .txt: DNSAnswer(.records([DNSRecord(.text([record]))]))
            case .a: DNSAnswer(.records([DNSRecord(.address("10.0.0.1"))]))
            case .mx: DNSAnswer(.records([DNSRecord(.mailExchanger(preference: 1, exchange: name))]))
            default: DNSAnswer(.noData)
            }
        }
    }
}
