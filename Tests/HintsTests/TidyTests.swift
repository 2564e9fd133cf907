import Bytes
import Hints
import Synchronization
import TestKit
import Testing

@Suite("Tidying of hints databases", .timeLimit(.minutes(20)))
struct TidyTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func settings(now: Int64 = 1_795_250_000) -> HintsSettings {
        var settings = HintsSettings(directory: directory.file("db"))
        settings.clock = { now }
        return settings
    }

    private func tidy(
        _ name: ByteString, _ options: HintsTidy.Options = HintsTidy.Options(), now: Int64 = 1_795_250_000,
        isQueued: @Sendable (ByteString) async -> Bool = { _ in false }
    ) async throws -> (lines: [ByteString], report: HintsTidyReport) {
        let kind = try #require(HintsKind(databaseName: name))
        let tidy = HintsTidy(settings(now: now), name: name, kind: kind, options: options)
        var lines: [ByteString] = []
        let report = try await tidy.run(isQueued: isQueued) { if !$0.text.isEmpty { lines.append($0.text) } }
        #expect(report.trouble == nil)
        return (lines, report)
    }

    private var exim: HintsTidy.Options {
        var options = HintsTidy.Options()
        options.rules = .exim
        return options
    }

    private func keys(_ name: ByteString) throws -> [ByteString] {
        try Samples.dump(directory.file("db/\(name)").string).map { ByteString($0.key.dropLast()) }
    }

    @Test("Without any message left the wait records go, from the highest key down, in exim_tidydb's words")
    func allGone() async throws {
        _ = try Samples.copy("v1-exim-4.99.1", "wait-remote_smtp", to: directory)
        let (lines, report) = try await tidy("wait-remote_smtp", exim)
        #expect(
            lines == [
                "deleted six.example (empty)", "deleted silent.example (empty)", "updated refused.example:1",
                "updated refused.example:0", "renamed refused.example:1", "renamed refused.example:0",
                "deleted refused.example (empty)", "deleted rdrop.example (empty)",
                "deleted ok.example (empty)", "deleted drop.example (empty)", "deleted busy.example (empty)",
                "deleted blackhole.example (empty)", "updated ::1", "deleted 127.0.0.17 (empty)",
            ])
        #expect(report.scanned == 12 && report.renamed == 2 && report.updated == 3)
        #expect(try keys("wait-remote_smtp") == ["::1"])
    }

    @Test("By our own rules nothing empty is left, not even under the name of an IPv6 address")
    func allGoneFull() async throws {
        _ = try Samples.copy("v2-exim-4.100-dev", "wait-remote_smtp", to: directory)
        _ = try await tidy("wait-remote_smtp")
        #expect(try keys("wait-remote_smtp").isEmpty)
    }

    @Test(
        "A main record without messages is filled from its highest continuation, whose living messages stay")
    func folding() async throws {
        _ = try Samples.copy("v1-exim-4.99.1", "wait-remote_smtp", to: directory)
        let wait = WaitDatabase(settings(), transport: "remote_smtp")
        let mainIDs = await wait.ids(of: "refused.example").value ?? []
        await wait.close()
        let gone = Set(mainIDs)
        #expect(gone.count == 16)
        let (lines, _) = try await tidy("wait-remote_smtp", exim) { !gone.contains($0) }
        #expect(lines == ["renamed refused.example:1", "updated refused.example"])
        let ids =
            await WaitDatabase(settings(), transport: "remote_smtp").ids(of: "refused.example").value ?? []
        #expect(ids.count == 50)
        #expect(try keys("wait-remote_smtp").contains("refused.example:0"))
    }

    @Test("A message that begins to wait while the record is judged is not lost")
    func contention() async throws {
        _ = try Samples.copy("v1-exim-4.99.1", "wait-remote_smtp", to: directory)
        let wait = WaitDatabase(settings(), transport: "remote_smtp")
        let numbers = Mutex(0)
        let hosts: [ByteString] = ["refused.example", "six.example", "127.0.0.17", "ok.example"]
        let (_, report) = try await tidy("wait-remote_smtp") { _ in
            // The closure runs between reading and the transaction: what others write just then.
            let number = numbers.withLock { number in
                number += 1
                return number
            }
            _ = await wait.add("1xZZZZ-\(number, zeroPadded: 11)-0000", hosts: hosts)
            return false
        }
        #expect(report.scanned >= 12)
        let added = numbers.withLock { $0 }
        var listed: Set<ByteString> = []
        for (key, value) in try Samples.dump(directory.file("db/wait-remote_smtp").string)
        where key.starts(with: ByteString("ok.example")) {
            listed.formUnion(try WaitRecord(decoding: value, layout: .released).ids)
        }
        // Ids added before ok.example was judged were judged too, and are gone; the later ones are all there.
        let all = Set((1...added).map { "1xZZZZ-\($0, zeroPadded: 11)-0000" as ByteString })
        let missing = all.subtracting(listed).sorted()
        let kept = all.intersection(listed).sorted()
        if let last = missing.last, let first = kept.first { #expect(last < first) }
        #expect(kept.count >= 5)
    }

    @Test("Records that others renew or make while old ones are deleted all stay")
    func writers() async throws {
        let old = HintsDatabase(settings(now: 1_700_000_000), name: "seen")
        let made = await old.update { transaction in
            for number in 0..<600 { try transaction.write(SeenRecord(), "old-\(number, zeroPadded: 4)") }
        }
        #expect(made.trouble == nil)
        await old.close()
        let settings = settings()
        let kept = try await withThrowingTaskGroup(of: Set<ByteString>.self) { group in
            for writer in 0..<4 {
                group.addTask {
                    let database = HintsDatabase(settings, name: "seen")
                    var keys: Set<ByteString> = []
                    for number in 0..<60 {
                        let renewed: ByteString = "old-\(writer * 150 + number, zeroPadded: 4)"
                        let new: ByteString = "new-\(writer)-\(number)"
                        let outcome = await database.update { transaction in
                            for key in [renewed, new] { try transaction.write(SeenRecord(), key) }
                        }
                        #expect(outcome.trouble == nil)
                        keys.formUnion([renewed, new])
                    }
                    await database.close()
                    return keys
                }
            }
            group.addTask {
                let tidy = HintsTidy(settings, name: "seen", kind: .seen)
                let report = try await tidy.run(isQueued: { _ in true }) { _ in }
                #expect(report.trouble == nil && report.deletedCount <= 600)
                return []
            }
            return try await group.reduce(into: Set<ByteString>()) { $0.formUnion($1) }
        }
        #expect(kept.count == 480)
        #expect(Set(try keys("seen")).isSuperset(of: kept))
    }

    @Test("Message records of retry go with their message, under short ids and long ones")
    func retryMessages() async throws {
        _ = try Samples.copy("v1-exim-4.99.1", "retry", to: directory)
        let text = DumpText(
            .retry, try Samples.text("bdb-exim-4.96/retry.dumpdb.txt"), zone: .utc, now: 1_795_250_000)
        _ = await HintsImport(settings(), name: "retry", kind: .retry).take(text)
        let (lines, _) = try await tidy("retry", exim) { $0 == "1xUfTa-000000001aj-1ZFO" }
        #expect(
            Set(lines) == [
                "deleted T:msgerr.example:127.0.0.32:1xUfTa-000000001aw-1hDx (no message)",
                "deleted T:msgerr.example:127.0.0.32:1xUfTd-000000001hz-1nfu (no message)",
                "deleted T:msgerr.example:127.0.0.32:1xUfTd-000000001i5-1rdF (no message)",
                "deleted T:msgerr.example:127.0.0.32:1xUfOZ-0005yP-0g (no message)",
                "deleted T:msgerr.example:127.0.0.32:1xUfOW-0005sm-0U (no message)",
                "deleted T:msgerr.example:127.0.0.32:1xUfOW-0005sr-0Z (no message)",
                "deleted T:msgerr.example:127.0.0.32:1xUfOZ-0005yV-0l (no message)",
            ])
        #expect(lines == lines.sorted().reversed())
    }

    @Test("Too old records go, in the other layout too", arguments: Samples.folders.map(\.1))
    func tooOld(folder: String) async throws {
        _ = try Samples.copy(folder, "callout", to: directory)
        let before = try keys("callout")
        var options = exim
        options.olderThan = 1
        let (lines, report) = try await tidy("callout", options)
        #expect(lines == before.reversed().map { "deleted \($0) (too old)" })
        #expect(report.deleted == [.tooOld: before.count])
        #expect(try keys("callout").isEmpty)
    }

    @Test("A dry run tells what would be done, and leaves the file octet by octet")
    func dryRun() async throws {
        let path = try Samples.copy("v1-exim-4.99.1", "wait-remote_smtp", to: directory)
        let before = try directory.read("db/wait-remote_smtp")
        var options = exim
        options.isDryRun = true
        let (lines, _) = try await tidy("wait-remote_smtp", options)
        #expect(lines.count == 14)
        #expect(try directory.read("db/wait-remote_smtp") == before)
        #expect(path == directory.file("db/wait-remote_smtp"))
    }

    @Test(
        "HDB-03: a TLS session goes when its ticket's lifetime is over, not before",
        arguments: Samples.folders.map(\.1))
    func tickets(folder: String) async throws {
        let path = try Samples.copy(folder, "tls", to: directory)
        let scan = try HintsScan(path)
        var pages = scan.pages()
        let row = try #require(try await pages.next().first)
        let record = try TLSSessionRecord(decoding: row.octets, layout: scan.layout)
        let lifetime = try #require(TLSSessionLifetime.seconds(of: record.session))
        #expect(lifetime == 7200)
        let end = record.header.written + lifetime
        #expect(try await tidy("tls", now: end).lines.isEmpty)
        #expect(try await tidy("tls", exim, now: end + 1).lines.isEmpty)
        #expect(try await tidy("tls", now: end + 1).lines == ["deleted \(row.key) (ticket expired)"])
        #expect(try keys("tls").isEmpty)
    }

    @Test(
        "HDB-03: a session that does not tell its lifetime goes after two hours, and after what is asked for")
    func unknownTickets() async throws {
        let database = HintsDatabase(settings(), name: "tls")
        let made = await database.update { transaction in
            try transaction.write(
                TLSSessionRecord(verifyOverride: false, ocspStatus: 0, session: "GnuTLS has another form"),
                "a")
        }
        #expect(made.trouble == nil)
        await database.close()
        #expect(try await tidy("tls", now: 1_795_250_000 + 7200).lines.isEmpty)
        var longer = HintsTidy.Options()
        longer.ticketLifetime = 8000
        #expect(try await tidy("tls", longer, now: 1_795_250_000 + 7201).lines.isEmpty)
        #expect(try await tidy("tls", now: 1_795_250_000 + 7201).lines == ["deleted a (ticket expired)"])
    }

    @Test("A rate goes when it has decayed to nothing by the period in its key; exim_tidydb leaves it")
    func rates() async throws {
        let database = HintsDatabase(settings(), name: "ratelimit")
        let made = await database.update { transaction in
            for key in ["10m/per_mail/a", "1d/per_mail/a", "nonsense/per_mail/a"] {
                try transaction.write(RateLimitRecord(microseconds: 0, rate: 5), ByteString(key))
            }
            try transaction.write(RateLimitRecord(microseconds: 0, rate: 1e6), "10m/per_byte/a")
        }
        #expect(made.trouble == nil)
        await database.close()
        let later: Int64 = 1_795_250_000 + 7 * 600
        #expect(try await tidy("ratelimit", exim, now: later).lines.isEmpty)
        #expect(try await tidy("ratelimit", now: later).lines == ["deleted 10m/per_mail/a (rate decayed)"])
    }

    @Test("A record of the other layout goes; it would crash an Exim 4.99.1")
    func otherLayout() async throws {
        let database = HintsDatabase(settings(), name: "seen")
        let made = await database.update { transaction in
            try transaction.write(SeenRecord(), "a")
            try transaction.store(SeenRecord().encode(layout: .versioned), "b")
            try transaction.store("short", "c")
        }
        #expect(made.trouble == nil)
        await database.close()
        #expect(
            try await tidy("seen", exim).lines
                == [" deleted c (bad record version)", " deleted b (bad record version)"])
    }

    @Test("A wait record that cannot be read is reported and left alone")
    func corrupted() async throws {
        let database = HintsDatabase(settings(), name: "wait-t")
        let made = await database.update { transaction in
            var octets = WaitRecord(ids: ["1xUfTa-000000001aj-1ZFO"]).encode(layout: .released)
            octets.replaceSubrange(0..<8, with: SeenRecord().stamped(1_795_249_000))
            octets[8] = 200
            try transaction.store(octets, "h.example")
        }
        #expect(made.trouble == nil)
        await database.close()
        let (lines, report) = try await tidy("wait-t")
        #expect(lines == ["**** Data for 'h.example' corrupted\n  field count out of range"])
        #expect(report.corrupted == 1)
        #expect(try keys("wait-t") == ["h.example"])
    }

    @Test("Vacuuming gives the space of deleted records back")
    func vacuum() async throws {
        let database = HintsDatabase(settings(now: 1_700_000_000), name: "seen")
        for part in 0..<20 {
            let made = await database.update { transaction in
                for number in 0..<100 {
                    try transaction.write(SeenRecord(), "old-key-number-\(part)-\(number)")
                }
            }
            #expect(made.trouble == nil)
        }
        await database.close()
        let before = try directory.read("db/seen").count
        let (lines, _) = try await tidy("seen")
        #expect(lines.count == 2000)
        #expect(try directory.read("db/seen").count == before)
        let tidy = HintsTidy(settings(), name: "seen", kind: .seen)
        #expect(await tidy.vacuum().trouble == nil)
        #expect(try directory.read("db/seen").count == 12_288)
    }
}

extension SeenRecord {
    fileprivate func stamped(_ stamp: Int64) -> ByteString {
        var record = self
        record.header.written = stamp
        return record.encode(layout: .released)
    }
}
