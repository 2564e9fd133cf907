import Bytes
import Expansion
import Lookups
import TestKit
import Testing

@Suite("Any octets are a value or an error")
struct FuzzTests {
    private static let pieces: [ByteString] = [
        "${", "}", "{", "$", "\\", "\\N", "${if ", "eq", "{a}", "${lookup", "lsearch", ":", "|", "^",
        "${map{", "$1",
        "${eval:", "9999999999999999999", "-", "${substr_-9_", "${hash_", "_", "${sg{", "${extract", "$h_",
        "${length_",
        "\u{0}", "\u{FF}", "<\n", "${sort{", "${reduce{", "${run{", "fail", " ", "match_ip", "10.0.0.0/", "[",
        "%",
    ]

    private static func mutate(_ text: ByteString, _ generator: inout SeededGenerator) -> ByteString {
        var text = text
        for _ in 0..<Int.random(in: 1...4, using: &generator) {
            let place = Int.random(in: 0...text.count, using: &generator)
            switch Int.random(in: 0..<4, using: &generator) {
            case 0: text.replaceSubrange(place..<place, with: pieces.randomElement(using: &generator) ?? "")
            case 1: text.replaceSubrange(place..<min(place + 3, text.count), with: [])
            case 2 where place < text.count: text[place] = UInt8.random(in: 0...255, using: &generator)
            default:
                let end = Int.random(in: place...text.count, using: &generator)
                text += ByteString(text[place..<end])
            }
        }
        return ByteString(text.prefix(2000))
    }

    @Test("Changed templates of the corpus never stop the program", arguments: [1, 2, 3] as [UInt64])
    func templates(seed: UInt64) async throws {
        var generator = SeededGenerator(seed: seed)
        let oracle = try Oracle()
        let lines = try oracle.lines(of: "expansions.txt").map { ByteString($0) }
        var environment = Environment()
        environment.lookups = .standard()
        environment.runProgram = { _ in ProgramOutcome(output: "ran", status: 0) }
        let expander = Expander(environment)
        var values = 0
        for line in lines {
            for _ in 0..<4 {
                let text = Self.mutate(line, &generator)
                do {
                    _ = try await expander.expand(Template(text), Facts())
                    values += 1
                } catch {
                    #expect(!error.text.contains(ByteString("not reachable")))
                }
            }
        }
        #expect(values > 0)
        try oracle.remove()
    }

    /// Every kind of item of the manual's chapter 10.
    private static let items: [ByteString] = [
        "a.example", "*.b.example", "*", "@", "@[]", "@mx_any", "@mx_primary/ignore=10.0.0.0/8", "^x(.)y",
        "^(?i)(a+)+$", "\\N^\\d{3}$\\N", "lsearch;/etc/passwd", "partial3-lsearch*@;/etc/passwd",
        "partial(x.)nwildlsearch;/etc/passwd", "dsearch,filter=file;/etc", "/etc/hosts", "+named", "+loop",
        "10.0.0.0/8", "10.1.2.3", "2001:db8::/32", "::ffff:10.1.2.3", "net24-lsearch;/etc/passwd",
        "net-iplsearch;/etc/hosts", "*@a.b", "x*@a.b", "user@*.example", "@@lsearch;/etc/passwd",
        "^user@", "user@+named", "", "<>", "+caseful", "+ignore_unknown", "+include_defer", "10.0.0.0/33",
        "sqlite,file=/etc/passwd;select 1",
    ]

    private static var lists: Expander {
        var environment = Environment()
        environment.lookups = .standard()
        environment.namedLists.domain["named"] = ListText("*.example : !x.example")
        environment.namedLists.domain["loop"] = ListText("+loop")
        environment.localInterfaces = { ["10.1.2.3"] }
        return Expander(environment)
    }

