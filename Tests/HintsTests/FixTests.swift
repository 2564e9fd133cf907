import Bytes
import Hints
import OpenSSL
import TestKit
import Testing

@Suite("The dialogue of exim_fixdb")
struct FixTests {
    /// A database in memory with a dialogue on it.
    struct Session {
        var records: [ByteString: ByteString] = [:]
        var fix: HintsFix
        var now: Int64

        /// What exim_fixdb prints for these lines, prompts included, up to the end of input or `q`.
        mutating func run(_ lines: [ByteString]) -> ByteString {
            var text = HintsFix.prompt
            for line in lines {
                let answer = fix.take(line, now: now) { records[$0] }
                text += answer.text
                if answer.isEnd { return text }
                switch answer.edit {
                case .store(let key, let octets): records[key] = octets
                case .delete(let key): records[key] = nil
                case nil: break
                }
                text += HintsFix.prompt
            }
            return text + ByteString("\n")
        }
    }

    private static func md5(_ text: ByteString) -> ByteString? {
        do { return try Digest.of(text, .md5) } catch { return nil }
    }

    private func session(
        _ kind: HintsKind, _ dump: ByteString, layout: HintsLayout = .released, at time: String
    )
        throws -> Session
    {
        let now = try #require(HintsTime.parse(ByteString(time), .local))
        let text = DumpText(kind, dump, zone: .local, now: now)
        let pairs = text.hints.map { ($0.key, $0.hint.encode(layout: layout)) }
        return Session(
            records: Dictionary(pairs) { $1 }, fix: HintsFix(kind, layout: layout, digest: Self.md5), now: now
        )
    }

