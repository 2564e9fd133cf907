import Bytes
import Hints
import TestKit
import Testing

@Suite("Dump of hints databases", .timeLimit(.minutes(20)))
struct DumpTests {
    @Test(
        "HDB-02: every sample, tls among them, dumps to what the exim_dumpdb of its Exim printed",
        arguments: Samples.dumped)
    func golden(folder: String, name: String) async throws {
        let kind = try #require(HintsKind(databaseName: ByteString(name)))
        let text = try await Samples.dump(ByteString(Samples.path(folder, name)), kind)
        let expected = try Samples.text("\(folder)/\(name).dumpdb.txt")
        let throughCat = kind == .tls || folder.hasPrefix("v1")
        #expect(throughCat ? Samples.visible(text) == expected : text == expected)
    }

    @Test("With -k the keys are printed, and nothing else")
    func keys() async throws {
        let scan = try HintsScan(ByteString(Samples.path("v2-exim-4.100-dev", "retry")))
        var dump = HintsDump(.retry, layout: scan.layout)
        dump.keysOnly = true
        var pages = scan.pages()
        let text = try await pages.next().map { dump.piece($0).text }.joined(separator: "")
        #expect(text == (try Samples.text("v2-exim-4.100-dev/retry.keys.txt")))
    }

    @Test("A scan reads each record once, in both directions, and changes nothing")
    func scan() async throws {
        let directory = try TemporaryDirectory()
        var settings = HintsSettings(directory: directory.file("db"))
        settings.clock = { 1_800_000_000 }
        let database = HintsDatabase(settings, name: "seen")
        let expected: [ByteString] = (0..<(2 * HintsScan.pageLength + 7)).map { "k\($0, zeroPadded: 5)" }
        let outcome = await database.update { transaction in
            for key in expected { try transaction.write(SeenRecord(), key) }
        }
        #expect(outcome.trouble == nil)
        await database.close()
        let before = try directory.read("db/seen")
        for descending in [false, true] {
            let scan = try HintsScan(directory.file("db/seen"))
            #expect(try await scan.count() == expected.count)
            var keys: [ByteString] = []
            var pages = scan.pages(descending: descending)
            while true {
                let rows = try await pages.next()
                if rows.isEmpty { break }
                keys += rows.map(\.key)
            }
            #expect(keys == (descending ? expected.reversed() : expected))
        }
        #expect(try directory.read("db/seen") == before)
    }

    @Test("A database of another kind is refused and left alone, also a missing one")
    func foreign() throws {
        let directory = try TemporaryDirectory()
        let berkeley =
            ByteString(repeatElement(0, count: 12)) + [0x61, 0x15, 0x06, 0] + ByteString("rest of it")
        try directory.write(berkeley, to: "retry")
        do {
            _ = try HintsScan(directory.file("retry"))
            Issue.record("opened")
        } catch {
            #expect(error.reason.contains(ByteString("Berkeley DB")))
        }
        #expect(try directory.read("retry") == berkeley)
        #expect(throws: HintsTrouble.self) { try HintsScan(directory.file("absent")) }
    }

    @Test("Exim's complaint is printed for a record whose key Exim cannot find")
    func unfindable() {
        let dump = HintsDump(.seen, layout: .released)
        let piece = dump.piece(HintsRow(key: "x", octets: "12345678", isFindable: false))
        #expect(piece.text.isEmpty && !piece.isFailure)
        #expect(
            piece.complaint
                == """
                **** Entry "x" was in the key scan, but the record was not found in the file - something is wrong!

                """)
    }

    @Test("Damaged records give a complaint or nothing, never a line, whatever their octets")
    func damaged() throws {
        var random = SeededGenerator(seed: 20_261_121)
        for (layout, key, value) in try Samples.records([
            "retry", "wait-remote_smtp", "callout", "ratelimit", "tls",
        ]) {
            for kind in HintsKind.allCases {
                for _ in 0..<4 {
                    let row = HintsRow(key: key, octets: value.mutated(using: &random))
                    let piece = HintsDump(kind, layout: layout).piece(row)
                    #expect(piece.text.isEmpty || piece.complaint.isEmpty)
                    var statistics = HintsStatistics(kind, layout: layout, now: 1_800_000_000)
                    statistics.add(row)
                    #expect(statistics.records == 1)
                }
            }
        }
    }

    @Test("Times are printed and read in both zones; what is no time is nil")
    func times() {
        #expect(HintsTime.text(1_795_245_329, .utc) == "21-Nov-2026 07:15:29")
        for zone in [HintsTime.Zone.utc, .local] {
            #expect(HintsTime.parse(HintsTime.text(1_795_245_329, zone), zone) == 1_795_245_329)
        }
        for text in [
            "21-Nov-2026 07:15", "21-Xov-2026 07:15:29", "41-Nov-2026 07:15:29", "21-Nov-2026_07:15:29", "",
        ] {
            #expect(HintsTime.parse(ByteString(text), .utc) == nil)
        }
    }

    @Test(
        "Entered times are pairs of digits from the right, as exim_fixdb 4.96 takes them",
        arguments: [
            ("1230", "21-Nov-2026 12:30:00"), ("12:30", "21-Nov-2026 12:30:00"),
            ("7", "21-Nov-2026 10:07:00"),
            ("107", "21-Nov-2026 01:07:00"), ("99", "21-Nov-2026 11:39:00"),
            ("261131", "26-Nov-2026 11:31:00"),
            ("9912312359", "31-Dec-1999 23:59:00"), ("2612011230", "01-Dec-2026 12:30:00"),
            ("123456789012", nil), ("12:x", nil), ("1:2:3", nil), ("", nil), ("garbage", nil),
        ] as [(String, String?)])
    func entered(text: String, expected: String?) throws {
        let now = try #require(HintsTime.parse(ByteString("21-Nov-2026 10:08:08"), .local))
        let time = HintsTime.parse(entered: ByteString(text), now: now)
        #expect(time.map { HintsTime.text($0, .local).string } == expected)
    }
}
