import Bytes
import Foundation
import Hints
import Testing

@testable import Bobbin

@Suite("bobbin hints, and Exim's programs for hints")
struct HintsCommandTests {
    private let spool: ScratchSpool

    init() throws {
        spool = try ScratchSpool(messages: false)
        try FileManager.default.createDirectory(
            atPath: spool.path("db"), withIntermediateDirectories: true)
    }

    private static let samples =
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().path
        + "/../HintsTests/Fixtures/"
    private static let names = ["callout", "misc", "ratelimit", "retry", "seen", "tls", "wait-remote_smtp"]

    /// Puts the databases of a sample into the spool.
    private func take(_ folder: String = "v1-exim-4.99.1") throws {
        for name in Self.names {
            let target = spool.path("db/\(name)")
            try FileManager.default.copyItem(
                atPath: "\(Self.samples)\(folder)/\(name).sqlite3", toPath: target)
            try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: target)
        }
        try spool.settle()
    }

    private func hints(_ words: String..., input: [ByteString] = []) async -> Answer {
        await Ours.run(["hints"] + words + ["-C", spool.configuration], input: input)
    }

    private static func sample(_ name: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(fileURLWithPath: samples + name)), as: UTF8.self)
    }

    @Test(
        "HDB-02: exim_dumpdb prints what the Exim of the database prints, of all that were and of tls",
        arguments: ["v1-exim-4.99.1", "v2-exim-4.100-dev"])
    func dumpdb(folder: String) async throws {
        try take(folder)
        for name in Self.names {
            let answer = await Ours.run(["-z", spool.path(""), name], calledAs: "/usr/sbin/exim_dumpdb")
            #expect(answer.status == 0 && answer.errors.isEmpty)
            // The dump of tls is binary; the tests of the module compare it.
            if name != "tls" { #expect(answer.output == (try Self.sample("\(folder)/\(name).dumpdb.txt"))) }
        }
        let keys = await Ours.run(["exim_dumpdb", "-k", spool.path(""), "seen"])
        #expect(keys.output.hasPrefix("  127.0.0.1\n  greylist-"))
    }

    @Test(
        "Wrong words give the usage that Exim 4.96 prints, and its status",
        arguments: [
            ("exim_dumpdb", []), ("exim_dumpdb", ["/tmp"]), ("exim_dumpdb", ["-x", "/tmp", "retry"]),
            ("exim_dumpdb", ["/tmp", "bogus"]), ("exim_tidydb", ["-t", "5", "/tmp", "retry"]),
            ("exim_tidydb", []), ("exim_tidydb", ["/tmp", "bogus"]), ("exim_fixdb", []),
            ("exim_fixdb", ["/tmp", "bogus"]),
        ] as [(String, [String])])
    func usage(program: String, words: [String]) async throws {
        let path = "/usr/sbin/\(program)"
        try #require(FileManager.default.isExecutableFile(atPath: path), "\(Oracle.missing)")
        #expect(await Ours.run(words, calledAs: program) == (try Shell.run(path, words)))
    }

    @Test("A database that is missing or of another kind is told, with status 1, and left alone")
    func openFailures() async throws {
        for program in ["exim_dumpdb", "exim_fixdb", "exim_tidydb"] {
            let answer = await Ours.run([spool.path(""), "retry"], calledAs: program)
            #expect(answer.status == 1)
            #expect(answer.errors.contains("No such file or directory"))
            #expect(spool.octets("db/retry") == nil)
        }
        let rubbish = Data(repeating: 0x41, count: 20_000)
        try spool.write(rubbish, to: "db/retry")
        let dump = await Ours.run([spool.path(""), "retry"], calledAs: "exim_dumpdb")
        #expect(dump.status == 1)
        #expect(dump.errors.contains("is no SQLite database"))
        #expect(await hints("tidy").status != 0)
        #expect(spool.octets("db/retry") == rubbish)
    }

    @Test("HDB-01: sessions kept for resumption make a hints database named tls, which every command shows")
    func tlsDatabase() async throws {
        #expect(await !hints("list").output.contains("tls"))
        let database = HintsDatabase(HintsSettings(directory: ByteString(spool.path("db"))), name: "tls")
        let key = ByteString(String(repeating: "b4", count: 32))
        let kept = await database.update { transaction in
            try transaction.write(
                TLSSessionRecord(verifyOverride: false, ocspStatus: 1, session: "s3cret"), key)
        }
        await database.close()
        #expect(kept.trouble == nil)
        #expect(await hints("list").output.contains(/tls +1 records/))
        #expect(await hints("dump", "-k", "tls").output == "  \(key)\n")
        let shown = await hints("dump", "--json", "tls").output
        #expect(shown.contains("\"session_size\":6") && !shown.contains("s3cret"))
        #expect(await hints("stats", "--json", "tls").output.contains("\"sessions\":1"))
        // Two hours later its ticket is over.
        let tidied = await hints("tidy", "--ticket-lifetime", "1h", "--dry-run", "tls").output
        #expect(tidied.contains("1 records, would be: 0 deleted"))
    }

    @Test("HDB-02, HDB-03: exim_tidydb takes tls as a name; old sessions go")
    func tidydb() async throws {
        try take()
        let kept = await Ours.run(["-t", "5000w", spool.path(""), "tls"], calledAs: "exim_tidydb")
        #expect(kept.output == "Tidying Exim hints database \(spool.path(""))/db/tls\nTidying complete\n")
        let messages = await Ours.run(["-t", "5000w", spool.path(""), "retry"], calledAs: "exim_tidydb")
        #expect(messages.output.split(separator: "\n").count == 6)
        #expect(
            messages.output.contains(
                "deleted T:msgerr.example:127.0.0.32:1xUfTa-000000001aj-1ZFO (no message)\n"))
        #expect(messages.status == 0)
    }

    @Test("A message of a named queue, or of a split directory, keeps its hints")
    func queues() async throws {
        try take()
        for name in [
            "input/1xUfTa-000000001aj-1ZFO-D", "other/input/1xUfTa-000000001aw-1hDx-D",
            "input/d/1xUfTd-000000001hz-1nfu-D",
        ] {
            try spool.write(Data(), to: name)
        }
        let tidied = await hints("tidy", "--older-than", "5000w", "-v", "retry")
        #expect(
            tidied.output.split(separator: "\n").first
                == "deleted T:msgerr.example:127.0.0.32:1xUfTd-000000001i5-1rdF (no message)")
        #expect(tidied.output.contains("1 deleted (1 no message)"))
    }

    @Test("exim_fixdb and hints fix answer a session, and the database has the change")
    func fix() async throws {
        try take()
        let key: ByteString = "T:refused.example:127.0.0.13"
        let lines: [ByteString] = [key, "0 110", "\(key) d", "q"]
        let session = await Ours.run(
            [spool.path(""), "retry"], calledAs: "exim_fixdb", input: Array(lines.prefix(2)))
        #expect(session.output.hasPrefix("Modifying Exim hints database \(spool.path(""))/db/retry\n> "))
        #expect(session.output.contains("0 error number: 110 Connection refused\n"))
        #expect(session.output.hasSuffix("> \n"))
        let dump = await hints("dump", "retry")
        #expect(dump.output.contains("  \(key) 110 65 Connection refused\n"))
        let deleted = await hints("fix", "retry", input: Array(lines.suffix(2)))
        #expect(deleted.output == "> deleted\n> ")
        #expect(await hints("show", "retry", key.string).status == 66)
    }

    @Test("exinext finds what Exim's finds, and the hosts with IPv6 addresses that it misses")
    func exinext() async throws {
        try take("v2-exim-4.100-dev")
        let conf = """

            begin routers
            r:
              driver = manualroute
              route_data = ${if eq{$domain}{six.test}{127.0.0.1 ::: [::1]}{refused.example}}
              transport = t
            begin transports
            t:
              driver = smtp

            """
        let file = spool.directory + "/routing"
        try (String(contentsOfFile: spool.configuration, encoding: .utf8) + conf).write(
            toFile: file, atomically: true, encoding: .utf8)
        for name in ["::1", "127.0.0.17", "r451@rcpt.test", "1xUfNv-000000004oc-2LMK"] {
            let answer = await Ours.run(["-C", file, name], calledAs: "exinext")
            #expect(answer.status == 0)
            #expect(answer.output.contains("first failed: "), "\(answer)")
        }
        let usage = await Ours.run([], calledAs: "exinext")
        #expect(
            usage == Answer(output: "Usage: exinext <address>|<domain>|<local-part>\n", errors: "", status: 1)
        )
        let nothing = await Ours.run(["-C", spool.configuration, "nosuch"], calledAs: "exinext")
        #expect(nothing.output == "No retry data found for nosuch\n")
    }

    @Test("hints next takes hosts from the lines of -bt")
    func routedHosts() {
        var search = RetrySearch("a@refused2.test")
        search.take(
            routing: """
                a@refused2.test
                  router = r, transport = t
                  host refused.example [127.0.0.13] MX=10 port=2526
                  host six.example     [::1]
                a@x.test cannot be resolved at this time: lost

                """)
        #expect(search.hosts.map(\.name) == ["refused.example", "six.example"])
        #expect(search.hosts.map(\.address) == ["127.0.0.13", "::1"])
        #expect(search.remarks == "a@x.test cannot be resolved at this time: lost\n")
    }

    @Test("Import takes a directory, and text, and tells what it could not take")
    func importing() async throws {
        let source = spool.directory + "/old"
        try FileManager.default.createDirectory(atPath: source, withIntermediateDirectories: true)
        for name in ["retry", "seen"] {
            try FileManager.default.copyItem(
                atPath: "\(Self.samples)v2-exim-4.100-dev/\(name).sqlite3", toPath: "\(source)/\(name)")
        }
        let dry = await hints("import", "--from", source, "--dry-run")
        #expect(dry.status == 0 && spool.octets("db/retry") == nil)
        let taken = await hints("import", "--from", source)
        #expect(
            taken.status == 0
                && taken.output.contains("seen: 15 records taken, 0 kept as they are, 0 not taken\n"),
            "\(taken)")
        let dumped = await Ours.run(["-z", spool.path(""), "retry"], calledAs: "exim_dumpdb")
        #expect(dumped.output == (try Self.sample("v2-exim-4.100-dev/retry.dumpdb.txt")))
        let text = try Self.sample("bdb-exim-4.96/misc.dumpdb.txt").split(separator: "\n").map {
            ByteString($0)
        }
        let misc = await hints("import", "--text", "-", "-z", "misc", input: text)
        #expect(misc.status == 65)
        #expect(misc.errors.contains("misc: line 1: 127.0.0.18:25.EHLO"))
        #expect(await hints("import", "--text", "-").status == 64)
    }

    @Test("New databases belong to the mail user, as root works for it")
    func ownership() async throws {
        try #require(getuid() == 0, "needs root")
        let lines: [ByteString] = ["a\t21-Nov-2026 07:20:29"]
        #expect(await hints("import", "--text", "-", "seen", input: lines).status == 0)
        let owner = try FileManager.default.attributesOfItem(atPath: spool.path("db/seen"))
        let directory = try FileManager.default.attributesOfItem(atPath: spool.path(""))
        #expect(owner[.ownerAccountID] as? Int == directory[.ownerAccountID] as? Int)
    }

    @Test(
        "JSON lines are good JSON, and the page lists every key",
        arguments: ["v1-exim-4.99.1", "v2-exim-4.100-dev"])
    func json(folder: String) async throws {
        try take(folder)
        let page = try Self.page()
        for words in [["dump"], ["list"], ["stats"], ["tidy", "--dry-run"]] {
            let answer = await Ours.run(["hints"] + words + ["--json", "-C", spool.configuration])
            #expect(!answer.output.isEmpty)
            for line in answer.output.split(separator: "\n") {
                let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
                for key in try #require(object).keys { #expect(page.contains("`\(key)`"), "\(key)") }
            }
        }
    }

    @Test("A session's secret is never printed as JSON")
    func secret() async throws {
        try take()
        let answer = await hints("dump", "tls", "--json")
        #expect(answer.output.contains(#""lifetime":7200"#))
        #expect(!answer.output.contains("0x30") && answer.output.utf8.count < 400)
    }

    @Test("Filters choose by host and by a record's own end")
    func filters() async throws {
        try take()
        let host = await hints("dump", "-k", "--host", "refused.example", "retry", "wait-remote_smtp")
        #expect(
            host.output.split(separator: "\n").map { $0.dropFirst(2) } == [
                "T:refused.example:127.0.0.13", "T:refused.example:127.0.0.13:2526",
                "T:refused.example:127.0.0.13:2599", "refused.example", "refused.example:0",
                "refused.example:1",
            ])
        let expired = await hints("dump", "-k", "--expired", "retry")
        #expect(expired.output == "  T:refused.example:127.0.0.13:2599\n")
        #expect(await hints("dump", "-k", "--older-than", "5000w").output.isEmpty)
        #expect(await hints("dump", "--older-than", "soon").status == 64)
    }

    private static func page() throws -> String {
        let here = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        return try String(
            contentsOf: here.appendingPathComponent("../../doc/bobbin-hints.md"), encoding: .utf8)
    }

    @Test("The examples of the page print what the page says")
    func examples() async throws {
        try take()
        var (commands, words, expected) = (0, [String](), "")
        func check() async {
            guard !words.isEmpty else { return }
            let answer = await Ours.run(words + ["-C", spool.configuration])
            #expect(answer.output == expected, "\(words)")
            commands += 1
        }
        var isInside = false
        for line in try Self.page().split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("```") {
                isInside = line == "```console"
            } else if isInside, line.hasPrefix("$ bobbin ") {
                await check()
                words = line.split(separator: " ").dropFirst(2).map(String.init)
                expected = ""
            } else if isInside {
                expected += "\(line)\n"
            }
        }
        await check()
        #expect(commands >= 4)
    }
}