    @Test("A session on retry answers as exim_fixdb 4.96 did", arguments: HintsLayout.allCases)
    func golden(layout: HintsLayout) throws {
        let dump = try Samples.text("bdb-exim-4.96/retry.dumpdb.txt")
        var session = try session(.retry, dump, layout: layout, at: "21-Nov-2026 07:21:27")
        let text = session.run([
            "T:refused.example:127.0.0.13", "0 110", "1 321", "4 2612011230", "5 yes", "2 garbage", "9 1",
            "T:nosuch",
            "d", "T:drop.example:127.0.0.14 d", "T:drop.example:127.0.0.14 d", "T:busy.example:127.0.0.17 x",
            "T:busy.example:127.0.0.17 4", "q",
        ])
        let expected = try Samples.text("bdb-exim-4.96/fixdb-retry-session.txt")
        #expect(
            "Modifying Exim hints database /var/spool/exim/db/retry\n\(text)" == expected)
    }

    private static let retryDump: ByteString = """
          T:127.0.0.1:127.0.0.1:9 111 65 Connection refused
        21-Nov-2026 10:08:08  21-Nov-2026 10:08:08  21-Nov-2026 10:23:08 

        """

    @Test(
        "Lines that are not quite right are answered as exim_fixdb 4.96 answers them",
        arguments: [
            (["T:127.0.0.1:127.0.0.1:9 d extra"], "> unexpected value after \"d\"\n> \n"),
            (["T:127.0.0.1:127.0.0.1:9 12 5"], "> unknown field number\n> \n"),
            ([""], "> record  not found\n> \n"),
            (["d extra"], "> field number or d expected\n> \n"),
            (["12 5"], "> value missing\n> \n"),
            (["0 abc"], "> No previous record name is set\n> \n"),
            (
                ["two words three", "6 1", "7 1"],
                "> field number or d expected\n> not found\nrecord two not found\n> No previous record name is set\n> \n"
            ),
            (["nosuch d", "0 5"], "> not found\n> not found\nrecord nosuch not found\n> \n"),
        ] as [([String], String)])
    func oddLines(lines: [String], expected: String) throws {
        var session = try session(.retry, Self.retryDump, at: "21-Nov-2026 10:08:08")
        #expect(session.run(lines.map { ByteString($0) }).string == expected)
    }

    @Test("A wrong value is told, and the record shown, with its stamp renewed, as exim_fixdb 4.96 does")
    func wrongValue() throws {
        var session = try session(.retry, Self.retryDump, at: "21-Nov-2026 10:09:07")
        #expect(
            session.run(["T:127.0.0.1:127.0.0.1:9 5 maybe"])
                == """
                > "yes" or "no" expected=n21-Nov-2026 10:09:07
                0 error number: 111 Connection refused
                1 extra data:   65
                2 first failed: 21-Nov-2026 10:08:08
                3 last try:     21-Nov-2026 10:08:08
                4 next try:     21-Nov-2026 10:23:08
                5 expired:      no
                > 

                """)
    }

    @Test("Rates: fields, and the filter asked and filled, as exim_fixdb 4.96 does")
    func rates() throws {
        let line: ByteString =
            "21-Nov-2026 10:08:08.949985 rate:      2.000 epoch: 21-Nov-2026 10:08:08 size: 200 key: 1h/per_rcpt/unique/\n"
        var session = try session(.ratelimit, line, at: "21-Nov-2026 10:08:09")
        func shown(_ fraction: String, _ rate: String, epoch: String = "10:08:08") -> ByteString {
            """
            21-Nov-2026 10:08:09
            0 time stamp:  21-Nov-2026 10:08:09
            1 fract. time: .\(fraction)
            2 sender rate:  \(rate)
            3 filter epoch: 21-Nov-2026 \(epoch)
            4 test filter membership
            5 add element to filter
            > 
            """
        }
        let text = session.run([
            "1h/per_rcpt/unique/ 4 zz", "5 zz", "4 zz", "5 zz", "0 1230", "1 5", "1 .25", "2 3.5x", "2 abc",
            "3 1111", "6 1",
        ])
        let whole = shown("949985", "2.000")
        let expected = [
            "> unseen zz\n", whole, "added zz\n", whole, "seen zz\n", whole, "seen zz\n", whole, whole,
            shown("000005", "2.000"), shown("000000", "2.000"), shown("000000", "3.500"),
            shown("000000", "0.000"),
            shown("000000", "0.000", epoch: "11:11:00"), "unknown field number\n> \n",
        ].joined(separator: "")
        #expect(text == expected)
    }

    @Test("The filter has the bits that Exim 4.96 sets")
    func filter() {
        var filter = RateLimitRecord.Filter(epoch: 0, size: 200)
        for name in ["q", "q2", "zz"] { filter.insert(Self.md5(ByteString(name)) ?? "") }
        #expect(Hex.encode(filter.octets) == Self.filterOfExim)
    }

    private static let filterOfExim: ByteString =
        "0000000000000000000000000008000000000000000000000000000020004000000100020008000000000000000008000000000080000000000000000000000000000000000000020000000040000000000008000000000001000000000000000000000000000000000000000000020000000000000000000000000000000010000000800000000004000000200000000000000000200000000000000000000000000000000000000000000000800000000000000020000000000004000200008000000000001000"

    @Test("Wait records are shown and refuse changes, as exim_fixdb 4.96 does")
    func wait() throws {
        let line: ByteString = "127.0.0.1 1xUi0u-0000kW-1x 1xUi0u-0000kb-2B \n"
        var session = try session(.wait, line, at: "21-Nov-2026 10:08:08")
        let shown: ByteString = "21-Nov-2026 10:08:08\nSequence: 0\n1xUi0u-0000kW-1x 1xUi0u-0000kb-2B \n> "
        #expect(
            session.run(["127.0.0.1", "127.0.0.1 1 2", "9", "127.0.0.1 d", "1"])
                == "> \(shown)Can't change contents of wait database record\n\(shown)value missing\n> deleted\n> value missing\n> \n"
        )
    }

    @Test("Domain records of callout have three fields, address records one")
    func callout() throws {
        let lines: ByteString = """
            21-Nov-2026 07:20:26 vrfy.example callout=accept postmaster=accept (21-Nov-2026 07:20:26) random=reject (21-Nov-2026 07:20:26)
            21-Nov-2026 07:20:26 u1@vrfy.example callout=accept

            """
        var session = try session(.callout, lines, at: "21-Nov-2026 10:00:00")
        #expect(
            session.run(["vrfy.example", "1 2", "u1@vrfy.example", "1 2"])
                == """
                > 21-Nov-2026 07:20:26
                0 callout:    accept (1)
                1 postmaster: accept (1)
                2 random:     reject (2)
                > 21-Nov-2026 10:00:00
                0 callout:    accept (1)
                1 postmaster: reject (2)
                2 random:     reject (2)
                > 21-Nov-2026 07:20:26
                0 callout:    accept (1)
                > unknown field number
                > 

                """)
    }

    @Test("Every set renews the stamp and takes the taint away, also where nothing may be changed")
    func stamps() throws {
        for layout in HintsLayout.allCases {
            var record = TLSSessionRecord(verifyOverride: true, ocspStatus: 2, session: "secret")
            record.header.written = 1_700_000_000
            var session = Session(
                records: ["k": record.encode(layout: layout)], fix: HintsFix(.tls, layout: layout),
                now: 1_795_250_000)
            _ = session.run(["k 0 5"])
            record.header = HintsHeader(written: 1_795_250_000)
            #expect(session.records["k"] == record.encode(layout: layout))
        }
    }

    @Test("No line and no record makes the dialogue trap")
    func fuzz() throws {
        var random = SeededGenerator(seed: 7)
        let lines: [ByteString] = [
            "k", "k d", "k 0 5", "k 3 1230", "4 zz", "5 yes", "d", "q", "k 2 1e9", "k 1 -5",
        ]
        for (layout, _, value) in try Samples.records([
            "retry", "wait-remote_smtp", "callout", "ratelimit", "misc",
        ]) {
            for kind in HintsKind.allCases {
                var session = Session(
                    records: ["k": value.mutated(using: &random)],
                    fix: HintsFix(kind, layout: layout, digest: Self.md5),
                    now: 1_795_250_000)
                let typed = lines.map { Bool.random(using: &random) ? $0 : $0.mutated(using: &random) }
                #expect(session.run(typed).starts(with: HintsFix.prompt))
            }
        }
    }
}
