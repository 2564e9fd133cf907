import Bytes
import DNS
import Foundation
import Lookups
import TestKit
import Testing

@Suite("Lookup drivers")
struct DriverTests {
    private let place: TemporaryDirectory

    init() throws { place = try TemporaryDirectory() }

    private func file(_ contents: ByteString) throws -> URL {
        URL(filePath: try place.write(contents, to: ByteString("lookup-\(UUID().uuidString)")).string)
    }

    private func find(
        _ type: ByteString, _ key: ByteString, _ file: ByteString, _ drivers: LookupDrivers = .standard()
    ) async throws -> LookupOutcome {
        let (type, driver) = try drivers.resolve(type)
        let request = LookupRequest(key: driver.style == .query ? file : key, file: file)
        return await drivers.search(type, driver, request).outcome
    }

    @Test("A file that has changed on disk is read again, and one that has not is not lost")
    func cache() async throws {
        let drivers = LookupDrivers.standard()
        let url = try file("a: one\n")
        #expect(try await find("lsearch", "a", ByteString(url.path), drivers) == .found("one"))
        #expect(try await find("lsearch", "a", ByteString(url.path), drivers) == .found("one"))
        try Data("a: another\n".utf8).write(to: url)
        #expect(try await find("lsearch", "a", ByteString(url.path), drivers) == .found("another"))
        try FileManager.default.removeItem(at: url)
        let text: ByteString = "failed to open \(url.path) for linear search: No such file or directory"
        #expect(try await find("lsearch", "a", ByteString(url.path), drivers) == .unusable(text))
    }

    @Test(
        "A name is given back when it may safely name a file, and is not found otherwise",
        arguments: [
            ("bob", true), ("a.b+c-d_e", true), ("0", true), ("", false), (".bob", false), ("../x", false),
            ("a/b", false), ("a b", false), ("-x", false), ("a\u{0}b", false),
            (String(repeating: "a", count: 65), false),
        ])
    func fileNames(name: String, isSafe: Bool) async throws {
        let driver = try #require(LookupDrivers.standard().driver(named: "filename"))
        let expected: LookupOutcome = isSafe ? .found(ByteString(name)) : .notFound
        #expect(await driver.find(LookupRequest(key: ByteString(name))) == expected)
    }

    @Test("A key with a zero in it names no entry of a directory, and no user")
    func zero() async throws {
        #expect(try await find("dsearch", "passwd", "/etc") == .found("passwd"))
        #expect(try await find("dsearch", "passwd\u{0}x", "/etc") == .notFound)
        #expect(try await find("passwd", "", "root") != .notFound)
        #expect(try await find("passwd", "", "root\u{0}x") == .notFound)
    }

    @Test(
        "A full address is a key like any other (AUX-04)",
        arguments: [
            ("user1@mydomain.com", LookupOutcome.found("")), ("USER2@thatdomain.com", .found("opt")),
            ("user3@mydomain.com", .notFound),
        ])
    func address(key: String, expected: LookupOutcome) async throws {
        let url = try file("user1@mydomain.com:\nuser2@thatdomain.com: opt\n")
        #expect(try await find("lsearch", ByteString(key), ByteString(url.path)) == expected)
    }

    @Test(
        "A HELO name is found by its pattern, as written (AUX-02)",
        arguments: [
            ("mail.dialup.example", LookupOutcome.found("dial")), ("10-0-0-1.pool.example", .found("pool")),
            ("$x", .found("dollar")), ("good.example", .notFound),
        ])
    func patterns(key: String, expected: LookupOutcome) async throws {
        let url = try file("*.dialup.example: dial\n^\\d+-\\d+.*pool: pool\n$x: dollar\n")
        #expect(try await find("nwildlsearch", ByteString(key), ByteString(url.path)) == expected)
    }

    @Test(
        "An address is found by its block, the first one in the file (AUX-03)",
        arguments: [
            ("192.0.2.7", LookupOutcome.found("100")), ("192.0.3.7", .found("10")),
            ("2001:db8::5", .found("6")),
            ("203.0.113.1", .notFound),
        ])
    func blocks(key: String, expected: LookupOutcome) async throws {
        let url = try file("192.0.2.0/24: 100\n192.0.0.0/16: 10\n\"2001:db8::/32\": 6\n")
        #expect(try await find("iplsearch", ByteString(key), ByteString(url.path)) == expected)
    }

