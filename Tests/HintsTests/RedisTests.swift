import Bytes
import Hints
import Redis
import TestKit
import Testing

@Suite("Hints in a Redis server", .timeLimit(.minutes(20)))
struct RedisTests {
    private let notices = Notices()
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func settings(_ backend: HintsBackend) -> HintsSettings {
        var settings = HintsSettings(directory: directory.file("db"))
        settings.backend = backend
        settings.notice = { [notices] in notices.hear($0) }
        return settings
    }

    private func settings(_ text: ByteString, rest: Duration = .zero) throws -> HintsSettings {
        settings(.redis(RedisHints(try RedisServer(parsing: ByteString(text.dropFirst(6))), rest: rest)))
    }

    @Test(
        "hints_backend names a server as redis_servers does",
        arguments: [
            ("redis:h/10/", .host("h", port: 6379), 10, nil),
            ("redis:h//secret", .host("h", port: 6379), 0, "secret"),
            ("redis:h//", .host("h", port: 6379), 0, nil), ("redis:h", .host("h", port: 6379), 0, nil),
            ("redis:h:7000/2", .host("h", port: 7000), 2, nil),
            ("redis:[::1]:7000/2/a/b", .host("::1", port: 7000), 2, "a/b"),
            ("redis:[::1]", .host("::1", port: 6379), 0, nil),
            ("redis:localhost(/run/redis/r.sock)/3/x", .socket("/run/redis/r.sock"), 3, "x"),
        ] as [(ByteString, RedisServer.Place, Int, ByteString?)])
    func parsed(text: ByteString, place: RedisServer.Place, database: Int, password: ByteString?) throws {
        let server = try RedisServer(parsing: ByteString(text.dropFirst(6)))
        #expect(server == RedisServer(place, database: database, password: password))
        #expect(!server.description.contains("secret"))
        guard case .redis = try HintsBackend(parsing: text) else {
            Issue.record("\(text) is no server")
            return
        }
    }

    @Test(
        "What names no server is refused, and no password is told",
        arguments: [
            "", "redis", "redis:", "redis:/0/secret", "redis:h:0//secret", "redis:h:70000//secret",
            "redis:::1//secret",
            "redis:[::1//secret", "redis:h/x/secret", "redis:h(run)/0/secret", "redis:h(/run", "memcached:h",
        ] as [ByteString])
    func refused(text: ByteString) {
        let error = #expect(throws: HintsBackendError.self) { _ = try HintsBackend(parsing: text) }
        #expect(error?.description.contains("secret") == false)
    }

    @Test("Only retry, ratelimit and tls are shared; what is about one machine stays in its files")
    func sharing() throws {
        let settings = settings(try HintsBackend(parsing: "redis:h"))
        let names: [ByteString] = ["retry", "ratelimit", "tls", "callout", "misc", "seen", "wait-smtp"]
        let shared = names.filter { HintsDatabase(settings, name: $0).isShared }
        #expect(shared == ["retry", "ratelimit", "tls"])
    }

