import Bytes
import DNS
import TestKit
import Testing

@Suite("Host lookup", .timeLimit(.minutes(20)))
struct HostLookupTests {
    private static let zone = ZoneServer.Zone(
        "mail.test",
        """
        two IN MX 20 b
        two IN MX 10 a
        a IN A 192.0.2.1
        a IN AAAA 2001:db8::1
        b IN A 192.0.2.2
        equal IN MX 10 a
        equal IN MX 10 b
        equal IN MX 10 c
        c IN A 192.0.2.3
        same IN MX 10 a
        same IN MX 20 alias
        alias IN A 192.0.2.1
        alias IN A 192.0.2.4
        null IN MX 0 .
        only IN A 192.0.2.9
        empty IN TXT "nothing"
        dangling IN MX 10 nowhere
        literal IN MX 10 192.0.2.1.
        srv IN MX 10 b
        _smtp._tcp.srv IN SRV 20 0 26 b
        _smtp._tcp.srv IN SRV 10 0 25 a
        _smtp._tcp.nosrv IN SRV 0 0 0 .
        nosrv IN A 192.0.2.8

        """)

    private static func found(
        _ domain: ByteString, seed: UInt64 = 1, _ change: (inout HostLookup.Options) -> Void = { _ in }
    ) async throws -> MailHostsOutcome {
        var options = HostLookup.Options()
        change(&options)
        return try await ZoneServer.serving([zone]) { [options] server in
            var random = SeededGenerator(seed: seed)
            let lookup = HostLookup(try Resolver(server), options: options)
            return await lookup.mailHosts(of: domain, random: &random)
        }
    }

    private static func hosts(_ outcome: MailHostsOutcome) -> [String] {
        guard case .hosts(let list) = outcome else { return ["\(outcome)"] }
        return list.hosts.map { host in
            let addresses = host.addresses.map(\.description).joined(separator: " ")
            return "\(host.name) \(host.preference.map(String.init) ?? "-") \(addresses)"
        }
    }

