import Bytes
import TestKit
import Testing

@testable import DMARCReports

@Suite("Reports from others")
struct ForeignReportTests {
    @Test("XML, gzip and ZIP give the same reports")
    func formats() throws {
        #expect(
            try ForeignReportReader.reports(in: Samples.read("foreign.zip"))
                == ForeignReportReader.reports(in: Samples.read("foreign.xml")))
        #expect(
            try ForeignReportReader.reports(in: Samples.read("foreign-9990.xml.gz"))
                == ForeignReportReader.reports(in: Samples.read("foreign-9990.xml")))
    }

    @Test("A report as the large receivers send it is read")
    func contents() throws {
        let report = try #require(ForeignReportReader.reports(in: Samples.read("foreign.xml")).first)
        #expect(report.organization == "big.example")
        #expect(report.reportID == "5717107811868587391")
        #expect((report.begin, report.end) == (1_795_219_200, 1_795_305_599))
        #expect(report.domain == "example.org")
        #expect(report.published.percent == 100)
        #expect(report.records.map(\.count) == [12, 3])
        #expect(
            report.records[0].results == [
                ForeignResult(method: "dkim", domain: "example.org", selector: "sel1", result: "pass"),
                ForeignResult(method: "spf", domain: "bounce.example.org", selector: "", result: "softfail"),
            ])
        #expect(report.records[1].address == "2001:db8::99")
        #expect(report.records[1].reason == "other: seen <before>")
        #expect(report.records[1].envelopeDomain == "evil.example")
    }

    @Test("A report by RFC 9990, with its namespace and additions, is read")
    func newForm() throws {
        let report = try #require(ForeignReportReader.reports(in: Samples.read("foreign-9990.xml")).first)
        #expect(report.organization == "Small & Sons")
        #expect(report.published.percent == nil)
        #expect(report.records.map(\.from) == ["news.example.org"])
        #expect(report.records[0].results.count == 2)
    }

    @Test("Our own reports are read back with all their messages")
    func own() throws {
        let scratch = try ScratchStore()
        for name in Samples.histories { try scratch.add(Samples.read(name)) }
        let organization = try ReportingOrganization(name: "recv.example", email: "dmarc@recv.example")
        for report in try scratch.store.reports(from: 0, before: 1_795_310_000) {
            let file = try report.gzip(of: organization, from: scratch.store)
            let back = try #require(ForeignReportReader.reports(in: file).first)
            #expect(back.domain == report.domain)
            #expect(back.records.reduce(0) { $0 + $1.count } == Int64(report.messages))
        }
    }

    @Test("DMH-05: the same report twice is in the store once")
    func idempotent() throws {
        let scratch = try ScratchStore()
        for name in Samples.reports {
            for report in try ForeignReportReader.reports(in: Samples.read(name)) {
                let isFirst = !name.ends(with: ByteString("p")) && !name.ends(with: ByteString("z"))
                #expect(try scratch.store.add(report, now: 1) == isFirst)
            }
        }
    }

    @Test(
        "What is no report is refused with a reason",
        arguments: [
            "", "plain text", "<feedback/>", "<html></html>", "<feedback>", "<a></b>",
            "<!DOCTYPE feedback [<!ENTITY a \"b\">]><feedback>&a;</feedback>", "<feedback>&nope;</feedback>",
            "<feedback></feedback><feedback></feedback>", "PK\u{3}\u{4}", "\u{1F}\u{8B}",
        ] as [ByteString])
    func refused(text: ByteString) {
        #expect(throws: DMARCError.self) { try ForeignReportReader.reports(in: text) }
    }

    @Test("Deep nesting, long text and large decompressed data are refused, not suffered")
    func limits() throws {
        let deep = ByteString(String(repeating: "<a>", count: 100_000))
        #expect(throws: DMARCError.self) { try ForeignReportReader.reports(in: "<feedback>" + deep) }
        let long = ByteString(repeatElement(UInt8(ascii: "x"), count: 1_000_000))
        #expect(throws: DMARCError.self) { try ForeignReportReader.reports(in: "<feedback>" + long) }
        #expect(throws: DMARCError.self) { try ForeignReportReader.reports(in: "<" + long) }
        var bomb = try GzipWriter()
        for _ in 0..<40 { bomb.write(long) }
        let file = bomb.finish()
        #expect(throws: DMARCError.self) { try Inflater(.gzip).inflate(file[...], limit: 1 << 20) { _ in } }
    }

    @Test("Any octets give reports or an error, never a trap", arguments: 0..<6)
    func fuzz(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for name in Samples.reports {
            let file = try Samples.read(name)
            for _ in 0..<60 {
                do throws(DMARCError) {
                    let reports = try ForeignReportReader.reports(in: file.mutated(using: &random))
                    #expect(reports.allSatisfy { !$0.domain.isEmpty })
                } catch {
                    #expect(!error.reason.isEmpty)
                }
            }
        }
    }
}
