import Bytes
import Foundation
import Spooler
import TestKit
import Testing

@testable import Bobbin

@Suite("Exim's options are read as by Exim")
struct EximOptionTests {
    @Test(
        "Wrong options and combinations get Exim's words and status",
        arguments: [
            [], ["--help"], ["-help"], ["-bogus"], ["-b"], ["-bX"], ["-bpx"], ["-bpcc"], ["-Mx", "1"],
            ["-Mxx"],
            ["-C"], ["-f"], ["-bd", "-bp"], ["-t", "-bs"], ["-bt", "-bv"], ["-qx"], ["-q5x"], ["-qfq"],
            ["-o"],
            ["-ox"], ["-oex"], ["-od"], ["-odx"], ["-odfoo"], ["-oMx", "1"], ["-oi5"], ["-e"], ["-tx"],
            ["-n"],
            ["-v"], ["-bm"], ["-D"], ["-Dx=y", "-bpc"], ["-R"], ["-Rf"], ["-Rrff"], ["-S"], ["-Rx", "y"],
            ["-M"], ["-M", "foo"], ["-M", "-bpc"], ["-Mf"], ["-Mf", "foo"], ["-Mar"], ["-Mar", "foo", "a@b"],
            ["-Mvh"], ["-Mvh", "foo"], ["-Mrm"], ["-Mrm", "foo"], ["-Mmad"], ["-MG", "bulk"],
            ["-MG", "bulk", "foo"], ["-Mset", "foo", "-be", "x"], ["-Mset", "1xUfHo-0002UW-1v"],
            ["-q", "extra"],
            ["-q1m", "-q1m"], ["-R", "x", "y"], ["-bd", "y"], ["-qlf"], ["-qfi"], ["-qfff"], ["-q5"],
            ["-qGa/f"],
            ["-qGx/1m/2m"], ["-q", "30"], ["-q", "-q"], ["-q", "-qf"], ["-q", "x", "y", "z"], ["-Rfr", "x"],
            ["-qRr"], ["-qS"], ["-q5m", "-bp"], ["-q5m", "x"], ["-q5m", "1xUfHo-0002UW-1v"],
            ["-q5m", "-Mrm", "1xUfHo-0002UW-1v"], ["-R", "x", "-M", "1xUfHo-0002UW-1v"], ["-Mg"],
            ["-Mg", "x"],
            ["-Mc", "1xUfHo-0002UW-1v", "-v"],
        ])
    func wrong(words: [String]) async throws {
        let duel = try Duel()
        let exim = try Shell.run(Oracle.path, ["-C", duel.theirs.configuration] + words)
        let bobbin = await Ours.run(["exim", "-C", duel.ours.configuration] + words)
        #expect(bobbin == exim)
    }

    @Test(
        "Options that ask for nothing of their own do not disturb another one",
        arguments: [
            ["-v"], ["-x"], ["-E"], ["-n"], ["-i"], ["-m"], ["-om"], ["-Ac"], ["-B8BITMIME"], ["-h", "3"],
            ["-h3"],
            ["-U"], ["-p", "x"], ["-px:y"], ["-r", "a@b"], ["-X", "/tmp/x"], ["-O", "x"], ["-ee"], ["-G"],
            ["-t"],
            ["-odq"], ["-odb"], ["-odi"], ["-oMa", "192.0.2.1"], ["-os5m"], ["-or5m"], ["-oitrue"], ["-oB5"],
            ["-oo"], ["-ti"], ["-bnq"], ["-bm"], ["-F", "a"], ["-f", "a"], ["-DX=y"], ["-oX", "2525"],
        ])
    func harmless(words: [String]) async throws {
        let duel = try Duel()
        let exim = try Shell.run(Oracle.path, ["-C", duel.theirs.configuration] + words + ["-bpc"])
        let bobbin = await Ours.run(["exim", "-C", duel.ours.configuration] + words + ["-bpc"])
        #expect(bobbin.output == exim.output)
        #expect(bobbin.status == exim.status)
    }

