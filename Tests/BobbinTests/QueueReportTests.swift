import Bytes
import Foundation
import Testing

@testable import Bobbin

@Suite("bobbin queue report", .timeLimit(.minutes(20)))
struct QueueReportTests {
    private let spool: ScratchSpool

    init() throws { spool = try ScratchSpool() }

    private func report(_ words: String...) async -> Answer {
        await Ours.run(["queue", "report", "-C", spool.configuration] + words)
    }

    private static func message(_ address: ByteString) -> OverviewMessage {
        OverviewMessage(
            id: "1xUfTa-000000001aj-1ZFO", received: 1_799_000_000, size: 123_456, sender: address,
            recipients: [address])
    }

    @Test("The numbers are those of the other commands")
    func numbers() async throws {
        let answer = await report("--json")
        #expect(answer.status == 0)
        let object = try #require(
            JSONSerialization.jsonObject(with: Data(answer.output.utf8)) as? [String: Any])
        let count = await Ours.run(["queue", "count", "-C", spool.configuration]).output
        let frozen = await Ours.run(["queue", "count", "-z", "-C", spool.configuration]).output
        let bounces = await Ours.run(["queue", "count", "-f", "^<>$", "-C", spool.configuration]).output
        #expect(count == "\(try #require(object["messages"] as? Int))\n")
        #expect(frozen == "\(try #require(object["frozen"] as? Int))\n")
        #expect(bounces == "\(try #require(object["bounces"] as? Int))\n")
        // What exiqsumm counts for each domain.
        let summary = await Ours.run(["queue", "summary", "--json", "-C", spool.configuration]).output
        var waiting: [String: Int] = [:]
        for line in summary.split(separator: "\n") {
            let row = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            if let name = row?["name"] as? String { waiting[name] = row?["count"] as? Int }
        }
        for domain in try #require(object["domains"] as? [[String: Any]]) {
            let name = try #require(domain["name"] as? String)
            #expect(waiting[name] == domain["count"] as? Int, "\(name)")
        }
        let ages = try #require(object["ages"] as? [[String: Any]])
        let sum = ages.reduce(0) { $0 + ($1["moving"] as? Int ?? 0) + ($1["frozen"] as? Int ?? 0) }
        #expect(sum + (object["unreadable"] as? Int ?? 0) == object["messages"] as? Int)
    }

    @Test(
        "The example of doc/bobbin-queue.md writes a page that loads nothing, and says the same as the text")
    func page() async throws {
        let file = "\(spool.directory)/queue.html"
        #expect(await report("--html", file) == Answer(output: "", errors: "", status: 0))
        let page = try String(contentsOfFile: file, encoding: .utf8)
        for word in ["<script", "http:", "https:", "src=", "@import", "url("] {
            #expect(!page.contains(word))
        }
        let text = await report().output
        let count = try #require(text.split(separator: " ").first)
        #expect(page.contains("<b>\(count)</b><span>messages</span>"))
        try WellFormed.check(page)
    }

    @Test("What strangers wrote into addresses stays text in the page")
    func escaped() async throws {
        var overview = QueueOverview(now: 1_800_000_000, limit: 5)
        overview.add(Self.message("<script>alert(1)</script>@\u{0}x\"&.example"))
        let page = QueuePage(overview, queue: "<b>").html.string
        #expect(!page.contains("<script>") && !page.contains("<b>\""))
        #expect(page.contains("&lt;script&gt;"))
        try WellFormed.check(page)
    }

    @Test("An empty queue gives a page too")
    func empty() async throws {
        let page = QueuePage(QueueOverview(now: 1_800_000_000, limit: 5), queue: "").html.string
        #expect(page.contains("<b>0</b><span>messages</span>"))
        try WellFormed.check(page)
    }

    @Test("On a phone nothing of the page is wider than the screen")
    func phone() async throws {
        var overview = QueueOverview(now: 1_800_000_000, limit: 20)
        for number in 0..<40 {
            let long = String(repeating: "very-long-label.", count: number % 12)
            overview.add(Self.message("someone@\(long)domain\(number).example"))
        }
        try await Browser.expectFits(QueuePage(overview, queue: "").html.string)
    }
}
