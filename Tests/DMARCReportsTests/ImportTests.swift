import Bytes
import Foundation
import GRDB
import Synchronization
import TestKit
import Testing

@testable import DMARCReports

@Suite("Import of history")
struct ImportTests {
    private let scratch: ScratchStore
    private var store: DMARCStore { scratch.store }

    init() throws { scratch = try ScratchStore() }

    private var restless: HistoryImport.Options {
        var options = HistoryImport.Options()
        options.settle = 0
        return options
    }

    private func rows(_ sql: String) throws -> [String] {
        try store.read { database in
            try Row.fetchAll(database, sql: sql).map { row in
                row.map { _, value in
                    switch value.storage {
                    case .null: "NULL"
                    case .int64(let number): "\(number)"
                    case .double(let number): "\(number)"
                    case .string(let text): text
                    case .blob(let data): "\(data.count) octets"
                    }
                }.joined(separator: "|")
            }
        }
    }

    private func contents() throws -> [[String]] {
        try [
            "domain", "selector", "reporter", "address", "policy", "message", "signature", "arc_seal",
            "rejected",
        ]
        .map { try rows("SELECT * FROM \($0) ORDER BY id") }
    }

    private func copy(_ name: ByteString) throws -> ByteString {
        try scratch.directory.write(Samples.read(name), to: name)
    }

    @Test("DMH-04: where a record cannot be appended, the error names the file and what was refused")
    func unwritable() throws {
        // Root may write into any directory, so what stands in the way here is a file in its place.
        let directory = try TemporaryDirectory()
        try directory.write("", to: "file")
        for name in ["file/dmarc.history", "missing/dmarc.history"] as [ByteString] {
            let path = directory.file(name)
            let error = #expect(throws: DMARCError.self) { try HistoryAppender.append(.sample(1), to: path) }
            #expect(error?.place == path)
            #expect(error?.reason.contains(ByteString("open for appending")) == true)
        }
    }

    @Test("DMH-05: the same file twice, by name, copied, or as a stream, gives the same rows")
    func idempotent() throws {
        for name in Samples.histories + ["bad.history"] {
            _ = try HistoryImport(store, options: restless).file(copy(name))
        }
        let before = try contents()
        for name in Samples.histories + ["bad.history"] {
            #expect(try HistoryImport(store, options: restless).file(copy(name)).added == 0)
            var options = restless
            options.fromStart = true
            let again = try HistoryImport(store, options: options).file(scratch.directory.file(name))
            #expect(again.added == 0)
            #expect(again.known + again.rejected == again.read)
            try scratch.add(Samples.read(name))
        }
        #expect(try contents() == before)
    }

    @Test("A file that grew is read on from where the last import ended")
    func tail() throws {
        let path = scratch.directory.file("history")
        try HistoryAppender.append(.sample(1), to: path)
        try HistoryAppender.append(.sample(2), to: path)
        #expect(try HistoryImport(store, options: restless).file(path).added == 2)
        #expect(try HistoryImport(store, options: restless).file(path).octets == 0)
        try HistoryAppender.append(.sample(3), to: path)
        let third = try HistoryImport(store, options: restless).file(path)
        #expect(third.read == 1)
        #expect(third.octets == Int64(HistoryRecord.sample(3).text.count))
    }

