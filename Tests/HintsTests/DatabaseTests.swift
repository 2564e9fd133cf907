import Bytes
import Glibc
import Hints
import Synchronization
import TestKit
import Testing

/// What a database told.
final class Notices: Sendable {
    private let heard = Mutex<[HintsNotice]>([])
    var all: [HintsNotice] { heard.withLock { $0 } }
    func hear(_ notice: HintsNotice) { heard.withLock { $0.append(notice) } }
}

@Suite("Hints databases", .timeLimit(.minutes(20)))
struct DatabaseTests {
    private let directory: TemporaryDirectory
    private let notices = Notices()

    init() throws { directory = try TemporaryDirectory() }

    private func settings(layout: HintsLayout? = nil, busy: Duration = .seconds(5)) -> HintsSettings {
        var settings = HintsSettings(directory: directory.file("db"))
        settings.layout = layout
        settings.clock = { 1_800_000_000 }
        settings.busyLimit = busy
        settings.notice = { [notices] in notices.hear($0) }
        return settings
    }

    private func sqlite(_ sql: String, _ name: ByteString = "retry") throws -> ByteString {
        let output = try Program("sqlite3", package: "sqlite3").run([
            directory.file("db/\(name)").string, sql,
        ])
        return ByteString(output.trimmed())
    }

    private func record(_ text: ByteString = "Connection refused") -> RetryRecord {
        var record = RetryRecord(firstFailed: 1_799_999_000, lastTry: 1_799_999_500, nextTry: 1_800_000_100)
        record.setError(RetryError(basicErrno: 111, moreErrno: 65, text: text))
        return record
    }

    @Test(
        "Where an Exim without SQLite keeps its hints, ours lie beside them",
        arguments: [
            ("retry", [UInt8](repeating: 0, count: 12) + [0x61, 0x15, 0x06, 0x00], "/sqlite"),
            ("wait-smtp", [UInt8](repeating: 0, count: 12) + [0x62, 0x31, 0x05, 0x00], "/sqlite"),
            ("retry.lockfile", [], "/sqlite"), ("retry", Array("SQLite format 3\0".utf8), ""),
            ("retry", [], ""),
            ("retry", Array("rubbish that is no database".utf8), ""), ("notes", Array("TDB file\n".utf8), ""),
        ] as [(ByteString, [UInt8], ByteString)])
    func foreignFormat(name: ByteString, octets: [UInt8], suffix: ByteString) throws {
        let directory = try TemporaryDirectory()
        try directory.write(ByteString(octets), to: name)
        #expect(HintsDirectory.usable(directory.path) == directory.path + suffix)
    }

