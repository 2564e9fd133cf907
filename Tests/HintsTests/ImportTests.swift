import Bytes
import Hints
import TestKit
import Testing

@Suite("Import of hints", .timeLimit(.minutes(20)))
struct ImportTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func settings(_ layout: HintsLayout? = nil) -> HintsSettings {
        var settings = HintsSettings(directory: directory.file("db"))
        settings.layout = layout
        settings.clock = { 1_795_250_000 }
        return settings
    }

    /// The records of a dump, sorted; a retry record is two lines.
    private static func sorted(_ text: ByteString, _ kind: HintsKind) -> [ByteString] {
        let lines = text.split(separator: .newline).map { ByteString($0) }
        guard kind == .retry else { return lines.sorted() }
        return stride(from: 0, to: lines.count - 1, by: 2).map { "\(lines[$0])\n\(lines[$0 + 1])" }.sorted()
    }

    @Test(
        "What exim_dumpdb 4.96 printed of a Berkeley DB becomes records that dump to the same lines",
        arguments: ["retry", "wait-remote_smtp", "wait-smtp_tls", "callout", "ratelimit", "seen"],
        HintsLayout.allCases)
    func text(name: String, layout: HintsLayout) async throws {
        let kind = try #require(HintsKind(databaseName: ByteString(name)))
        let source = try Samples.text("bdb-exim-4.96/\(name).dumpdb.txt")
        let text = DumpText(kind, source, zone: .utc, now: 1_795_250_000)
        #expect(text.faults.isEmpty)
        let report = await HintsImport(settings(layout), name: ByteString(name), kind: kind).take(text)
        #expect(report.trouble == nil && report.written == text.hints.count && report.faults.isEmpty)
        let dump = try await Samples.dump(directory.file("db/\(ByteString(name))"), kind)
        #expect(Self.sorted(dump, kind) == Self.sorted(source, kind))
        let again = await HintsImport(settings(layout), name: ByteString(name), kind: kind).take(text)
        #expect(again.trouble == nil)
        #expect(try await Samples.dump(directory.file("db/\(ByteString(name))"), kind) == dump)
    }

    @Test("The dumps of both SQLite layouts are read back the same way", arguments: Samples.dumped)
    func dumps(folder: String, name: String) async throws {
        let kind = try #require(HintsKind(databaseName: ByteString(name)))
        let source = try Samples.text("\(folder)/\(name).dumpdb.txt")
        let text = DumpText(kind, source, zone: .utc, now: 1_795_250_000)
        if kind == .tls || (kind == .misc && folder.hasPrefix("v1")) {
            #expect(text.hints.isEmpty && !text.faults.isEmpty)
            return
        }
        #expect(text.faults.isEmpty)
        _ = await HintsImport(settings(.versioned), name: ByteString(name), kind: kind).take(text)
        #expect(try await Samples.dump(directory.file("db/\(ByteString(name))"), kind) == source)
    }

    @Test(
        "A directory's databases go into the other layout and back without change", arguments: Samples.dumped)
    func layouts(folder: String, name: String) async throws {
        let database = ByteString(name)
        let kind = try #require(HintsKind(databaseName: database))
        let source = ByteString(Samples.path(folder, name))
        let other: HintsLayout = folder.hasPrefix("v1") ? .versioned : .released
        let there = try await HintsImport(settings(other), name: database, kind: kind).take(from: source)
        #expect(there.trouble == nil && there.faults.isEmpty)
        let scan = try HintsScan(directory.file("db/\(database)"))
        #expect(scan.layout == other)
        var back = HintsSettings(directory: directory.file("back"))
        back.layout = folder.hasPrefix("v1") ? .released : .versioned
        _ = try await HintsImport(back, name: database, kind: kind).take(
            from: directory.file("db/\(database)"))
        let text = try await Samples.dump(directory.file("back/\(database)"), kind)
        #expect(text == (try await Samples.dump(source, kind)))
    }

    @Test("Of two records with one key the newer one stays")
    func newer() async throws {
        let database = HintsDatabase(settings(), name: "seen")
        #expect(await database.update { try $0.write(SeenRecord(), "a") }.trouble == nil)
        await database.close()
        let lines: ByteString = "a\t21-Nov-2026 07:20:29\nb\t21-Nov-2026 07:20:30\n"
        let text = DumpText(.seen, lines, zone: .utc, now: 1_795_250_000)
        let report = await HintsImport(settings(), name: "seen", kind: .seen).take(text)
        #expect(report.written == 1 && report.kept == 1)
        let dump = try await Samples.dump(directory.file("db/seen"), .seen)
        #expect(dump == "a\t\(HintsTime.text(1_795_250_000, .utc))\nb\t21-Nov-2026 07:20:30\n")
    }

    @Test("Messages that wait are added to those that wait already")
    func merged() async throws {
        let wait = WaitDatabase(settings(), transport: "t")
        for number in 0..<60 { _ = await wait.add(Self.id(number), hosts: ["h.example"]) }
        await wait.close()
        let ids = [Self.id(3), Self.id(58), Self.id(70), Self.id(71)].joined(separator: " ")
        let text = DumpText(.wait, "h.example \(ids) \n", zone: .utc, now: 1_795_250_000)
        let report = await HintsImport(settings(), name: "wait-t", kind: .wait).take(text)
        #expect(report.trouble == nil)
        #expect(await wait.ids(of: "h.example").value == (50..<60).map(Self.id) + [Self.id(70), Self.id(71)])
        let short = DumpText(.wait, "h.example 1xUfOR-0005oQ-2z \n", zone: .utc, now: 1_795_250_000)
        let refused = await HintsImport(settings(), name: "wait-t", kind: .wait).take(short)
        #expect(refused.faults.count == 1)
        #expect(await wait.ids(of: "h.example").value?.count == 12)
    }

    private static func id(_ number: Int) -> ByteString { "1xUfCN-\(number, zeroPadded: 11)-0Kt5" }

    @Test("The key of a pipe keeps its blanks and numbers")
    func pipes() throws {
        let line: ByteString = "  T:|/bin/cmd 1 2 x:user@pipes.example 0 77 Child 1 2 failed\n"
        let times: ByteString = "21-Nov-2026 07:20:23  21-Nov-2026 07:20:23  21-Nov-2026 07:35:23 *\n"
        let text = DumpText(.retry, line + times, zone: .utc, now: 0)
        #expect(text.hints.map(\.key) == ["T:|/bin/cmd 1 2 x:user@pipes.example"])
        guard case .retry(let record) = text.hints.first?.hint else {
            Issue.record("no record")
            return
        }
        #expect(record.moreErrno == 77 && record.text == "Child 1 2 failed" && record.expired)
    }

    @Test("Text that is no dump, or a damaged one, gives faults with line numbers, never a trap")
    func damaged() throws {
        var random = SeededGenerator(seed: 42)
        for (folder, name) in Samples.dumped {
            let text = try Samples.text("\(folder)/\(name).dumpdb.txt")
            for kind in HintsKind.allCases {
                for _ in 0..<20 {
                    let read = DumpText(kind, text.mutated(using: &random), zone: .utc, now: 1_795_250_000)
                    #expect(read.faults.allSatisfy { $0.place.starts(with: ByteString("line ")) })
                    for hint in read.hints { #expect(!hint.hint.encode(layout: .released).isEmpty) }
                }
            }
        }
    }
}
