import Bytes
import Foundation
import Hints
import TestKit
import Testing

@testable import Bobbin

@Suite("Where bobbin hints looks", .timeLimit(.minutes(20)))
struct HintsPlaceTests {
    private static let samples =
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/../HintsTests/Fixtures/"

    private func hints(_ spool: ScratchSpool, _ words: String..., input: [ByteString] = []) async -> Answer {
        await Ours.run(["hints"] + words + ["-C", spool.configuration], input: input)
    }

    @Test("With hints_backend = redis every command works on the server's records, and says where they are")
    func redis() async throws {
        let server = try RedisProcess()
        let spool = try ScratchSpool(messages: false, options: "hints_backend = \(server.backend)\n")
        let text = Self.samples + "bdb-exim-4.96/retry.dumpdb.txt"
        let taken = await hints(spool, "import", "--text", text, "-z", "retry")
        #expect(taken.status == 0, "\(taken)")
        let list = await hints(spool, "list")
        #expect(list.errors.isEmpty)
        #expect(list.output.contains(/retry +\d+ records +in redis:/))
        #expect(list.output.contains(/tls +0 records/))
        let dump = await hints(spool, "dump", "-z", "retry")
        let sorted = { (text: String) in text.split(separator: "\n").sorted() }
        let original = try String(contentsOfFile: text, encoding: .utf8)
        #expect(sorted(dump.output) == sorted(original))
        let key = "T:refused.example:127.0.0.13:2599"
        let shown = await hints(spool, "show", "-z", "retry", key)
        #expect(shown.output.contains("0 error number: 111"))
        let fixed = await hints(spool, "fix", "retry", input: ["\(key) 1 66"])
        #expect(fixed.output.contains("1 extra data:   66"), "\(fixed)")
        let stats = await hints(spool, "stats", "--json", "retry")
        #expect(stats.output.contains("\"file_size\":null"))
        let next = await hints(spool, "next", "--no-routing", "refused.example")
        #expect(next.output.contains("Transport: refused.example"))
        // The sample's records are older than 30 days only when the clock says so: nothing is dropped by messages.
        let tidied = await hints(spool, "tidy", "--older-than", "5000w", "retry")
        #expect(tidied.output.contains("0 deleted"), "\(tidied)")
        #expect(!FileManager.default.fileExists(atPath: spool.path("db/retry")))
    }

    @Test("Without the server every command ends with status 75 and says so")
    func down() async throws {
        let server = try RedisProcess()
        let spool = try ScratchSpool(messages: false, options: "hints_backend = \(server.backend)\n")
        server.end()
        for command in ["dump", "stats", "tidy"] {
            let answer = await hints(spool, command, "retry")
            #expect(answer.status == 75, "\(answer)")
            #expect(answer.errors.contains("redis:"))
        }
        #expect(await hints(spool, "list").output.contains(/retry +\S/))
    }

    @Test("A wrong hints_backend is refused with what is expected")
    func wrong() async throws {
        let spool = try ScratchSpool(messages: false, options: "hints_backend = redis:/0/secret\n")
        let answer = await hints(spool, "list")
        #expect(answer.status == 78)
        #expect(answer.errors.contains("hints_backend: a host is expected"))
        #expect(!answer.errors.contains("secret"))
    }

    @Test(
        "hints_directory is obeyed, and where an Exim without SQLite keeps its hints, ours are those beside them"
    )
    func directories() async throws {
        let spool = try ScratchSpool(messages: false, options: "hints_directory = $spool_directory/mine\n")
        try FileManager.default.createDirectory(atPath: spool.path("mine"), withIntermediateDirectories: true)
        let sample = Self.samples + "v1-exim-4.99.1/seen.sqlite3"
        try FileManager.default.copyItem(atPath: sample, toPath: spool.path("mine/seen"))
        #expect(await hints(spool, "list").output.contains(/^seen +15 records/))
        // Berkeley DB, by its magic number.
        let plain = try ScratchSpool(messages: false)
        try plain.write(
            Data(
                [UInt8](repeating: 0, count: 12) + [0x61, 0x15, 0x06, 0] + [UInt8](repeating: 0, count: 4096)),
            to: "db/retry")
        let foreign = await hints(plain, "dump", "retry")
        #expect(foreign.status == 74 && foreign.errors.contains("Berkeley DB"), "\(foreign)")
        #expect(await hints(plain, "list").output.contains("Berkeley DB"))
        try FileManager.default.createDirectory(
            atPath: plain.path("db/sqlite"), withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: sample, toPath: plain.path("db/sqlite/seen"))
        #expect(await hints(plain, "list").output.contains(/^seen +15 records/))
        let dump = await Ours.run(["exim_dumpdb", "-z", plain.path(""), "seen"])
        #expect(dump.status == 0 && dump.output.contains("since-127.0.0.1"))
    }
}