    @Test(
        "Queue runs, submissions and daemons are handed over with the words that the siblings take",
        arguments: [
            ("-q", "runner"), ("-qff", "runner --force-frozen"), ("-qif", "runner --force --first-time"),
            ("-ql", "runner --local-only"), ("-qGbulk/5m", "runner --queue bulk --every 5m"),
            ("-q30m", "runner --every 30m"),
            ("-q 1xUfHo-0002UW-1v", "runner --start 1xUfHo-0002UW-1v"),
            ("-Rff a.b", "runner --force-frozen --recipient=a.b"),
            ("-Rr a.b", "runner --recipient-pattern=a.b"), ("-qRf -x", "runner --force --recipient=-x"),
            ("-S x", "runner --sender=x"), ("-qS x", "runner --sender=x"),
            ("-qqf", "runner --two-stage --force"),
            ("-Mg 1xUfHo-0002UW-1v", "runner --cancel --message 1xUfHo-0002UW-1v"),
            ("-N -qf", "runner --force --no-delivery"), ("-q5m -oP /p", "runner --every 5m --pid-file /p"),
            ("-bd -qff30m", "receiver listen --run-word=--force-frozen --run-word=--every --run-word=30m"),
            ("-M 1xUfHo-0002UW-1v", "runner --force-frozen --message 1xUfHo-0002UW-1v"),
            ("-Mc 1xUfHo-0002UW-1v", "runner --message 1xUfHo-0002UW-1v"),
            ("-bd", "receiver listen"),
            ("-bdf -oX 2525 -oP /p", "receiver listen --listen 0.0.0.0:2525 --pid-file /p"),
            ("-bd -oX 127.0.0.1.26", "receiver listen --listen 127.0.0.1:26"),
            ("-bd -oX <,[::1]:26,127.0.0.1.27", "receiver listen --listen [::1]:26 --listen 127.0.0.1:27"),
            ("-bd -oX ::::1", "receiver listen --listen [::1]:25"),
            ("-bs", "receiver stdio"), ("-bS", "receiver bsmtp"),
            ("-t", "receiver submit -t --mistakes mail"),
            ("-i -f a@b -F X c@d", "receiver submit -f a@b -F X -i --mistakes mail -- c@d"),
            ("-bm -oep c@d", "receiver submit --mistakes print -- c@d"),
            (
                "-E1xUfHo-0002UW-1v -odq -oee c@d",
                "receiver submit -E 1xUfHo-0002UW-1v --mistakes mail-only --queue-only -- c@d"
            ),
            ("-odq -- -x@y", "receiver submit --mistakes mail --queue-only -- -x@y"),
        ])
    func handedOver(line: String, expected: String) throws {
        let words = line.split(separator: " ").map { ByteString($0) }
        let handOver = try #require(EximHandOver(EximOptionReader.read(words)).words)
        let program = handOver.sibling == .receiver ? "receiver" : "runner"
        #expect(([program] + handOver.words.map(\.string)).joined(separator: " ") == expected)
    }

