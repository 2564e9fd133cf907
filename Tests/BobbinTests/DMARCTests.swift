import Bytes
import DMARCReports
import Foundation
import Testing

@testable import Bobbin

@Suite("bobbin dmarc")
struct DMARCTests {
    private let spool: ScratchSpool
    private let place: String

    init() throws {
        spool = try ScratchSpool(messages: false)
        place = spool.directory
        try Shell.run("cp \(Self.samples)/exim-4.96.history \(place)/dmarc.history")
    }

    /// The fixtures of DMARCReports' tests.
    private static var samples: String {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().path
            + "/DMARCReportsTests/Fixtures"
    }

    private func dmarc(_ line: String) async -> Answer {
        let words = line.split(separator: " ").map { word in
            word.hasPrefix("@") ? "\(place)/\(word.dropFirst())" : String(word)
        }
        return await Ours.run(["dmarc"] + words)
    }

    @Test(
        "DMH-05: the example of doc/bobbin-dmarc.md prints what it says, and nothing is new the second time")
    func example() async throws {
        let first = await dmarc("import --database @dmarc.sqlite --settle 0 @dmarc.history")
        #expect(first.output == "read 2 records: 2 new, 0 known, 0 rejected\n")
        #expect(first.status == 0)
        let again = await dmarc("import --database @dmarc.sqlite --settle 0 --from-start @dmarc.history")
        #expect(again.output == "read 2 records: 0 new, 2 known, 0 rejected\n")
        let shown = await dmarc("show --database @dmarc.sqlite --job 1q0abc-000ABC-1x")
        #expect(shown.output.hasPrefix("job 1q0abc-000ABC-1x\nreporter mx.recv.example\n"))
        #expect(shown.output.hasSuffix("action 2\n"))
    }

    @Test(
        "DMH-06: --rotate empties the file that the configuration names, into the store in the spool directory"
    )
    func rotate() async throws {
        let conf = "\(place)/own.conf"
        let text = try String(contentsOfFile: spool.configuration, encoding: .utf8)
        try (text + "dmarc_history_file = \(place)/dmarc.history\n").write(
            toFile: conf, atomically: true, encoding: .utf8)
        let answer = await dmarc("import -C @own.conf --rotate --settle 0 --json")
        #expect(answer.status == 0, "\(answer)")
        #expect(answer.output.hasPrefix("{\"read\":2,\"added\":2,"))
        #expect(!FileManager.default.fileExists(atPath: "\(place)/dmarc.history"))
        #expect(FileManager.default.fileExists(atPath: "\(place)/spool/dmarc.sqlite"))
    }

    @Test("Reports are dumped by name, and are read back as reports of others")
    func dump() async throws {
        _ = await dmarc("import --database @dmarc.sqlite --settle 0 @dmarc.history")
        // The samples are of a fixed day, which may lie ahead of a slow clock.
        let now = ReportInterval(containing: Now.seconds).begin
        guard now > 1_795_305_599 else { return }
        let answer = await dmarc(
            "report --database @dmarc.sqlite --org recv.example --days 100000 --dump \(place)")
        let file = "recv.example!example.org!1795219200!1795305599.xml.gz"
        #expect(answer.output == "2026-11-21 example.org 1 messages: \(place)/\(file)\n")
        let back = await dmarc("import-report --database @other.sqlite @\(file)")
        #expect(back.output == "2026-11-21 example.org by recv.example: 1 messages\n")
    }

    @Test("Reports of others, statistics of both sides as text, JSON and page, and expiry go together")
    func others() async throws {
        let read = await dmarc(
            "import-report --database @dmarc.sqlite \(Self.samples)/foreign.zip \(place)/dmarc.history")
        #expect(read.status == 65)
        #expect(read.output == "2026-11-21 example.org by big.example: 15 messages\n")
        #expect(read.errors.contains("dmarc.history"))
        let days = "--database @dmarc.sqlite --days 100000"
        let text = await dmarc("stats \(days)")
        #expect(text.output.contains("Mail that came here, 1970-01-01 to "))
        #expect(text.errors.isEmpty)
        let json = await dmarc("stats \(days) --json --side received")
        let object = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any]
        #expect(object?["side"] as? String == "received")
        #expect(await dmarc("stats \(days) --html @page.html").status == 0)
        #expect(try String(contentsOfFile: "\(place)/page.html", encoding: .utf8).hasSuffix("</html>\n"))
        let expired = await dmarc("expire --database @dmarc.sqlite --expire 0 --alltables --dry-run")
        #expect(expired.output.hasPrefix("would remove 0 messages"))
    }

    @Test(
        "Wrong words end with 64, missing files with 66, foreign files with 65",
        arguments: [
            ("import --rotate -", 64), ("stats --side up", 64), ("show --rejected --reports", 64),
            ("import --database @a.sqlite @nowhere", 66), ("import --database @conf @dmarc.history", 65),
            ("expire --database @a.sqlite --expire -5", 64), ("report --database @a.sqlite --org a/b", 65),
        ])
    func failures(line: String, status: Int32) async {
        let answer = await dmarc(line)
        #expect(answer.status == status, "\(answer)")
        #expect(!answer.errors.isEmpty)
    }

    @Test("The progress line has a bar for files and a count for streams")
    func bar() {
        let progress = ImportProgress(path: "f", done: 50, total: 100, records: 7)
        #expect(ImportBar.line(progress) == "[###############...............] 50% 7 records")
        let stream = ImportProgress(path: "f", done: 50, total: nil, records: 7)
        #expect(ImportBar.line(stream) == "7 records")
    }

    @Test("On a phone nothing of the page of statistics is wider than the screen, and it loads nothing")
    func phone() async throws {
        _ = await dmarc("import --database @dmarc.sqlite --settle 0 @dmarc.history")
        _ = await dmarc("import-report --database @dmarc.sqlite \(Self.samples)/foreign.zip")
        let answer = await dmarc("stats --database @dmarc.sqlite --days 100000 --html @page.html")
        #expect(answer == Answer(output: "", errors: "", status: 0))
        let page = try String(contentsOfFile: "\(place)/page.html", encoding: .utf8)
        for word in ["<script", "http:", "https:", "src=", "@import", "url("] {
            #expect(!page.contains(word))
        }
        try WellFormed.check(page)
        try await Browser.expectFits(page)
    }
}