    @Test(
        "A server at a port, with a password and another database, keeps records under their names for 30 days"
    )
    func stored() async throws {
        let server = try RedisProcess(.port, password: "s3cret")
        let place = server.backend.replacing(ByteString("/0/"), with: ByteString("/5/s3cret"))
        let database = HintsDatabase(try settings(place), name: "ratelimit")
        let record = RateLimitRecord(microseconds: 1, rate: 2)
        #expect(await database.update { try $0.write(record, "1h/per_mail/a") }.trouble == nil)
        #expect(try server.ask("-n", "5", "KEYS", "*") == "bobbin:hints:ratelimit:1h/per_mail/a")
        let seconds = try #require(
            try server.ask("-n", "5", "TTL", "bobbin:hints:ratelimit:1h/per_mail/a").decimalInteger())
        #expect((2_591_000...2_592_000).contains(seconds))
        #expect(try server.ask("-n", "0", "DBSIZE") == "0")
        #expect(notices.all.isEmpty)
        let wrong = HintsDatabase(
            try settings(server.backend.replacing(ByteString("/0/"), with: ByteString("/0/wrong"))),
            name: "tls")
        #expect(await wrong.read { try $0.keys() }.trouble?.kind == .unreachable)
        guard case .unreachable(_, let reason) = notices.all.first else {
            Issue.record("no notice")
            return
        }
        #expect(reason.contains(ByteString("WRONGPASS")))
    }

    @Test("Without the server work goes on without hints; that is told once, and that it is back once more")
    func down() async throws {
        let server = try RedisProcess()
        let settings = try settings(server.backend)
        let databases = HintsBackend.shared.map { HintsDatabase(settings, name: $0) }
        let record = SeenRecord()
        for database in databases {
            #expect(await database.update { try $0.write(record, "a") }.trouble == nil)
        }
        server.end()
        for _ in 0..<3 {
            for database in databases {
                #expect(
                    await database.read { try $0.read(SeenRecord.self, "a") }.trouble?.kind == .unreachable)
                #expect(await database.update { try $0.write(record, "a") }.trouble?.kind == .unreachable)
            }
        }
        #expect(notices.all.count == 1)
        guard case .unreachable(let name, _) = notices.all.first else {
            Issue.record("no notice")
            return
        }
        #expect(name.starts(with: ByteString("redis:(/")))
    }

    @Test("A server that was started anew is found again, without a word and without the hint that is gone")
    func restarted() async throws {
        let server = try RedisProcess()
        let database = HintsDatabase(try settings(server.backend), name: "retry")
        let record = SeenRecord()
        #expect(await database.update { try $0.write(record, "a") }.trouble == nil)
        // As a restart does: every connection is closed, and memory is empty.
        try server.ask("FLUSHALL")
        try server.ask("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        #expect(await database.read { try $0.octets("a") } == .done(nil))
        try server.ask("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        #expect(await database.update { try $0.write(record, "b") }.trouble == nil)
        #expect(await database.read { try $0.keys() } == .done(["b"]))
        #expect(notices.all.isEmpty)
    }

    @Test("A server that is back is told so")
    func back() async throws {
        let server = try RedisProcess(password: "s3cret")
        let place = server.backend + ByteString("s3cret")
        let database = HintsDatabase(try settings(place), name: "retry")
        try server.ask("CONFIG", "SET", "requirepass", "other")
        #expect(await database.read { try $0.keys() }.trouble?.kind == .unreachable)
        #expect(await database.read { try $0.keys() }.trouble?.kind == .unreachable)
        try server.ask("-a", "other", "CONFIG", "SET", "requirepass", "s3cret")
        #expect(await database.read { try $0.keys() } == .done([]))
        #expect(notices.all.map(\.description).map { $0.contains("reached again") } == [false, true])
    }

    @Test("While the server is left alone nobody waits for it")
    func resting() async throws {
        let server = try RedisProcess()
        let database = HintsDatabase(try settings(server.backend, rest: .seconds(100_000)), name: "retry")
        server.halt(true)
        // The server takes the connection, and does not answer: given up after a second.
        #expect(await database.read { try $0.keys() }.trouble?.kind == .unreachable)
        server.halt(false)
        // It would answer now, but is not asked: its rest is not over.
        for _ in 0..<1000 {
            #expect(await database.read { try $0.keys() }.trouble?.kind == .unreachable)
        }
        #expect(notices.all.count == 1)
    }

    @Test("A server that refuses to write is told as such, and does not count as lost")
    func full() async throws {
        let server = try RedisProcess()
        try server.ask("CONFIG", "SET", "maxmemory", "1")
        let database = HintsDatabase(try settings(server.backend), name: "retry")
        let record = SeenRecord()
        let trouble = await database.update { try $0.write(record, "a") }.trouble
        #expect(trouble?.kind == .refused)
        #expect(trouble?.reason.starts(with: ByteString("OOM")) == true)
        #expect(await database.read { try $0.keys() } == .done([]))
        #expect(notices.all.isEmpty)
    }

    @Test("Records about messages on other machines stay when one machine tidies")
    func messages() async throws {
        let server = try RedisProcess()
        let settings = try settings(server.backend)
        let database = HintsDatabase(settings, name: "retry")
        let record = RetryRecord(firstFailed: 1, lastTry: 1, nextTry: 1)
        let key: ByteString = "T:h.example:192.0.2.1:1xUfTa-000000001aj-1ZFO"
        #expect(await database.update { try $0.write(record, key) }.trouble == nil)
        let report = try await HintsTidy(settings, name: "retry", kind: .retry).run(isQueued: { _ in false })
        { _ in }
        #expect(report.deletedCount == 0 && report.scanned == 1)
    }
}