    @Test("MX hosts come by preference, IPv6 before IPv4")
    func sorted() async throws {
        let outcome = try await Self.found("two.mail.test")
        #expect(
            Self.hosts(outcome) == [
                "a.mail.test 10 2001:db8::1 192.0.2.1", "b.mail.test 20 192.0.2.2",
            ])
    }

    @Test("ipv4_prefer turns the families round, ipv4_only leaves one out")
    func families() async throws {
        let preferring = try await Self.found("two.mail.test") { $0.ipv4Prefer = true }
        #expect(Self.hosts(preferring).first == "a.mail.test 10 192.0.2.1 2001:db8::1")
        let only = try await Self.found("two.mail.test") { $0.ipv4Only = true }
        #expect(Self.hosts(only).first == "a.mail.test 10 192.0.2.1")
    }

    @Test("Hosts of equal preference come in every order")
    func shuffled() async throws {
        try await ZoneServer.serving([Self.zone]) { server in
            let lookup = HostLookup(try Resolver(server))
            var random = SeededGenerator(seed: 3)
            var orders: Set<[String]> = []
            for _ in 0..<100 {
                orders.insert(Self.hosts(await lookup.mailHosts(of: "equal.mail.test", random: &random)))
            }
            #expect(orders.count == 6)
        }
    }

    @Test("An address is tried once, at its best host")
    func duplicates() async throws {
        #expect(
            Self.hosts(try await Self.found("same.mail.test")) == [
                "a.mail.test 10 2001:db8::1 192.0.2.1", "alias.mail.test 20 192.0.2.4",
            ])
    }

    @Test("A null MX takes no mail")
    func null() async throws {
        #expect(try await Self.found("null.mail.test") == .noService(secure: false))
    }

    @Test("A domain without MX is its own host, unless MX is required")
    func implicit() async throws {
        #expect(Self.hosts(try await Self.found("only.mail.test")) == ["only.mail.test - 192.0.2.9"])
        let required = try await Self.found("only.mail.test") { $0.requireMX = true }
        #expect(required == .noHosts(secure: false))
    }

    @Test("No address at all, no domain at all, and no target with an address are told apart")
    func absences() async throws {
        #expect(try await Self.found("empty.mail.test") == .noHosts(secure: false))
        #expect(try await Self.found("gone.mail.test") == .noSuchDomain(secure: false))
        #expect(
            try await Self.found("dangling.mail.test")
                == .hostsWithoutAddress(invalidlyIPAddresses: false, domain: "dangling.mail.test"))
        #expect(
            try await Self.found("literal.mail.test")
                == .hostsWithoutAddress(invalidlyIPAddresses: true, domain: "literal.mail.test"))
    }

    @Test("SRV comes before MX where it is asked for, with its ports")
    func services() async throws {
        let outcome = try await Self.found("srv.mail.test") { $0.services = ["smtp"] }
        guard case .hosts(let list) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(list.hosts.map(\.port) == [25, 26])
        let none = try await Self.found("nosrv.mail.test") { $0.services = ["smtp"] }
        #expect(none == .noService(secure: false))
        let without = try await Self.found("two.mail.test") { $0.services = ["smtp"] }
        #expect(Self.hosts(without).count == 2)
    }

    @Test("Trouble with MX defers; a host whose addresses are not known now stays in the list")
    func trouble() async throws {
        let resolver = FixedResolver([
            .init("bad.test", .mx): DNSAnswer(.tryAgain("down")),
            .init("half.test", .mx): DNSAnswer(
                .records([
                    DNSRecord(.mailExchanger(preference: 1, exchange: "slow.test")),
                    DNSRecord(.mailExchanger(preference: 2, exchange: "good.test")),
                ])),
            .init("slow.test", .a): DNSAnswer(.tryAgain("slow")),
            .init("good.test", .a): DNSAnswer(.records([DNSRecord(.address("192.0.2.1"))]), secure: true),
            .init("all.test", .mx): DNSAnswer(
                .records([DNSRecord(.mailExchanger(preference: 1, exchange: "slow.test"))])),
        ])
        var random = SeededGenerator(seed: 1)
        let lookup = HostLookup(resolver)
        #expect(await lookup.mailHosts(of: "bad.test", random: &random) == .deferred("down"))
        guard case .hosts(let half) = await lookup.mailHosts(of: "half.test", random: &random) else {
            Issue.record("no hosts")
            return
        }
        #expect(half.hosts.map(\.deferral) == ["slow", nil])
        #expect(half.hosts.map(\.secure) == [false, true])
        guard case .deferred = await lookup.mailHosts(of: "all.test", random: &random) else {
            Issue.record("not deferred")
            return
        }
    }

    @Test("A name of an address counts only when it leads back")
    func reverse() async throws {
        let reverse = ZoneServer.Zone(
            "2.0.192.in-addr.arpa",
            """
            1 IN PTR a.mail.test.
            1 IN PTR liar.mail.test.
            2 IN PTR liar.mail.test.

            """)
        try await ZoneServer.serving([Self.zone, reverse]) { server in
            let lookup = HostLookup(try Resolver(server))
            #expect(await lookup.names(of: "192.0.2.1") == .names(["a.mail.test"], secure: false))
            #expect(await lookup.names(of: "192.0.2.2") == .none(unconfirmed: ["liar.mail.test"]))
            #expect(await lookup.names(of: "192.0.2.3") == .none(unconfirmed: []))
        }
    }

    @Test("Hosts of a signed domain are secure")
    func secure() async throws {
        let (zone, anchor) = try ZoneServer.Zone("s.test", "@ IN MX 1 a\na IN A 192.0.2.1\n").signed()
        try await ZoneServer.serving([zone]) { server in
            var random = SeededGenerator(seed: 1)
            let lookup = HostLookup(try Resolver(server, anchors: [anchor]))
            guard case .hosts(let list) = await lookup.mailHosts(of: "s.test", random: &random) else {
                Issue.record("no hosts")
                return
            }
            #expect(list.secure)
            #expect(list.hosts.map(\.secure) == [true])
        }
    }
}