    @Test("The program's name stands for an option", arguments: Personality.allCases)
    func names(personality: Personality) throws {
        let request = try EximOptionReader.read(personality.impliedOptions + ["-oMr", "x"])
        let expected: Set<EximRequest.Deed> =
            switch personality {
            case .exim, .exim4, .sendmail, .rmail: []
            case .mailq: [.list]
            case .runq: [.runQueue]
            case .rsmtp: [.batchedSMTP]
            case .newaliases: [.rebuildAliases]
            }
        #expect(request.deeds == expected)
        #expect(request.submission.mistakes == (personality == .rmail ? "mail-only" : "mail"))
        #expect(request.submission.ignoresDot == (personality == .rmail))
        #expect(
            Personality(
                calledAs: Personality.lastComponent(of: ByteString("/usr/bin/\(personality.rawValue)")))
                == personality)
    }

    @Test("Each option of the table is found by its own spelling")
    func table() {
        for option in EximOptions.all {
            #expect(EximOptions.option(for: option.spelling)?.spelling == option.spelling)
            #expect(!option.help.isEmpty)
        }
        #expect(Set(EximOptions.all.map(\.spelling)).count == EximOptions.all.count)
    }

    @Test("doc/exim-personality.md has the table of options, row by row")
    func documented() throws {
        let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../doc/exim-personality.md")
        var text = try String(contentsOf: page, encoding: .utf8)
        let start = try #require(text.range(of: "| option | effect |\n|---|---|\n"))
        let end = try #require(text.range(of: "\n\n", range: start.upperBound..<text.endIndex))
        let rows = EximOptions.all.map { "| `\($0.spelling)\($0.valueWord)` | \($0.help) |" }.joined(
            separator: "\n")
        if ProcessInfo.processInfo.environment["BOBBIN_REWRITE_GOLDEN"] != nil {
            text.replaceSubrange(start.upperBound..<end.lowerBound, with: rows)
            try text.write(to: page, atomically: true, encoding: .utf8)
        } else {
            #expect(text[start.upperBound..<end.lowerBound] == rows)
        }
    }

    @Test(
        "-bt, -bv and -bvs tell of addresses what Exim tells, with its status",
        arguments: ["-bt", "-bv", "-bvs"],
        [
            ["a@local.example"], ["both@local.example"], ["one@local.example"], ["bh@local.example"],
            ["no@local.example"], ["root"], ["nosuch"], ["b@remote.example"], ["x@unknown.example"], ["d@@e"],
            ["<>"], ["Foo <a@local.example>"], ["a@local.example", "nosuch", "b@remote.example"], [""],
            ["df@local.example"],
        ])
    func addresses(option: String, addresses: [String]) async throws {
        let duel = try Duel(options: Self.routers)
        let exim = try Shell.run(Oracle.path, ["-C", duel.theirs.configuration, option] + addresses)
        let bobbin = await Ours.run(["exim", "-C", duel.ours.configuration, option] + addresses)
        #expect(bobbin == exim)
    }

    private static let routers = """
        domainlist local_domains = host.example.org : local.example
        begin routers
        aliases:
          driver = redirect
          domains = +local_domains
          local_parts = both : one : bh : df
          allow_defer
          data = ${if eq{$local_part}{both}{a@local.example, b@remote.example}\
                 {${if eq{$local_part}{one}{a@local.example}{${if eq{$local_part}{df}{:defer: later}{:blackhole:}}}}}}
        users:
          driver = accept
          domains = +local_domains
          local_parts = a : root
          transport = file
        smart:
          driver = manualroute
          domains = remote.example
          route_data = 127.0.0.2
          transport = smtp
        begin transports
        file:
          driver = appendfile
          file = /dev/null
        smtp:
          driver = smtp
        begin retry
        * * F,2h,15m
        """

    @Test("Any words give a request or Exim's words, never a trap")
    func fuzz() {
        var random = SeededGenerator(seed: 4_96)
        let pieces =
            EximOptions.all.map(\.spelling) + [
                "1xUfHo-0002UW-1v", "a@b", "", "-", "--", "5m", "G", "ff", "/",
            ]
        for _ in 0..<20_000 {
            let words = (0..<Int.random(in: 0...5, using: &random)).map { _ in
                (0..<Int.random(in: 1...3, using: &random)).reduce(into: ByteString()) { word, _ in
                    word += pieces[Int.random(in: 0..<pieces.count, using: &random)]
                }
            }
            do {
                _ = EximHandOver(try EximOptionReader.read(words)).words
            } catch {
                #expect(error.message.starts(with: ByteString("exim")))
            }
        }
    }

    @Test(
        "-bP prints values as Exim does",
        arguments: [
            "auto_thaw", "delay_warning", "queue_only_load", "trusted_users", "trusted_groups",
            "smtp_accept_max",
            "header_maxsize", "message_size_limit", "log_selector", "message_body_visible", "queue_run_max",
            "prdr_enable", "accept_8bitmime", "localhost_number", "check_spool_space", "check_log_inodes",
            "delay_warning_condition", "+local", "+h", "+none", "nosuch", "spool_directory",
            "split_spool_directory", "qualify_domain", "qualify_recipient", "primary_hostname",
            "log_file_path",
            "routers", "router_list", "transport_list", "router r", "router nosuch", "transport s",
            "keep_malformed",
            "ignore_bounce_errors_after", "deliver_queue_load_max", "remote_max_parallel",
            "retry_data_expire",
            "received_header_text", "nosuch spool_directory", "spool_directory nosuch", "config_file",
        ])
    func printedOptions(words: String) async throws {
        let duel = try Duel(options: Self.options)
        let exim = try Shell.run(
            Oracle.path,
            ["-C", duel.theirs.configuration, "-bP"] + words.split(separator: " ").map(String.init))
        let bobbin = await Ours.run(
            ["exim", "-C", duel.ours.configuration, "-bP"] + words.split(separator: " ").map(String.init))
        // The lines with a star are Exim's memory of options that it no longer has.
        var expected = exim.masked(duel.theirs.directory)
        expected.output = expected.output.split(separator: "\n", omittingEmptySubsequences: false)
            .filter { !$0.hasPrefix("*") }.joined(separator: "\n")
        #expect(bobbin.masked(duel.ours.directory) == expected)
    }

    private static let options = """
        auto_thaw = 90m
        delay_warning = 1h:2h:1d
        queue_only_load = 5.25
        trusted_users = root:mail
        smtp_accept_max = 2000
        header_maxsize = 1536K
        message_size_limit = 10240
        log_selector = +all
        message_body_visible = 1K
        queue_run_max = 2
        prdr_enable
        no_accept_8bitmime
        localhost_number = 3
        check_spool_space = 10M
        check_log_inodes = 10
        delay_warning_condition = x\\n y
        domainlist local = a : b
        hostlist h = 192.0.2.1
        begin routers
        r:
          driver = accept
          transport = s
        begin transports
        s:
          driver = appendfile
          file = /dev/null
          mode = 0640
        begin retry
        * * F,2h,15m
        """
}

extension EximOption {
    /// What stands behind the spelling in the manual page.
    fileprivate var valueWord: String {
        switch value {
        case .none: ""
        case .joined: "..."
        case .joinedOrNext, .joinedOrLast, .next: " x"
        case .rest: " ..."
        }
    }
}
