import Bytes
import DNS
import Synchronization
import TestKit
import Testing

extension Resolver {
    /// A resolver that asks only that server, and trusts these keys.
    convenience init(_ server: ZoneServer, anchors: [ByteString] = []) throws {
        var settings = ResolverSettings()
        settings.servers = .forward([server.forwarder])
        settings.anchors = anchors.isEmpty ? .none : .records(anchors)
        settings.timeLimit = .seconds(10)
        try self.init(settings)
    }
}

let plainZone = ZoneServer.Zone(
    "plain.test",
    """
    @ IN MX 10 mx1
    @ IN MX 20 mx2
    @ IN TXT "v=spf1 -all" "second string"
    @ IN TXT "one " "two"
    mx1 IN A 192.0.2.1
    mx1 IN AAAA 2001:db8::1
    mx2 IN A 192.0.2.2
    www IN CNAME mx1
    loop1 IN CNAME loop2
    loop2 IN CNAME loop1
    _smtp._tcp IN SRV 5 10 2525 mx1
    _25._tcp.mx1 IN TLSA 3 1 1 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
    _under IN A 192.0.2.9
    odd- IN TXT "odd"
    odd- IN A 192.0.2.9
    sp\\032ace IN TXT "space"

    """)

@Suite("Resolver", .timeLimit(.minutes(20)))
struct ResolverTests {
    @Test("Records of every type arrive typed")
    func typed() async throws {
        try await ZoneServer.serving([plainZone]) { server in
            let resolver = try Resolver(server)
            let mx = await resolver.lookup("plain.test", .mx)
            #expect(
                Set(mx.records.map(\.data)) == [
                    .mailExchanger(preference: 10, exchange: "mx1.plain.test"),
                    .mailExchanger(preference: 20, exchange: "mx2.plain.test"),
                ])
            #expect((1...300).contains(mx.timeToLive))
            #expect(!mx.secure)
            let text = await resolver.lookup("plain.test", .txt)
            #expect(
                Set(text.records.map(\.data)) == [
                    .text(["v=spf1 -all", "second string"]), .text(["one ", "two"]),
                ])
            let service = await resolver.lookup("_smtp._tcp.plain.test", .srv)
            #expect(
                service.records.map(\.data) == [
                    .service(DNSService(priority: 5, weight: 10, port: 2525, target: "mx1.plain.test"))
                ])
            let tlsa = await resolver.lookup("_25._tcp.mx1.plain.test", .tlsa)
            let half = ByteString([0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF])
            #expect(
                tlsa.records.map(\.data) == [
                    .certificateAssociation(
                        TLSARecord(usage: 3, selector: 1, matching: 1, association: half + half + half + half)
                    )
                ])
            let authority = await resolver.lookup("plain.test", .soa)
            guard case .authority(let soa) = authority.records.first?.data else {
                Issue.record("no SOA")
                return
            }
            #expect(soa.numbers == [1, 3600, 900, 604_800, 60])
            let servers = await resolver.lookup("plain.test", .ns)
            #expect(servers.records.map(\.data) == [.name("ns.plain.test")])
        }
    }

    @Test("Names of TXT records are asked for whatever they look like")
    func oddNames() async throws {
        try await ZoneServer.serving([plainZone]) { server in
            let resolver = try Resolver(server)
            #expect(await resolver.lookup("odd-.plain.test", .txt).records.map(\.data) == [.text(["odd"])])
            #expect(await resolver.lookup("odd-.plain.test", .a).outcome == .noSuchDomain)
            #expect(
                await resolver.lookup("sp ace.plain.test", .txt).records.map(\.data) == [.text(["space"])])
            #expect(await resolver.lookup("_under.plain.test", .a).records.count == 1)
        }
    }

    @Test("An alias is followed, and the name at its end told")
    func alias() async throws {
        try await ZoneServer.serving([plainZone]) { server in
            let answer = try await Resolver(server).lookup("WWW.plain.test", .a)
            #expect(answer.records.map(\.data) == [.address("192.0.2.1")])
            #expect(answer.canonicalName == "mx1.plain.test")
        }
    }

    @Test("No data, no such domain and a loop are told apart")
    func absence() async throws {
        try await ZoneServer.serving([plainZone]) { server in
            let resolver = try Resolver(server)
            #expect(await resolver.lookup("mx2.plain.test", .aaaa).outcome == .noData)
            #expect(await resolver.lookup("gone.plain.test", .a).outcome == .noSuchDomain)
            let loop = await resolver.lookup("loop1.plain.test", .a)
            guard case .tryAgain = loop.outcome else {
                Issue.record("a loop gave \(loop.outcome)")
                return
            }
        }
    }

    @Test("Answers of a signed zone are secure, their absence too")
    func secure() async throws {
        let (zone, anchor) = try ZoneServer.Zone("signed.test", plainZoneRecords).signed()
        try await ZoneServer.serving([zone, plainZone]) { server in
            let resolver = try Resolver(server, anchors: [anchor])
            let answer = await resolver.lookup("mx1.signed.test", .a)
            #expect(answer.records.map(\.data) == [.address("192.0.2.1")])
            #expect(answer.secure)
            let none = await resolver.lookup("mx1.signed.test", .aaaa)
            #expect(none.outcome == .noData)
            #expect(none.secure)
            let gone = await resolver.lookup("gone.signed.test", .a)
            #expect(gone.outcome == .noSuchDomain)
            #expect(gone.secure)
            #expect(await resolver.lookup("plain.test", .mx).secure == false)
        }
    }

    @Test("A forged record of a signed zone means to try again, and says why")
    func bogus() async throws {
        let (zone, anchor) = try ZoneServer.Zone("signed.test", plainZoneRecords).signed()
        let forged = zone.tampered("192.0.2.1\n", with: "192.0.2.66\n")
        try await ZoneServer.serving([forged]) { server in
            let answer = try await Resolver(server, anchors: [anchor]).lookup("mx1.signed.test", .a)
            guard case .tryAgain(let reason) = answer.outcome else {
                Issue.record("a forged record gave \(answer.outcome)")
                return
            }
            #expect(reason.contains(ByteString("DNSSEC validation")))
            #expect(!answer.secure)
            let unvalidated = try await Resolver(server).lookup("mx1.signed.test", .a)
            #expect(unvalidated.records.map(\.data) == [.address("192.0.2.66")])
            #expect(!unvalidated.secure)
        }
    }

    @Test(
        "Servers that know no DNSSEC are asked without it, where nobody insists; it is told once, and nothing is secure"
    )
    func withoutDNSSEC() async throws {
        try await ZoneServer.serving([plainZone]) { server in
            var settings = ResolverSettings()
            settings.servers = .forward([server.forwarder])
            settings.timeLimit = .seconds(10)
            let notes = Mutex<[ByteString]>([])
            settings.noteUnvalidated = { text in notes.withLock { $0.append(text) } }
            let resolver = try Resolver(settings)
            for name: ByteString in ["mx1.plain.test", "mx2.plain.test"] {
                let answer = await resolver.lookup(name, .a)
                #expect(answer.records.count == 1)
                #expect(!answer.secure)
            }
            #expect(notes.withLock { $0.count } == 1)
            settings.anchors = .root
            guard case .tryAgain = try await Resolver(settings).lookup("mx1.plain.test", .a).outcome else {
                Issue.record("an answer that cannot be validated was taken although validation was asked for")
                return
            }
        }
    }

    @Test("A signed zone without its signatures means to try again")
    func stripped() async throws {
        let (_, anchor) = try ZoneServer.Zone("signed.test", plainZoneRecords).signed()
        try await ZoneServer.serving([ZoneServer.Zone("signed.test", plainZoneRecords)]) { server in
            let answer = try await Resolver(server, anchors: [anchor]).lookup("mx1.signed.test", .a)
            guard case .tryAgain = answer.outcome else {
                Issue.record("gave \(answer.outcome)")
                return
            }
        }
    }

    @Test(
        "Names that Exim would not look up do not exist, without a question",
        arguments: [
            "a b.test", "-x.test", "x-.test", "a..test", "", "*.test", "b\u{e4}d.test", ".test",
        ])
    func unusual(name: String) async throws {
        var settings = ResolverSettings()
        settings.servers = .forward(["127.0.0.1@9"])
        settings.anchors = .none
        let answer = try await Resolver(settings).lookup(ByteString(name), .a)
        #expect(answer.outcome == .noSuchDomain)
    }

    @Test("A server that does not answer means to try again after the time limit")
    func silence() async throws {
        let resolver = try silentResolver(limit: .milliseconds(50))
        guard case .tryAgain(let reason) = await resolver.lookup("x.test", .a).outcome else {
            Issue.record("an answer from nowhere")
            return
        }
        #expect(reason.contains(ByteString("time limit")))
    }

    @Test("A cancelled task gets its answer at once")
    func cancelled() async throws {
        let resolver = try silentResolver(limit: .seconds(100_000))
        let task = Task { await resolver.lookup("x.test", .a).outcome }
        task.cancel()
        guard case .tryAgain = await task.value else {
            Issue.record("an answer from nowhere")
            return
        }
    }

    @Test("A thousand questions at once all get their answers")
    func many() async throws {
        try await ZoneServer.serving([ZoneServer.Zone("many.test", "* IN A 192.0.2.7\n")]) { server in
            let resolver = try Resolver(server)
            let answers = await withTaskGroup(of: DNSOutcome.self) { group in
                for number in 0..<1000 {
                    group.addTask { await resolver.lookup("n\(number).many.test", .a).outcome }
                }
                return await group.reduce(into: [DNSOutcome]()) { $0.append($1) }
            }
            let expected = DNSOutcome.records([
                DNSRecord(.address("192.0.2.7"), rdata: ByteString([192, 0, 2, 7]))
            ])
            #expect(answers.count == 1000)
            #expect(answers.filter { $0 != expected } == [])
        }
    }

    @Test("The hosts file answers first, never securely; TCP alone works")
    func hostsAndTCP() async throws {
        let directory = try TemporaryDirectory()
        try await ZoneServer.serving([plainZone]) { server in
            var settings = ResolverSettings()
            settings.servers = .forward([server.forwarder])
            settings.anchors = .none
            settings.tcp = true
            settings.hostsFile = try directory.write("192.0.2.200 local.plain.test\n", to: "hosts")
            let resolver = try Resolver(settings)
            let local = await resolver.lookup("local.plain.test", .a)
            #expect(local.records.map(\.data) == [.address("192.0.2.200")])
            #expect(!local.secure)
            #expect(await resolver.lookup("mx2.plain.test", .a).records.count == 1)
        }
    }

    @Test("A setting that cannot be used is named")
    func settings() throws {
        var missing = ResolverSettings()
        missing.anchors = .file("/nonexistent/anchor")
        #expect { _ = try Resolver(missing) } throws: {
            ($0 as? ResolverError)?.setting == "/nonexistent/anchor"
        }
        var garbled = ResolverSettings()
        garbled.anchors = .records(["not a key"])
        #expect(throws: ResolverError.self) { _ = try Resolver(garbled) }
        var nowhere = ResolverSettings()
        nowhere.servers = .resolvConf("/nonexistent/resolv.conf")
        #expect(throws: ResolverError.self) { _ = try Resolver(nowhere) }
    }

    @Test("The root's keys from Debian's dns-root-data are accepted")
    func rootKeys() throws {
        _ = try Resolver(ResolverSettings())
    }
}

/// A resolver whose server is a port where nothing listens but packets vanish: TEST-NET-1 is never routed.
private func silentResolver(limit: Duration) throws -> Resolver {
    var settings = ResolverSettings()
    settings.servers = .forward(["192.0.2.1"])
    settings.anchors = .none
    settings.timeLimit = limit
    return try Resolver(settings)
}

private let plainZoneRecords: ByteString = """
    @ IN MX 10 mx1
    mx1 IN A 192.0.2.1

    """