    @Test("Another file under the same inode is read from its start")
    func otherFile() throws {
        let path = scratch.directory.file("history")
        for number in 1...5 { try HistoryAppender.append(.sample(number), to: path) }
        #expect(try HistoryImport(store, options: restless).file(path).added == 5)
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path.string))
        try handle.truncate(atOffset: 0)
        for number in 11...17 { try handle.write(contentsOf: Data(HistoryRecord.sample(number).text)) }
        try handle.close()
        #expect(try HistoryImport(store, options: restless).file(path).added == 7)
    }

    @Test("The last record waits while it may still be written to")
    func held() throws {
        let path = scratch.directory.file("history")
        try HistoryAppender.append(.sample(1), to: path)
        let half = HistoryRecord.sample(2).text
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path.string))
        try handle.seekToEnd()
        try handle.write(contentsOf: Data(half[..<(half.count - 20)]))
        let first = try HistoryImport(store, options: restless).file(path)
        #expect((first.added, first.held, first.rejected) == (1, 1, 0))
        try handle.write(contentsOf: Data(half[(half.count - 20)...]))
        try handle.close()
        var patient = HistoryImport.Options()
        patient.now = { 0 }
        #expect(try HistoryImport(store, options: patient).file(path).held == 1)
        #expect(try HistoryImport(store, options: restless).file(path).added == 1)
    }

    @Test("Bad records are set aside with their line, in the store and in the reject file, once")
    func rejects() throws {
        var options = restless
        options.rejectFile = scratch.directory.file("rejects")
        options.fromStart = true
        let path = try copy("bad.history")
        #expect(try HistoryImport(store, options: options).file(path).rejected == 3)
        #expect(try HistoryImport(store, options: options).file(path).rejected == 3)
        let text = try scratch.directory.read("rejects")
        let comments = text.split(separator: .newline).filter { $0.first == UInt8(ascii: "#") }.map {
            ByteString($0)
        }
        #expect(comments.count == 3)
        #expect(comments[1] == "# \(path):5: ipaddr: \"not-an-address\" is no IP address")
        #expect(try store.rejected(limit: 10).count == 3)
    }

    @Test("The views have OpenDMARC's tables, names and values")
    func views() throws {
        for name in Samples.histories { try scratch.add(Samples.read(name)) }
        #expect(
            try rows(
                """
                SELECT m.date, m.jobid, r.name, m.policy, m.disp, i.addr, e.name, f.name, p.name, m.spf, m.align_dkim,
                    m.align_spf, m.sigcount, m.arc, m.arc_policy
                FROM messages m JOIN reporters r ON r.id = m.reporter JOIN ipaddr i ON i.id = m.ip
                JOIN domains e ON e.id = m.env_domain JOIN domains f ON f.id = m.from_domain
                JOIN domains p ON p.id = m.policy_domain ORDER BY m.id LIMIT 3
                """) == [
                    "2026-11-21 05:46:40|1q0abc-000ABC-1x|mx.recv.example|15|2|192.0.2.10|bounce.example.org|example.org|example.org|0|4|5|2|NULL|NULL",
                    "2026-11-21 05:47:40|1q0abd-000ABD-2x|mx.recv.example|18|2|2001:db8::5||example.net|example.net|NULL|5|5|0|NULL|NULL",
                    "2026-11-21 05:47:40|1vMabd-000000005vi-0002|mx.recv.example|16|0|203.0.113.5|evil.example|example.org|example.org|7|5|5|0|11|NULL",
                ])
        #expect(
            try rows(
                """
                SELECT d.name, r.repuri, r.adkim, r.aspf, r.policy, r.spolicy, r.pct, r.locked, r.lastsent
                FROM requests r JOIN domains d ON d.id = r.domain ORDER BY d.name
                """) == [
                    "example.net||115|115|113|0|50|0|1970-01-01 00:00:01",
                    "example.org|mailto:agg@example.org,mailto:third@x.example!10m|114|114|114|0|100|0|1970-01-01 00:00:01",
                    "news.example.com|mailto:agg@example.com|114|114|114|110|100|0|1970-01-01 00:00:01",
                ])
        #expect(
            try rows(
                "SELECT d.name, l.name, s.pass, s.error FROM signatures s JOIN domains d ON d.id = s.domain LEFT JOIN selectors l ON l.id = s.selector AND l.domain = d.id ORDER BY s.id LIMIT 3"
            ) == ["example.org|NULL|0|0", "third.example|NULL|7|0", "example.net|s1|7|0"])
        #expect(
            try rows(
                "SELECT z.instance, d.name, l.name, a.arc_client_addr FROM arcseals z JOIN arcauthresults a ON a.message = z.message AND a.instance = z.instance JOIN domains d ON d.id = z.domain JOIN selectors l ON l.id = z.selector ORDER BY z.id LIMIT 2"
            ) == ["2|list.example|k1|203.0.113.5", "1|fwd.example|as1|198.51.100.7"])
    }

    @Test(
        "An import that dies inside a transaction leaves rows and place as before, and the next one completes it"
    )
    func crash() async throws {
        let path = scratch.directory.file("history")
        var text = ByteString()
        for number in 0..<900 { text += HistoryRecord.sample(number).text }
        try scratch.directory.write(text, to: "history")
        let dying = DyingStore(store: store, batch: 2, record: 77)
        var options = restless
        options.batch = 200
        #expect(throws: DMARCError.self) { try HistoryImport(dying, options: options).file(path) }
        let count = try #require(Int(rows("SELECT count(*) FROM message")[0]))
        #expect(count > 0 && count < 900)
        let next = try HistoryImport(store, options: options).file(path)
        #expect(next.added == 900 - count)
        #expect(next.known == 0)
        #expect(try rows("SELECT count(*) FROM message") == ["900"])
    }

    @Test("An importer killed at once in the middle of its work loses and doubles nothing")
    func killed() async throws {
        let place = try TemporaryDirectory()
        var text = ByteString()
        for number in 0..<3000 { text += HistoryRecord.sample(number).text }
        try place.write(text, to: "history")
        unsafe setenv("BOBBIN_TEST_KILLED", place.path.string, 1)
        await #expect(processExitsWith: .signal(SIGKILL)) {
            let path = unsafe getenv("BOBBIN_TEST_KILLED").map { unsafe String(cString: $0) } ?? ""
            let store = try DMARCStore(path: "\(path)/dmarc.sqlite")
            var options = HistoryImport.Options()
            options.batch = 500
            _ = try HistoryImport(
                DyingStore(store: store, batch: 3, record: 50, isKilled: true), options: options
            ).file("\(path)/history")
        }
        let store = try DMARCStore(path: place.file("dmarc.sqlite"))
        let before = try store.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM message") ?? 0 }
        #expect(before > 0 && before < 3000)
        let summary = try HistoryImport(store, options: restless).file(place.file("history"))
        #expect(summary.added == 3000 - before)
        #expect(summary.known == 0)
    }

    @Test(
        "DMH-06: rotation empties the file, and no record of a writer beside it is lost",
        .timeLimit(.minutes(20)))
    func rotation() throws {
        // A writer as Exim is one: it opens, writes once without any lock, and closes.
        let path = scratch.directory.file("history")
        let total = 400
        let template = try scratch.directory.write(HistoryRecord.sample(1).text, to: "template")
        let script = """
            text=$(sed 's/^job .*/job NUMBER/' '\(template)')
            i=0
            while [ $i -lt \(total) ]; do
              printf '%s\\n' "${text/NUMBER/w$i}" >> '\(path)'
              i=$((i + 1))
            done
            """
        let writer = try ChildProcess("/bin/bash", ["-c", script])
        var options = HistoryImport.Options()
        options.settle = 1
        var summary = ImportSummary()
        while writer.isRunning { summary.add(try HistoryImport(store, options: options).rotate(path)) }
        #expect(try writer.wait().code == 0)
        summary.add(try HistoryImport(store, options: options).rotate(path))
        #expect(summary.rejected == 0)
        #expect(summary.added == total)
        #expect(try rows("SELECT count(*) FROM message") == ["\(total)"])
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: scratch.directory.path.string).filter {
                $0.hasPrefix("history")
            } == [])
        #expect(try rows("SELECT count(*) FROM history_file") == ["0"])
    }

    @Test("DMH-06: what a rotation that died left behind is imported by the next")
    func leftover() throws {
        let path = scratch.directory.file("history")
        try scratch.directory.write(HistoryRecord.sample(1).text, to: "history.importing.1.2")
        try HistoryAppender.append(.sample(2), to: path)
        var options = restless
        options.settle = 0
        #expect(try HistoryImport(store, options: options).rotate(path).added == 2)
    }

    @Test("Many appenders of ours and an importer that rotates lose nothing", .timeLimit(.minutes(20)))
    func appenders() async throws {
        let path = scratch.directory.file("history")
        let added = Mutex(0)
        var options = restless
        options.settle = 1
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<4 {
                group.addTask {
                    for number in 0..<50 {
                        try HistoryAppender.append(.sample(writer * 1000 + number), to: path)
                    }
                }
            }
            try await group.waitForAll()
        }
        let summary = try HistoryImport(store, options: options).rotate(path)
        added.withLock { $0 = summary.added }
        #expect(added.withLock { $0 } == 200)
        #expect(summary.rejected == 0)
    }

    @Test("Expiry removes what is older than its age with all that hangs on it, and unused names on request")
    func expiry() throws {
        let now: Int64 = 1_795_240_000
        let day: Int64 = 86_400
        try scratch.add(HistoryRecord.sample(1, received: now - 181 * day, from: "old.example").text)
        try scratch.add(HistoryRecord.sample(2, received: now - 179 * day, from: "new.example").text)
        let moment = now - Int64(DMARCStore.defaultExpiryDays) * day
        #expect(try store.expirable(before: moment).messages == 1)
        let summary = try store.expire(before: moment, allTables: true)
        #expect(summary.messages == 1)
        #expect(summary.names >= 3)
        #expect(try rows("SELECT count(*) FROM signature") == ["1"])
        #expect(try rows("SELECT name FROM domain ORDER BY name") == ["bounce.new.example", "new.example"])
    }

    @Test("Programs that make the same new store at once all get it", .timeLimit(.minutes(20)))
    func together() async throws {
        let path = scratch.directory.file("new.sqlite")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<6 {
                group.addTask {
                    let store = try DMARCStore(path: path)
                    var pieces = [HistoryRecord.sample(number).text.bytes]
                    _ = try HistoryImport(store).stream(named: "test") { () throws(DMARCError) in
                        pieces.popLast() ?? []
                    }
                }
            }
            try await group.waitForAll()
        }
        let count = try DMARCStore(path: path).read {
            try Int.fetchOne($0, sql: "SELECT count(*) FROM message")
        }
        #expect(count == 6)
    }

    @Test("Two importers that rotate the same file do not hinder one another", .timeLimit(.minutes(20)))
    func twoRotations() async throws {
        let path = scratch.directory.file("history")
        var text = ByteString()
        for number in 0..<500 { text += HistoryRecord.sample(number).text }
        try scratch.directory.write(text, to: "history")
        var options = restless
        options.settle = 1
        let (importer, other) = (
            HistoryImport(store, options: options), HistoryImport(store, options: options)
        )
        async let first = importer.rotate(path)
        async let second = other.rotate(path)
        let summaries = try await [first, second]
        #expect(summaries.reduce(0) { $0 + $1.added } == 500)
        #expect(try rows("SELECT count(*) FROM message") == ["500"])
    }

    @Test("A file that is no store is refused with what to do")
    func noStore() throws {
        let path = try scratch.directory.write(
            ByteString(repeatElement(UInt8(ascii: "x"), count: 5000)), to: "other")
        #expect(throws: DMARCError.self) { try DMARCStore(path: path) }
    }
}

/// A store whose program dies after some records of one batch.
private final class DyingStore: HistoryStoring {
    private let store: DMARCStore
    private let batch: Int
    private let record: Int
    private let isKilled: Bool
    private let batches = Mutex(0)

    init(store: DMARCStore, batch: Int, record: Int, isKilled: Bool = false) {
        self.store = store
        self.batch = batch
        self.record = record
        self.isKilled = isKilled
    }

    func position(device: Int64, inode: Int64) throws(DMARCError) -> HistoryPosition? {
        try store.position(device: device, inode: inode)
    }

    func forget(_ position: HistoryPosition) throws(DMARCError) { try store.forget(position) }

    func commit(
        _ batch: HistoryBatch, now: Int64, setAside: ([RejectedRecord]) throws -> Void
    ) throws(DMARCError) -> BatchOutcome {
        let number = batches.withLock { count in
            count += 1
            return count
        }
        return try store.commit(batch, now: now, setAside: setAside) { index in
            guard number == self.batch, index == record else { return }
            if isKilled { kill(getpid(), SIGKILL) }
            throw DMARCError(.system, at: "test", "dies here")
        }
    }
}
