import Bytes
import Configuration
import Expansion
import Testing

@testable import Receiver

@Suite struct ReserveTests {
    @Test(
        "Each connection has a descriptor kept for its message, until there are many thousands",
        arguments: [
            (limit: 220, used: 36, most: 60), (limit: 1024, used: 40, most: 460),
            (limit: 90, used: 40, most: 1),
            (limit: 20_000, used: 40, most: 15_800), (limit: 0, used: 100, most: 1),
        ])
    func most(limit: Int, used: Int, most: Int) {
        #expect(DescriptorReserve(limit: limit, used: used).most == most)
    }

    @Test("Who comes when all is reserved counts until he has gone")
    func counting() {
        let reserve = DescriptorReserve(limit: DescriptorReserve.spare + 4, used: 0)
        #expect(reserve.enter())
        #expect(reserve.enter())
        #expect(!reserve.enter())
        reserve.leave()
        reserve.leave()
        #expect(reserve.enter())
    }

    @Test(
        "An answer by RFC 1413 counts for its own ports only, and in its one form",
        arguments: [
            ("6191, 25 : USERID : UNIX : stjohns\r", "stjohns"), ("6191,25:userid:OTHER:a: b ", "a: b"),
            ("6192, 25 : USERID : UNIX : x", nil), ("6191, 26 : USERID : UNIX : x", nil),
            ("6191, 25 : ERROR : NO-USER", nil), ("6191, 25 : USERID : UNIX : ", nil), ("", nil),
            ("6191 : USERID : UNIX : x", nil), ("x, y : USERID : UNIX : x", nil), (":::", nil),
        ] as [(ByteString, ByteString?)])
    func ident(line: ByteString, name: ByteString?) throws {
        var facts = ConnectionFacts()
        facts.remoteAddress = IPAddress("192.0.2.1")
        facts.remotePort = 6191
        facts.interfaceAddress = IPAddress("192.0.2.2")
        facts.interfacePort = 25
        let query = try #require(IdentQuery(facts, timeout: 1))
        #expect(query.name(in: line) == name)
    }

    @Test("A pattern that is no regular expression is told")
    func badPattern() throws {
        let main = try Configuration.read(text: "gecos_pattern = (\n", file: "", macros: []).main
        var told: [ByteString] = []
        _ = GecosRules(main) { told.append($0) }
        #expect(told == ["gecos_pattern is no regular expression: \"(\""])
    }
}
