import Bytes
import TestKit
import Testing

@testable import DMARCReports

@Suite("Statistics")
struct StatisticsTests {
    private let scratch: ScratchStore

    init() throws {
        scratch = try ScratchStore()
        for number in 0..<30 {
            let day = Int64(number % 5) * 86_400 * (number % 2 == 0 ? 1 : 2)
            try scratch.add(
                HistoryRecord.sample(
                    number, received: 1_795_240_000 + day, from: number < 25 ? "example.org" : "a.example.net"
                ).text)
        }
        for name in ["foreign.xml", "foreign-9990.xml"] as [ByteString] {
            for report in try ForeignReportReader.reports(in: Samples.read(name)) {
                _ = try scratch.store.add(report, now: 1)
            }
        }
    }

    private func statistics(_ side: Statistics.Side, domain: ByteString? = nil) throws -> Statistics {
        try scratch.store.statistics(
            Statistics.Scope(side: side, begin: 1_795_219_200, end: 1_796_219_199, domain: domain))
    }

    @Test("What came here is counted by day, domain and sender, and the sums agree")
    func received() throws {
        let all = try statistics(.received)
        #expect(all.total.messages == 30)
        #expect(all.total.passed == 20)
        #expect(all.total.rejected == 10)
        #expect(all.days.reduce(0) { $0 + $1.tally.messages } == 30)
        #expect(all.days.count == 9)
        #expect(all.domains.map(\.name) == ["example.org", "a.example.net"])
        #expect(all.domains.map(\.tally.messages) == [25, 5])
        #expect(all.senders.allSatisfy { $0.tally.messages > 0 })
        #expect(all.failing.allSatisfy { $0.tally.failed > 0 && $0.envelopeDomain == "evil.example" })
        #expect(try statistics(.received, domain: "Example.net").total.messages == 5)
        #expect(try statistics(.received, domain: "ample.org").total.messages == 0)
    }

    @Test("What others report is counted with their counts")
    func reported() throws {
        let all = try statistics(.reported)
        #expect(all.total.messages == 16)
        #expect(all.total.passed == 13)
        #expect(all.receivers.map(\.name) == ["big.example", "Small & Sons"])
        #expect(all.senders.first?.signer == "example.org")
    }

    @Test("The text has a bar for each row, and its columns are aligned")
    func text() throws {
        let text = try statistics(.reported).text.string
        #expect(
            text.hasPrefix("Mail that others report, 2026-11-21 to 2026-12-02\n\nmessages 16, passed 81.2%, ")
        )
        #expect(text.contains("2026-11-21        16   81.2%  ████████████████████████░░░░░░"))
        #expect(
            try scratch.store.statistics(Statistics.Scope(side: .received, begin: 0, end: 1)).text.string
                .hasSuffix("nothing known\n"))
    }

    @Test("The page is one well-formed document that loads nothing and lets no markup in")
    func page() throws {
        var record = HistoryRecord.sample(1, from: "<script>alert(1)</script>")
        record.job = "hostile"
        try scratch.add(record.text)
        let page = try StatisticsPage.html(
            [statistics(.received), statistics(.reported)], title: "DMARC & more", made: "now")
        let text = page.string
        #expect(!text.contains("<script"))
        #expect(!text.contains("http:") && !text.contains("https:") && !text.contains("src="))
        #expect(text.contains("&lt;script&gt;alert(1)&lt;/script&gt;"))
        let file = try scratch.directory.write(page, to: "page.html")
        try Program("xmllint", package: "libxml2-utils").run(["--html", "--noout", "--nonet", file.string])
    }
}
