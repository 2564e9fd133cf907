import Bytes
import DNS
import TestKit
import Testing

@Suite("Names that are not whole")
struct DomainSearchTests {
    @Test(
        "The last of search and domain counts, and else the host's own domain",
        arguments: [
            ("search a.test b.test\n", ["a.test", "b.test"], 1),
            ("nameserver 127.0.0.1\ndomain c.test extra\n", ["c.test"], 1),
            ("domain c.test\nsearch a.test.\n", ["a.test"], 1),
            ("search a.test\ndomain c.test\n", ["c.test"], 1),
            ("", ["host.test"], 1), ("# search x\n; search y\n", ["host.test"], 1),
            ("search\toptions\noptions timeout:2 ndots:3\n", ["options"], 3),
            ("options ndots:99\n", ["host.test"], 15), ("options ndots:-1 ndots:x\n", ["host.test"], 1),
        ] as [(ByteString, [ByteString], Int)])
    func reading(text: ByteString, domains: [ByteString], dots: Int) {
        let search = DomainSearch(resolvConf: text, hostName: "mail.host.test")
        #expect(search.domains == domains)
        #expect(search.dots == dots)
    }

    @Test(
        "A name is completed as the resolver's options have it",
        arguments: [
            ("x", true, false, ["x.a.test", "x"]), ("x", true, true, ["x.a.test", "x.b.test", "x"]),
            ("x", false, true, ["x"]), ("x.y", true, false, ["x.y"]),
            ("x.y", true, true, ["x.y", "x.y.a.test", "x.y.b.test"]), ("x.", true, true, ["x."]),
            ("", true, true, [".a.test", ".b.test", ""]),
        ] as [(ByteString, Bool, Bool, [ByteString])])
    func names(name: ByteString, qualify: Bool, search: Bool, wanted: [ByteString]) {
        let domains = DomainSearch(domains: ["a.test", "b.test"])
        #expect(domains.names(for: name, qualify: qualify, search: search) == wanted)
    }

    @Test("With ndots, a name with fewer dots is tried with the domains first")
    func dots() {
        var search = DomainSearch(domains: ["a.test"])
        search.dots = 2
        #expect(search.names(for: "x.y", qualify: true, search: true) == ["x.y.a.test", "x.y"])
        #expect(search.names(for: "x.y.z", qualify: true, search: true) == ["x.y.z", "x.y.z.a.test"])
    }

    @Test("Any octets are a resolv.conf, with no more domains and dots than the limits")
    func fuzz() {
        var random = SeededGenerator(seed: 171)
        for _ in 0..<2000 {
            let text = ("search a.test b.test\noptions ndots:2 x\ndomain c.test\n" as ByteString)
                .mutated(using: &random)
            let search = DomainSearch(resolvConf: text, hostName: text)
            #expect(search.domains.count <= DomainSearch.mostDomains)
            #expect((0...DomainSearch.mostDots).contains(search.dots))
            #expect(search.names(for: "x", qualify: true, search: true).last == "x")
        }
        let many = ByteString("search" + String(repeating: " a.test", count: 1000))
        #expect(DomainSearch(resolvConf: many, hostName: "").domains.count == DomainSearch.mostDomains)
    }
}
