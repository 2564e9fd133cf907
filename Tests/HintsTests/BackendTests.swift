import Bytes
import Hints
import Redis
import TestKit
import Testing

/// Where hints lie in a test.
enum Backend: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case sqlite = "SQLite"
    case redis = "Redis"

    var testDescription: String { rawValue }
}

/// Hints in one place, which several databases use as several machines would.
final class SharedPlace: Sendable {
    let directory: TemporaryDirectory
    let notices = Notices()
    let server: RedisProcess?

    init(_ backend: Backend) throws {
        directory = try TemporaryDirectory()
        server = backend == .redis ? try RedisProcess() : nil
    }

    /// The settings of one of the machines.
    func settings(now: Int64 = 1_800_000_000) throws -> HintsSettings {
        var settings = HintsSettings(directory: directory.file("db"))
        settings.clock = { now }
        // Nobody is to give up here only because this machine is slow.
        settings.busyLimit = .seconds(300)
        settings.notice = { [notices] in notices.hear($0) }
        if let server { settings.backend = try HintsBackend(parsing: server.backend) }
        return settings
    }

    /// A database as one of the machines has it.
    func database(_ name: ByteString, now: Int64 = 1_800_000_000) throws -> HintsDatabase {
        HintsDatabase(try settings(now: now), name: name)
    }
}

@Suite("Hints are the same in SQLite and in Redis", .timeLimit(.minutes(20)))
struct BackendTests {
    private func retry(_ text: ByteString = "Connection refused") -> RetryRecord {
        var record = RetryRecord(firstFailed: 1_799_999_000, lastTry: 1_799_999_500, nextTry: 1_800_000_100)
        record.setError(RetryError(basicErrno: 111, moreErrno: 65, text: text))
        return record
    }

    @Test("What is not there reads as nothing", arguments: Backend.allCases)
    func absent(backend: Backend) async throws {
        let place = try SharedPlace(backend)
        for name in HintsBackend.shared {
            let database = try place.database(name)
            #expect(database.isShared == (backend == .redis))
            #expect(await database.read { try $0.read(RetryRecord.self, "R:x") } == .done(nil))
            #expect(await database.read { try $0.keys() } == .done([]))
        }
    }