    @Test(
        "Changed lists never stop the program, and an answer is one of three", arguments: [4, 5] as [UInt64])
    func lists(seed: UInt64) async {
        var generator = SeededGenerator(seed: seed)
        let expander = Self.lists
        var found: Set<String> = []
        for _ in 0..<400 {
            let chosen = (0..<4).map { _ in Self.items.randomElement(using: &generator) ?? "" }
            let list = ListText(Self.mutate(chosen.joined(separator: " : "), &generator))
            let subject = Self.mutate("user@host.example", &generator)
            var facts = Facts()
            let host = HostIdentity(name: subject, address: "10.1.2.3")
            for match in [
                await expander.matchDomain(subject, in: list, &facts),
                await expander.matchAddress(subject, in: list, &facts),
                await expander.matchLocalPart(subject, in: list, &facts),
                await expander.matchHost(host, in: list, &facts),
            ] {
                switch match {
                case .matched: found.insert("matched")
                case .notMatched: found.insert("not matched")
                case .deferred(let reason):
                    found.insert("deferred")
                    #expect(!reason.isEmpty)
                }
            }
        }
        #expect(found.count == 3)
    }

    @Test(
        "A changed item and the same with an exclamation mark say the opposite, or neither can tell",
        arguments: [6, 7] as [UInt64])
    func negation(seed: UInt64) async {
        var generator = SeededGenerator(seed: seed)
        let expander = Self.lists
        for round in 0..<600 {
            let text = Self.mutate(Self.items[round % Self.items.count], &generator)
            let item = ByteString(text.filter { $0 != .newline && $0 != 0 }.trimmed())
            // Such items are no patterns: they change how others are taken, or are negated already.
            guard let first = item.first, first != UInt8(ascii: "+"), first != UInt8(ascii: "!") else {
                continue
            }
            let subject = Self.mutate("user@a.example", &generator)
            var facts = Facts()
            let (plain, negated) = (ListText(literal: "<\n \(item)"), ListText(literal: "<\n !\(item)"))
            let pairs = [
                (
                    await expander.matchDomain(subject, in: plain, &facts),
                    await expander.matchDomain(subject, in: negated, &facts)
                ),
                (
                    await expander.matchLocalPart(subject, in: plain, &facts),
                    await expander.matchLocalPart(subject, in: negated, &facts)
                ),
                (
                    await expander.matchAddress(subject, in: plain, &facts),
                    await expander.matchAddress(subject, in: negated, &facts)
                ),
            ]
            for (one, other) in pairs {
                switch (one, other) {
                case (.matched, .notMatched), (.notMatched, .matched), (.deferred, .deferred): continue
                default: Issue.record("\(item.string), \(subject.string): \(one), \(other)")
                }
            }
        }
    }

    @Test(
        "A pattern that would take for ever ends, and cannot be told",
        arguments: ["^(a+)+$", "^(a|aa)+$", "^(.*)(.*)(.*)(.*)(.*)(.*)(.*)b$"] as [ByteString])
    func endlessPatterns(pattern: ByteString) async {
        var facts = Facts()
        let subject = ByteString(String(repeating: "a", count: 4000) + "!")
        let answer = await Self.lists.matchLocalPart(subject, in: ListText(literal: pattern), &facts)
        #expect(!answer.isMatch)
    }

    @Test("Named lists that contain each other cannot be told")
    func loops() async {
        var facts = Facts()
        let answer = await Self.lists.matchDomain("a.example", in: ListText("+loop"), &facts)
        guard case .deferred = answer else {
            Issue.record("\(answer)")
            return
        }
    }

    @Test("Items nested too deep are an error, however deep", arguments: [500, 10_000, 200_000])
    func depth(count: Int) {
        let opened = ByteString(
            String(repeating: "${lc:", count: count) + String(repeating: "}", count: count))
        #expect(Template(opened).syntaxError != nil)
        let negated = ByteString("${if " + String(repeating: "!", count: count) + "eq{a}{b}}")
        #expect(Template(negated).syntaxError != nil)
    }

    @Test("A chain of 380 alternatives, each in the one before, is expanded")
    func chain() async throws {
        let opened = (1...380).map { "${if eq{$h_x:}{\($0)}{\($0)}{" }.joined()
        let text = ByteString(opened + "last" + String(repeating: "}}", count: 380))
        #expect(try await Expander(Environment()).expand(Template(text), Facts()).bytes == "last")
    }

    @Test("Sums nested too deep are an error")
    func sums() async {
        let text = ByteString("${eval:" + String(repeating: "(", count: 100_000) + "}")
        await #expect(throws: ExpansionError.self) {
            try await Expander(Environment()).expand(Template(text), Facts())
        }
    }
}
