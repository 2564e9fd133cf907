import Bytes
import Routing
import TestKit
import Testing

@Suite("Lists of redirection items")
struct RedirectionListTests {
    @Test(
        "A list is parted at commas and newlines outside quotes",
        arguments: [
            (
                "a@b, c@d",
                [RedirectionItem.address("a@b", isBackslashed: false), .address("c@d", isBackslashed: false)]
            ),
            (
                "# all\na@b, # one, two\nc",
                [.address("a@b", isBackslashed: false), .address("c", isBackslashed: false)]
            ),
            ("\"|/bin/echo a, b\"", [.pipe("|/bin/echo a, b")]),
            ("/var/mail/x, /dir/", [.file("/var/mail/x"), .file("/dir/")]),
            ("\\local", [.address("local", isBackslashed: true)]),
            (":fail: gone, and away\nx@y", [.fail("gone, and away"), .address("x@y", isBackslashed: false)]),
            (":blackhole:", [.blackhole]),
            (":include:/etc/list", [.include("/etc/list")]),
            ("", []),
        ] as [(ByteString, [RedirectionItem])])
    func parting(list: ByteString, items: [RedirectionItem]) {
        #expect(RedirectionList.items(list) == items)
    }

    @Test("Any octets are a list of items")
    func fuzz() {
        var random = SeededGenerator(seed: 22)
        let seeds: [ByteString] = [
            "a@b, c@d, \"|/bin/echo a, b\"\n# comment\n:include:/x, \\local, /file/ , :fail: no",
            "Name <a@b> (comment (nested)), group: x@y;, \"quoted\\\"local\"@d",
        ]
        for round in 0..<4000 {
            let text = seeds[round % seeds.count].mutated(using: &random)
            #expect(RedirectionList.items(text).count <= RedirectionList.maximumItems)
            _ = HostItem(text)
        }
    }

    @Test(
        "A host item may have a port, brackets and MX",
        arguments: [
            ("host.example", "host.example", false, nil), ("host.example/MX", "host.example", true, nil),
            ("dom.tld/mx:1225", "dom.tld", true, 1225), ("[10.1.1.1]:25", "10.1.1.1", false, 25),
            ("::1", "::1", false, nil), ("[::1]:1226", "::1", false, 1226),
            ("[10.1.1.1]", "[10.1.1.1]", false, nil),
            ("host:99999", "host:99999", false, nil),
        ] as [(ByteString, ByteString, Bool, Int?)])
    func hostItems(text: ByteString, name: ByteString, isMX: Bool, port: Int?) {
        let item = HostItem(text)
        #expect(item.name == name)
        #expect(item.isMX == isMX)
        #expect(item.port == port)
    }
}