    @Test(
        "Every sample record of the shared databases comes back octet by octet", arguments: Backend.allCases)
    func samples(backend: Backend) async throws {
        let place = try SharedPlace(backend)
        for name in HintsBackend.shared {
            let records = try Samples.dump(Samples.path("v1-exim-4.99.1", name.string))
            let database = try place.database(name)
            let stored = await database.update { transaction in
                for (key, value) in records { try transaction.store(value, ByteString(key.dropLast())) }
            }
            #expect(stored.trouble == nil && !records.isEmpty)
            let other = try place.database(name)
            for (key, value) in records {
                let key = ByteString(key.dropLast())
                #expect(await other.read { try $0.octets(key) } == .done(value))
            }
            #expect(
                await other.read { try $0.keys() }
                    == .done(records.map { ByteString($0.key.dropLast()) }.sorted()))
        }
    }

    @Test("A record is stamped when it is written, and gone when it is deleted", arguments: Backend.allCases)
    func written(backend: Backend) async throws {
        let place = try SharedPlace(backend)
        let (one, other, record) = (try place.database("retry"), try place.database("retry"), retry())
        // Keys may hold any octet that Redis or its patterns might take for its own.
        let key: ByteString = "T:h*[x]?\\ :192.0.2.1 \r\n\u{7F}"
        #expect(await one.update { try $0.write(record, key) }.trouble == nil)
        var stamped = record
        stamped.header.written = 1_800_000_000
        #expect(await other.read { try $0.read(RetryRecord.self, key) } == .done(stamped))
        #expect(await other.read { try $0.keys() } == .done([key]))
        let inside = await other.update { transaction in
            try transaction.delete(key)
            return try transaction.read(RetryRecord.self, key)
        }
        #expect(inside == .done(nil))
        #expect(await one.read { try $0.read(RetryRecord.self, key) } == .done(nil))
    }

    @Test("A damaged record counts as absent, with a notice", arguments: Backend.allCases)
    func damaged(backend: Backend) async throws {
        let place = try SharedPlace(backend)
        let database = try place.database("retry")
        #expect(await database.update { try $0.store("short", "R:x") }.trouble == nil)
        #expect(await database.read { try $0.read(RetryRecord.self, "R:x") } == .done(nil))
        #expect(place.notices.all.count == 1)
    }

    @Test("An update that fails takes nothing of its neighbours with it", arguments: Backend.allCases)
    func neighbours(backend: Backend) async throws {
        struct Refusal: Error {}
        let place = try SharedPlace(backend)
        let (database, record) = (try place.database("retry"), retry())
        let good = await withTaskGroup(of: Bool.self) { group in
            for number in 0..<200 {
                group.addTask {
                    await database.update { transaction in
                        try transaction.write(record, "R:\(number)")
                        if number.isMultiple(of: 10) { throw Refusal() }
                    }.trouble == nil
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(good == 180)
        #expect(await database.read { try $0.keys().count } == .done(180))
    }

    @Test("Of what several machines count at once under one key nothing is lost", arguments: Backend.allCases)
    func counting(backend: Backend) async throws {
        let place = try SharedPlace(backend)
        let machines = try (0..<4).map { _ in try place.database("ratelimit") }
        let key: ByteString = "1h/per_mail/192.0.2.1"
        let troubles = await withTaskGroup(of: HintsTrouble?.self) { group in
            for machine in machines {
                for _ in 0..<50 {
                    group.addTask {
                        await machine.update { transaction in
                            let old = try transaction.read(RateLimitRecord.self, key)
                            let new = RateLimitRecord(microseconds: 0, rate: (old?.rate ?? 0) + 1)
                            try transaction.write(new, key)
                        }.trouble
                    }
                }
            }
            return await group.reduce(into: [HintsTrouble]()) { if let trouble = $1 { $0.append(trouble) } }
        }
        #expect(troubles.isEmpty)
        #expect(await machines[0].read { try $0.read(RateLimitRecord.self, key)?.rate } == .done(200))
    }

    @Test("A scan gives every record once, in both directions, page by page", arguments: Backend.allCases)
    func scan(backend: Backend) async throws {
        let place = try SharedPlace(backend)
        let (database, record) = (try place.database("retry"), retry())
        let keys = (0..<250).map { "R:\($0, zeroPadded: 3)" as ByteString }
        #expect(await database.update { for key in keys { try $0.write(record, key) } }.trouble == nil)
        let scan = try HintsScan(try place.settings(), name: "retry")
        #expect(try await scan.count() == 250)
        for descending in [false, true] {
            var (pages, found) = (scan.pages(descending: descending), [ByteString]())
            while case let rows = try await pages.next(), !rows.isEmpty { found += rows.map(\.key) }
            #expect(found == (descending ? keys.reversed() : keys))
        }
        #expect(try await scan.octets("R:000") == record.stamped(1_800_000_000).encode(layout: .released))
    }

    @Test(
        "HDB-03: tidying takes sessions by their tickets' lifetimes, rates by their periods, and the old",
        arguments: Backend.allCases)
    func tidy(backend: Backend) async throws {
        let place = try SharedPlace(backend)
        let sessions = try place.database("tls", now: 1_800_000_000)
        let made = await sessions.update { transaction in
            try transaction.write(
                TLSSessionRecord(verifyOverride: false, ocspStatus: 0, session: "not of OpenSSL"), "a")
        }
        #expect(made.trouble == nil)
        let rates = try place.database("ratelimit", now: 1_800_000_000)
        _ = await rates.update { transaction in
            for key: ByteString in ["10m/per_mail/a", "1d/per_mail/a"] {
                try transaction.write(RateLimitRecord(microseconds: 0, rate: 5), key)
            }
        }
        func tidied(_ name: ByteString, _ kind: HintsKind, after: Int64) async throws -> [ByteString] {
            let tidy = HintsTidy(try place.settings(now: 1_800_000_000 + after), name: name, kind: kind)
            var lines: [ByteString] = []
            let report = try await tidy.run(isQueued: { _ in false }) {
                if !$0.text.isEmpty { lines.append($0.text) }
            }
            #expect(report.trouble == nil)
            return lines
        }
        #expect(try await tidied("tls", .tls, after: 7200) == [])
        #expect(try await tidied("tls", .tls, after: 7201) == ["deleted a (ticket expired)"])
        #expect(
            try await tidied("ratelimit", .ratelimit, after: 7200)
                == ["deleted 10m/per_mail/a (rate decayed)"])
        #expect(
            try await tidied("ratelimit", .ratelimit, after: 2_592_001) == ["deleted 1d/per_mail/a (too old)"]
        )
    }

    @Test("Text of exim_dumpdb is taken in", arguments: Backend.allCases)
    func imported(backend: Backend) async throws {
        let place = try SharedPlace(backend)
        let text = DumpText(
            .retry, try Samples.text("bdb-exim-4.96/retry.dumpdb.txt"), zone: .utc, now: 1_795_250_000)
        let report = await HintsImport(try place.settings(), name: "retry", kind: .retry).take(text)
        #expect(report.trouble == nil && report.written == text.hints.count && report.written > 5)
        let again = await HintsImport(try place.settings(), name: "retry", kind: .retry).take(text)
        #expect(again.written == 0 && again.kept == text.hints.count)
    }
}

extension RetryRecord {
    /// The record as it is written at a time.
    fileprivate func stamped(_ now: Int64) -> RetryRecord {
        var record = self
        record.header.written = now
        return record
    }
}
