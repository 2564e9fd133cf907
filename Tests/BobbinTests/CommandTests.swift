import Bytes
import Foundation
import Testing

@testable import Bobbin

@Suite("The commands of bobbin")
struct CommandTests {
    private let id = "1xUfHo-0002UW-1v"

    /// The commands with a page of help.
    static let commands = [
        "", "receive", "submit", "run", "queue", "queue list", "queue count", "queue show", "queue freeze",
        "queue thaw", "queue remove", "queue summary", "queue report", "queue watch", "spool", "spool check",
        "spool repair", "spool show", "spool export",
        "spool requeue", "config", "config check", "config show", "config options", "config default",
        "expand", "route",
        "verify", "retry", "check-host",
        "dmarc", "dmarc import", "dmarc report", "dmarc stats",
        "dmarc import-report", "dmarc expire", "dmarc show",
        "hints",
        "hints list", "hints dump", "hints show", "hints next", "hints tidy", "hints fix", "hints import",
        "hints stats", "tls", "tls staple",
    ]

    @Test("Help is printed on standard output, has an example, and is the golden one", arguments: commands)
    func help(command: String) async throws {
        let words = command.split(separator: " ").map(String.init)
        let answer = await Ours.run(words + ["--help"])
        #expect(answer.status == 0)
        #expect(answer.errors.isEmpty)
        #expect(answer.output.contains("Example"))
        let name = (["bobbin"] + words).joined(separator: "-")
        let golden = URL(fileURLWithPath: ScratchSpool.fixtures + "/help/\(name).txt")
        if ProcessInfo.processInfo.environment["BOBBIN_REWRITE_GOLDEN"] != nil {
            try FileManager.default.createDirectory(
                at: golden.deletingLastPathComponent(), withIntermediateDirectories: true)
            try answer.output.write(to: golden, atomically: true, encoding: .utf8)
        }
        #expect(try String(contentsOf: golden, encoding: .utf8) == answer.output)
    }

    @Test(
        "Wrong arguments end with status 64, on standard error only, and say what was expected",
        arguments: [
            ("queue list nonsense", "message id"), ("queue list -z -x", "exclude each other"),
            ("queue list -f (", "-f ("), ("queue freeze", "which messages"),
            ("queue freeze --everything -z", "one of them"),
            ("queue show", "id"), ("queue list -G ../x", "queue name"), ("bogus", "bogus"),
            ("queue list --bogus", "bogus"), ("spool requeue --from /tmp nonsense", "message id"),
            ("receive --stdio --bsmtp", "exclude each other"), ("run --message x", "message id"),
            ("queue list -Dx=y", "capital letter"),
        ])
    func wrongArguments(line: String, expected: String) async throws {
        let spool = try ScratchSpool()
        var words = line.split(separator: " ").map(String.init)
        if words.first == "queue", words.count > 1 {
            words.insert(contentsOf: ["-C", spool.configuration], at: 2)
        }
        let answer = await Ours.run(words)
        #expect(answer.status == 64)
        #expect(answer.output.isEmpty)
        #expect(answer.errors.contains(expected), "\(answer)")
    }

    @Test("A broken configuration ends with status 78, and names file and line")
    func brokenConfiguration() async throws {
        let spool = try ScratchSpool(options: "nonsense = 1\n")
        let answer = await Ours.run(["queue", "list", "-C", spool.configuration])
        #expect(answer.status == 78)
        #expect(answer.errors.contains("\(spool.configuration), line 5"))
        #expect(answer.errors.contains("nonsense"))
    }

    @Test("queue list prints what exim -bp prints")
    func list() async throws {
        let spool = try ScratchSpool()
        let exim = await Ours.run(["-C", spool.configuration, "-bp"], calledAs: "exim")
        #expect(await Ours.run(["queue", "list", "-C", spool.configuration]) == exim)
        let reversed = await Ours.run(["queue", "list", "-R", "-i", "-C", spool.configuration])
        let sorted = await Ours.run(["queue", "list", "-i", "-C", spool.configuration])
        #expect(reversed.output.split(separator: "\n").reversed() == sorted.output.split(separator: "\n"))
    }

