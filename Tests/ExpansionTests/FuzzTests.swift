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

    @Test("Changed lists never stop the program", arguments: [4, 5] as [UInt64])
    func lists(seed: UInt64) async {
        var generator = SeededGenerator(seed: seed)
        let lists: [ByteString] = [
            "a.example : *.b : ^x(.)y : !+q : @[] : lsearch;/etc/passwd",
            "<; 10.0.0.0/8; net24-lsearch;/etc/passwd",
            "*@a.b : @@lsearch;/etc/passwd : ^a@ : +caseful : x",
            ": partial3-lsearch*@;/etc/passwd : /etc/hosts",
        ]
        let expander = Expander(
            {
                var e = Environment(); e.lookups = .standard(); return e
            }())
        for round in 0..<400 {
            let list = ListText(Self.mutate(lists[round % lists.count], &generator))
            let subject = Self.mutate("user@host.example", &generator)
            var facts = Facts()
            _ = await expander.matchDomain(subject, in: list, &facts)
            _ = await expander.matchAddress(subject, in: list, &facts)
            _ = await expander.matchLocalPart(subject, in: list, &facts)
            let match = await expander.matchHost(
                HostIdentity(name: subject, address: "10.1.2.3"), in: list, &facts)
            #expect(match == match)
        }
    }

    @Test("Items nested too deep are an error, however deep", arguments: [100, 10_000, 200_000])
    func depth(count: Int) {
        let opened = ByteString(
            String(repeating: "${lc:", count: count) + String(repeating: "}", count: count))
        #expect(Template(opened).syntaxError != nil)
        let negated = ByteString("${if " + String(repeating: "!", count: count) + "eq{a}{b}}")
        #expect(Template(negated).syntaxError != nil)
    }

    @Test("Sums nested too deep are an error")
    func sums() async {
        let text = ByteString("${eval:" + String(repeating: "(", count: 100_000) + "}")
        await #expect(throws: ExpansionError.self) {
            try await Expander(Environment()).expand(Template(text), Facts())
        }
    }
}