    @Test(
        "A key is found by its first entry, however often and in whatever way it is sought", arguments: 0..<40
    )
    func manyEntries(seed: Int) async throws {
        var random = SeededGenerator(seed: UInt64(seed))
        var text = ByteString(), known: [ByteString: ByteString] = [:]
        let keys = (0..<60).map { number in
            ByteString(
                ["k\(number)", "K\(number % 7)", "a b\(number)", "x:\(number)", "", "\(number)@é.example"]
                    .randomElement(using: &random) ?? "")
        }
        for (number, key) in keys.enumerated() {
            let spelt = Bool.random(using: &random) ? key : key.uppercasedASCII()
            // An empty key needs quotes before a blank.
            let isBare =
                !key.isEmpty && !key.contains { $0.isASCIISpace || $0 == UInt8(ascii: ":") }
                && Bool.random(using: &random)
            text += (["# k1: no\n", "\n", "  \n", ""] as [ByteString]).randomElement(using: &random) ?? ""
            text += isBare ? spelt : "\"\(spelt)\""
            text += ([": ", " ", ":", " : "] as [ByteString]).randomElement(using: &random) ?? ":"
            text += "v\(number)" as ByteString
            if Bool.random(using: &random) { text += "\n#\n  more" as ByteString }
            let more: ByteString = text.ends(with: "more" as ByteString) ? " more" : ""
            if number < keys.count - 1 || Bool.random(using: &random) { text += "\n" as ByteString }
            if known[key.lowercasedASCII()] == nil { known[key.lowercasedASCII()] = "v\(number)\(more)" }
        }
        let drivers = LookupDrivers.standard()
        let path = ByteString(try file(text).path)
        // An empty key is never sought.
        known[""] = nil
        // The first search of a file runs through it, later ones have an index.
        for key in (keys + ["k", "k100", "none", "é"]).shuffled(using: &random) {
            let wanted = known[key.lowercasedASCII()].map { LookupOutcome.found($0) } ?? .notFound
            #expect(try await find("lsearch", key, path, drivers) == wanted, "\(key) in \(text)")
            #expect(try await find("lsearch", key, path) == wanted, "\(key) at first in \(text)")
        }
    }

    @Test("A constant database gives its data, and no broken one stops the program")
    func constant() async throws {
        let good = ConstantFile.make([("one", "first"), ("two", ""), ("three", "third")])
        let url = try file(good)
        #expect(try await find("cdb", "one", ByteString(url.path)) == .found("first"))
        #expect(try await find("cdb", "two", ByteString(url.path)) == .found(""))
        #expect(try await find("cdb", "four", ByteString(url.path)) == .notFound)
        for place in stride(from: 0, to: good.count, by: 7) {
            var bad = good
            bad[place] = 0xFF
            try Data(Array(bad.prefix(good.count - place % 50))).write(to: url)
            _ = try await find("cdb", "one", ByteString(url.path))
        }
    }