    @Test(
        "Selections choose what exiqgrep chooses",
        arguments: [
            ["-f", "alice"], ["-f", "^<>$"], ["-r", "bob"], ["-r", "OK.example"], ["-s", "^2"], ["-z"],
            ["-x"], ["-o", "60"],
            ["-y", "60"], ["-r", "u01@"], ["-f", "ALICE", "-x"],
        ])
    func selections(words: [String]) async throws {
        try #require(Oracle.isThere, "\(Oracle.missing)")
        let spool = try ScratchSpool()
        let grep = try Shell.run(
            "/usr/sbin/exiqgrep", ["-C", spool.configuration, "-E", Oracle.path, "-i"] + words)
        let ours = await Ours.run(["queue", "list", "-i", "-C", spool.configuration] + words)
        #expect(ours.output.split(separator: "\n").sorted() == grep.output.split(separator: "\n").sorted())
        let count = await Ours.run(["queue", "count", "-C", spool.configuration] + words)
        #expect(count.output == "\(ours.output.split(separator: "\n").count)\n")
    }

    @Test("JSON lines have the documented keys, in the documented order")
    func json() async throws {
        let spool = try ScratchSpool()
        let listed = await Ours.run(["queue", "list", "--json", "-C", spool.configuration])
        for line in listed.output.split(separator: "\n") {
            #expect(Self.keys(String(line)) == Self.listKeys)
        }
        let shown = await Ours.run(["spool", "show", "--json", "-C", spool.configuration, id])
        #expect(Self.keys(shown.output) == Self.listKeys + Self.showKeys)
        let frozen = await Ours.run(["queue", "freeze", "--json", "-C", spool.configuration, id])
        #expect(
            frozen.output == #"{"id":"\#(id)","outcome":"done","text":"Message \#(id) is now frozen"}"# + "\n"
        )
        let page = try Self.page("bobbin-queue.md") + Self.page("bobbin-spool.md")
        for key in Self.listKeys + Self.showKeys { #expect(page.contains("`\(key)`"), "\(key)") }
    }

    private static let listKeys = [
        "id", "queue", "received", "age", "size", "sender", "frozen", "frozen_since", "has_body",
        "recipients",
    ]
    private static let showKeys = [
        "login", "uid", "gid", "warnings", "directory", "non_recipients", "variables", "headers",
    ]

    private static func page(_ name: String) throws -> String {
        let here = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        return try String(contentsOf: here.appendingPathComponent("../../doc/\(name)"), encoding: .utf8)
    }