    @Test("A record is stored octet by octet as Exim stores it", arguments: HintsLayout.allCases)
    func written(layout: HintsLayout) async throws {
        let database = HintsDatabase(settings(layout: layout), name: "retry")
        let record = record()
        let outcome = await database.update { try $0.write(record, "T:h.example:192.0.2.1") }
        #expect(outcome.trouble == nil)
        var stamped = record
        stamped.header.written = 1_800_000_000
        let dump = try Samples.dump(directory.file("db/retry").string)
        #expect(dump.map(\.key) == [ByteString("T:h.example:192.0.2.1") + [0]])
        #expect(dump.map(\.value) == [stamped.encode(layout: layout)])
        #expect(
            try sqlite("SELECT sql FROM sqlite_master WHERE type = 'table'")
                == "CREATE TABLE tblblob (ky BLOB PRIMARY KEY, dat BLOB)")
        #expect(try sqlite("SELECT typeof(ky) || typeof(dat) FROM tblblob") == "blobblob")
        #expect(
            try sqlite("PRAGMA journal_mode; PRAGMA user_version; PRAGMA auto_vacuum; PRAGMA page_size")
                == "delete\n0\n0\n4096")
        let read = await database.read { try $0.read(RetryRecord.self, "T:h.example:192.0.2.1") }
        #expect(read == .done(stamped))
    }

    @Test("Reading what does not exist gives nothing and makes nothing")
    func absent() async throws {
        let database = HintsDatabase(settings(), name: "retry")
        #expect(await database.read { try $0.read(RetryRecord.self, "R:x") } == .done(nil))
        #expect(await database.read { try $0.keys() } == .done([]))
        #expect(unsafe access(directory.file("db").string, F_OK) != 0)
    }

    @Test("New files have mode 0640 in a directory of mode 0750, and the owner asked for")
    func modes() async throws {
        var owned = settings()
        if geteuid() == 0 { owned.owner = HintsSettings.Owner(user: 12_345, group: 23_456) }
        let database = HintsDatabase(owned, name: "retry")
        let record = record()
        #expect(await database.update { try $0.write(record, "R:x") }.trouble == nil)
        for (path, mode) in [(directory.file("db"), 0o750), (directory.file("db/retry"), 0o640)] {
            var status = stat()
            #expect(unsafe stat(path.string, &status) == 0)
            #expect(Int(status.st_mode) & 0o777 == mode)
            if let owner = owned.owner {
                #expect(status.st_uid == owner.user && status.st_gid == owner.group)
            }
        }
    }

    @Test("Databases that Exim wrote are read, keep their layout, and get new records in it")
    func adopted() async throws {
        for (layout, folder) in Samples.folders {
            let name = ByteString("retry-\(folder)")
            try Program("mkdir", package: "coreutils").run(["-p", directory.file("db").string])
            try Program("cp", package: "coreutils").run(
                [Samples.path(folder, "retry"), directory.file("db/\(name)").string])
            let database = HintsDatabase(settings(), name: name)
            let key: ByteString = "T:six.example:[::1]"
            let old = await database.read { try $0.read(RetryRecord.self, key) }
            #expect(old.value??.text.starts(with: ByteString("H=six.example")) == true)
            let record = record()
            #expect(await database.update { try $0.write(record, "R:new") }.trouble == nil)
            let dump = try Samples.dump(directory.file("db/\(name)").string)
            let stored = try #require(dump.first { $0.key == ByteString("R:new") + [0] }?.value)
            #expect(HintsLayout(guessedFrom: stored) == layout)
            let other: HintsLayout = layout == .released ? .versioned : .released
            let wrong = HintsDatabase(settings(layout: other), name: name)
            #expect(await wrong.update { try $0.write(record, "R:bad") }.trouble?.kind == .layout)
        }
        #expect(notices.all.isEmpty)
    }

    @Test("A file without the table gets it, since no Exim would ever make it")
    func tableMissing() async throws {
        try Program("mkdir", package: "coreutils").run(["-p", directory.file("db").string])
        try directory.write("", to: "db/retry")
        let database = HintsDatabase(settings(), name: "retry")
        let record = record()
        #expect(await database.update { try $0.write(record, "R:x") }.trouble == nil)
        #expect(try sqlite("SELECT count(*) FROM tblblob") == "1")
    }

    @Test("A file that is no database is set aside under a dated name, and said so")
    func damaged() async throws {
        try Program("mkdir", package: "coreutils").run(["-p", directory.file("db").string])
        let rubbish = ByteString(repeatElement(UInt8(ascii: "x"), count: 20_000))
        try directory.write(rubbish, to: "db/retry")
        let database = HintsDatabase(settings(), name: "retry")
        let record = record()
        #expect(await database.update { try $0.write(record, "R:x") }.trouble == nil)
        #expect(try sqlite("SELECT count(*) FROM tblblob") == "1")
        #expect(try directory.read("db/retry.damaged-2027-01-15T080000") == rubbish)
        guard case .setAside(_, let target, _) = notices.all.first else {
            Issue.record("no notice")
            return
        }
        #expect(target == directory.file("db/retry.damaged-2027-01-15T080000"))
    }

    @Test("While another connection holds the lock a hint is given up in time, and written once it is free")
    func busy() async throws {
        let record = record()
        let database = HintsDatabase(settings(busy: .milliseconds(50)), name: "retry")
        #expect(await database.update { try $0.write(record, "R:a") }.trouble == nil)
        let holder = try LockHolder(directory.file("db/retry"))
        #expect(await database.update { try $0.write(record, "R:b") }.trouble?.kind == .busy)
        #expect(await database.read { try $0.keys() }.trouble?.kind == .busy)
        holder.release()
        #expect(await database.update { try $0.write(record, "R:c") }.trouble == nil)
        #expect(await database.read { try $0.keys() } == .done(["R:a", "R:c"]))
    }

    @Test("An Exim that has read, and then writes, is not refused because an update of ours waits for it")
    func reader() async throws {
        let record = record()
        let database = HintsDatabase(settings(busy: .seconds(600)), name: "retry")
        #expect(await database.update { try $0.write(record, "R:a") }.trouble == nil)
        var kept = 0
        for round in 0..<20 {
            let exim = try EximsPart(directory.file("db/retry"))
            let waiting = Task { await database.update { try $0.write(record, "R:b\(round)") }.trouble }
            // Enough turns of the other task for its first tries; it cannot succeed while the other reads.
            for _ in 0..<5 { try await Task.sleep(for: .milliseconds(2)) }
            kept += exim.write() ? 1 : 0
            #expect(await waiting.value == nil)
        }
        // An update can fall into the microseconds of a try; with a lock held while waiting, none would be kept.
        #expect(kept > 15)
        #expect(try sqlite("SELECT count(*) FROM tblblob WHERE ky = CAST('exim' AS BLOB)") == "1")
    }

    @Test("No lock outlives a read or an update, though the connection stays open")
    func unlocked() async throws {
        let record = record()
        let database = HintsDatabase(settings(), name: "retry")
        #expect(await database.update { try $0.write(record, "R:a") }.trouble == nil)
        #expect(await database.read { try $0.keys() }.value == ["R:a"])
        #expect(
            try sqlite("BEGIN EXCLUSIVE; DELETE FROM tblblob; COMMIT; SELECT count(*) FROM tblblob") == "0")
        #expect(await database.read { try $0.keys() }.value == [])
    }

    @Test("A file that was removed or replaced is opened anew")
    func replaced() async throws {
        let record = record()
        let database = HintsDatabase(settings(), name: "retry")
        #expect(await database.update { try $0.write(record, "R:a") }.trouble == nil)
        #expect(unsafe unlink(directory.file("db/retry").string) == 0)
        #expect(await database.read { try $0.keys() } == .done([]))
        #expect(await database.update { try $0.write(record, "R:b") }.trouble == nil)
        #expect(try sqlite("SELECT count(*) FROM tblblob") == "1")
    }

    @Test("Thousands of updates at once are all written, in far fewer transactions")
    func batched() async throws {
        let record = record()
        var counting = settings()
        let ticker = Ticker(start: 1_800_000_000)
        counting.clock = { ticker.next() }
        let database = HintsDatabase(counting, name: "retry")
        let stamps = await withTaskGroup(of: Int64?.self) { group in
            for number in 0..<3000 {
                group.addTask {
                    await database.update { transaction in
                        try transaction.write(record, "R:\(number)")
                        return transaction.now
                    }.value
                }
            }
            return await group.reduce(into: [Int64?]()) { $0.append($1) }
        }
        #expect(stamps.count == 3000 && !stamps.contains(nil))
        #expect(try sqlite("SELECT count(*) FROM tblblob") == "3000")
        // The clock ticks once a transaction, so equal stamps tell shared transactions.
        #expect(Set(stamps).count < 1500)
    }
}

/// Gives the next number at each question.
final class Ticker: Sendable {
    private let value: Mutex<Int64>
    init(start: Int64) { value = Mutex(start) }
    func next() -> Int64 {
        value.withLock {
            $0 += 1
            return $0
        }
    }
}