    @Test(
        "A type that partial or a default does not suit is refused with Exim's text",
        arguments: [
            ("nosuch", "unknown lookup type \"nosuch\""),
            ("partial-passwd", "\"partial\" is not permitted for lookup type \"passwd\""),
            ("passwd*", "defaults using \"*\" or \"*@\" are not permitted for lookup type \"passwd*\""),
        ])
    func refused(type: String, text: String) {
        #expect(throws: LookupTrouble(ByteString(text))) {
            try LookupDrivers.standard().resolve(ByteString(type))
        }
    }

    @Test(
        "dnsdb formats records as the manual's section 9.10 says",
        arguments: [
            ("mx=example.com", "10 a.example\n20 b.example"), (">: mxh=example.com", "a.example:b.example"),
            (">:; mx=example.com", "10a.example:20b.example"), ("a+=example.com", "2001:db8::1\n192.0.2.1"),
            ("example.com", "one"), (">:,| txt=example.com", "one|two"), (">\n; txt=example.com", "onetwo"),
            ("spf=spf.example", "v=spf1 -all"), ("zns=a.b.com", "ns.example"),
            ("srv=s.example", "1 2 25 t.example"),
            ("ptr=192.0.2.1", "host.example"),
            ("defer_never,mx=slow.example:example.com", "10 a.example\n20 b.example"),
        ])
    func records(query: String, expected: String) async throws {
        let records: [(ByteString, RecordType, [DNSRecordData])] = [
            (
                "example.com", .mx,
                [
                    .mailExchanger(preference: 10, exchange: "a.example"),
                    .mailExchanger(preference: 20, exchange: "b.example"),
                ]
            ),
            ("example.com", .a, [.address("192.0.2.1")]), ("example.com", .aaaa, [.address("2001:db8::1")]),
            ("example.com", .txt, [.text(["one", "two"])]),
            ("spf.example", .txt, [.text(["v=spf1 ", "-all"])]),
            ("1.2.0.192.in-addr.arpa", .ptr, [.name("host.example")]), ("com", .ns, [.name("ns.example")]),
            (
                "s.example", .srv,
                [.service(DNSService(priority: 1, weight: 2, port: 25, target: "t.example"))]
            ),
        ]
        var answers: [FixedResolver.Question: DNSAnswer] = [
            .init("slow.example", .mx): DNSAnswer(.tryAgain("slow"))
        ]
        for (name, type, data) in records {
            answers[.init(name, type)] = DNSAnswer(.records(data.map { DNSRecord($0) }))
        }
        let drivers = LookupDrivers.standard(resolver: FixedResolver(answers))
        #expect(try await find("dnsdb", "", ByteString(query), drivers) == .found(ByteString(expected)))
    }

    @Test(
        "dnsdb reads csa records as section 44.52 says: a letter and the target, X where a domain above demands records",
        arguments: [
            ("csa=yes.example", "Y a.example"), ("csa=no.example", "N a.example"),
            ("csa=maybe.example", "? b.example"),
            ("csa=both.example", "N a.example\nY b.example"),
            (">/ csa=both.example", "N a.example/Y b.example"),
            ("csa=x.deep.demands.example", "X a.example"), ("csa=192.0.2.1", "Y a.example"),
            ("csa=[192.0.2.1]", "Y a.example"),
            ("csa=x.yes.example", nil), ("csa=odd.example", nil), ("csa=other.example", nil),
            ("csa=a.b.c.d.e.f.demands.example", nil), ("csa=x.example", nil),
        ] as [(ByteString, ByteString?)])
    func authorization(query: ByteString, expected: ByteString?) async throws {
        let records: [(ByteString, [(UInt16, UInt16, UInt16, ByteString)])] = [
            ("yes.example", [(1, 2, 0, "a.example")]), ("no.example", [(1, 1, 0, "a.example")]),
            ("maybe.example", [(1, 3, 0, "b.example")]), ("odd.example", [(1, 9, 0, "b.example")]),
            ("other.example", [(2, 2, 0, "b.example")]), ("demands.example", [(1, 2, 1, "a.example")]),
            ("both.example", [(1, 0, 0, "a.example"), (1, 2, 0, "b.example")]),
            ("example", [(1, 2, 1, "a.example")]),
            ("1.2.0.192.in-addr.arpa", [(1, 2, 0, "a.example")]),
        ]
        var answers: [FixedResolver.Question: DNSAnswer] = [:]
        for (name, services) in records {
            let data = services.map {
                DNSRecord(.service(DNSService(priority: $0.0, weight: $0.1, port: $0.2, target: $0.3)))
            }
            answers[.init("_client._smtp.\(name)", .srv)] = DNSAnswer(.records(data))
        }
        let drivers = LookupDrivers.standard(resolver: FixedResolver(answers))
        let wanted = expected.map { LookupOutcome.found($0) } ?? .notFound
        #expect(try await find("dnsdb", "", query, drivers) == wanted)
    }
}

/// Writes a constant database, as the format's description has it.
enum ConstantFile {
    static func make(_ records: [(ByteString, ByteString)]) -> ByteString {
        var data = ByteString()
        var tables = [[(hash: UInt32, place: Int)]](repeating: [], count: 256)
        for (key, value) in records {
            let hash = key.reduce(5381 as UInt32) { ($0 &<< 5 &+ $0) ^ UInt32($1) }
            tables[Int(hash & 255)].append((hash, 2048 + data.count))
            data += word(key.count) + word(value.count) + key + value
        }
        var header = ByteString()
        for table in tables {
            let slots = table.count * 2
            header += word(2048 + data.count) + word(slots)
            var filled = [(hash: UInt32, place: Int)](repeating: (0, 0), count: slots)
            for entry in table {
                var slot = Int(entry.hash >> 8) % slots
                while filled[slot].place != 0 { slot = (slot + 1) % slots }
                filled[slot] = entry
            }
            for entry in filled { data += word(Int(entry.hash)) + word(entry.place) }
        }
        return header + data
    }

    private static func word(_ value: Int) -> ByteString {
        ByteString((0..<4).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) })
    }
}