    /// The keys of an object, in order, those of inner objects left out; the object must be good JSON.
    private static func keys(_ line: String) -> [String] {
        guard let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] else {
            return []
        }
        let places = object.keys.compactMap { key in
            line.range(of: "\"\(key)\":").map { ($0.lowerBound, key) }
        }
        return places.sorted { $0.0 < $1.0 }.map(\.1)
    }

    @Test("Freezing a selection changes just the messages meant")
    func freezeSelection() async throws {
        let spool = try ScratchSpool()
        let conf = ["-C", spool.configuration]
        _ = await Ours.run(["queue", "freeze"] + conf + ["-f", "alice", "-x"])
        let frozen = await Ours.run(["queue", "list", "-i", "-z"] + conf)
        let alices = await Ours.run(["queue", "list", "-i", "-f", "alice"] + conf)
        #expect(frozen == alices)
        let again = await Ours.run(["queue", "freeze"] + conf + ["-f", "alice"])
        #expect(again.status == 1)
        #expect(again.output.contains("is already frozen"))
    }

    @Test("What cannot be changed is told with file, line and what to do")
    func detail() async throws {
        let spool = try ScratchSpool()
        try spool.write(Data("junk\n".utf8), to: "input/1xUfHs-0002ac-07-H")
        let answer = await Ours.run(["queue", "thaw", "-C", spool.configuration, "1xUfHs-0002ac-07"])
        #expect(answer.status == 1)
        #expect(answer.output == "Spool format error for 1xUfHs-0002ac-07-H\n")
        #expect(answer.errors.contains("1xUfHs-0002ac-07-H: line 1"))
    }

    @Test("AUX-17, QF-02: A message exported, removed and requeued is the same again")
    func exportAndRequeue() async throws {
        let spool = try ScratchSpool()
        let conf = ["-C", spool.configuration]
        let store = spool.directory + "/store"
        try FileManager.default.createDirectory(atPath: store, withIntermediateDirectories: true)
        let before = spool.octets("input/\(id)-H")
        #expect(
            await Ours.run(["spool", "export"] + conf + ["--to", store, id]).output == "\(id) exported\n")
        _ = await Ours.run(["queue", "remove"] + conf + [id])
        #expect(spool.octets("input/\(id)-H") == nil)
        let queued = await Ours.run(["spool", "requeue"] + conf + ["--from", store, "--remove", id])
        #expect(queued.output == "\(id) queued as \(id)\n")
        #expect(spool.octets("input/\(id)-H") == before)
        #expect(try FileManager.default.contentsOfDirectory(atPath: store).isEmpty)
    }

    @Test("A spool check finds what is wrong and ends with 65; repair puts right what can be")
    func checkAndRepair() async throws {
        let spool = try ScratchSpool()
        let conf = ["-C", spool.configuration, "-o", "0"]
        #expect(await Ours.run(["spool", "check"] + conf) == Answer(output: "", errors: "", status: 0))
        try spool.write(Data(), to: "input/hdr.\(id)")
        try spool.write(Data("1xUfHz-0002UW-1v-D\n".utf8), to: "input/1xUfHz-0002UW-1v-D")
        let found = await Ours.run(["spool", "check", "--json"] + conf)
        #expect(found.status == 65)
        #expect(found.output.contains(#""kind":"leftover_temporary""#))
        #expect(found.output.contains(#""kind":"lone_data""#))
        #expect(await Ours.run(["spool", "repair"] + conf).status == 0)
        #expect(await Ours.run(["spool", "check"] + conf).status == 0)
    }

    @Test("The default configuration is good, and config check says so")
    func defaultConfiguration() async throws {
        let printed = await Ours.run(["config", "default"])
        let spool = try ScratchSpool(messages: false)
        try printed.output.write(toFile: spool.directory + "/default", atomically: true, encoding: .utf8)
        let checked = await Ours.run(["config", "check", "-C", spool.directory + "/default"])
        #expect(checked.status == 0, "\(checked)")
    }

    @Test("config check tells each option that has no effect, with its line, and stops for decisive ones")
    func notices() async throws {
        let spool = try ScratchSpool(options: "tls_dh_max_bits = 1024\nmua_wrapper = true\n")
        let answer = await Ours.run(["config", "check", "--json", "-C", spool.configuration])
        #expect(answer.status == 78)
        #expect(answer.output.contains(#""line":5,"option":"tls_dh_max_bits","decisive":false"#))
        #expect(answer.output.contains(#""line":6,"option":"mua_wrapper","decisive":true"#))
    }

    @Test(
        "config check names a virus scanner that is not spoken to, with its line", arguments: [true, false])
    func scanners(isKnown: Bool) async throws {
        let setting = isKnown ? "clamd:/run/clamd" : "<; drweb ; /run/drweb"
        let spool = try ScratchSpool(options: "av_scanner = \(setting)\n")
        let answer = await Ours.run(["config", "check", "-C", spool.configuration])
        #expect(answer.status == 0)
        #expect(
            answer.output.contains("line 5: av_scanner: drweb: not supported; malware conditions") != isKnown)
    }

    @Test("Expansions are those of exim -be, from arguments, from lines and with a message")
    func expansions() async throws {
        let duel = try Duel()
        try await duel.expectSame("-be", "${uc:abc}", "b$c", "$primary_hostname", "${if eq{1}{2}{x}fail}")
        try await duel.expectSame(
            "-Mset", id, "-be", "$h_subject: $sender_address $message_size", "$recipients_count")
        let lines = await Ours.run(
            ["expand", "-C", duel.ours.configuration], input: ["${uc:abc}", "", "${uc:\\", "   abc}"])
        #expect(lines.output == "> ABC\n> \n> ABC\n> \n")
    }
}
