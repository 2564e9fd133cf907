import Bytes
import Foundation
import GRDB
import Synchronization
import TestKit
import Testing

@testable import DMARCReports

@Suite("Aggregate reports")
struct ReportTests {
    private let scratch: ScratchStore
    private var store: DMARCStore { scratch.store }
    private let organization: ReportingOrganization
    /// The day after the samples.
    private static let now: Int64 = 1_795_310_000

    init() throws {
        scratch = try ScratchStore()
        organization = try ReportingOrganization(
            name: "recv.example", email: "dmarc@recv.example", contact: "a & b")
        for name in Samples.histories { try scratch.add(Samples.read(name)) }
    }

    private func report(of domain: ByteString) throws -> AggregateReport {
        let all = try store.reports(from: 1_795_132_800, before: Self.now)
        return try #require(all.first { $0.domain == domain })
    }

    private func xml(of domain: ByteString) throws -> ByteString {
        var text = ByteString()
        try report(of: domain).xml(of: organization, from: store) { text += $0 }
        return text
    }

    @Test("A report is due for each policy domain that publishes an address, and only for days that are over")
    func due() throws {
        let all = try store.reports(from: 1_795_132_800, before: Self.now)
        #expect(all.map(\.domain) == ["example.com", "example.org"])
        #expect(all.map(\.interval.name) == ["2026-11-21", "2026-11-21"])
        #expect(all.map(\.messages) == [1, 4])
        #expect(try store.reports(from: 0, before: 1_795_305_599) == [])
        #expect(try store.reports(from: 1_795_219_201, before: Self.now) == [])
        #expect(try store.reports(from: 0, before: 1_795_305_600).count == 2)
    }

    @Test(
        "Reports are valid against the schema of RFC 7489",
        arguments: ["example.org", "example.com"] as [ByteString])
    func valid(domain: ByteString) throws {
        let file = try scratch.directory.write(xml(of: domain), to: "report.xml")
        let xmllint = try Program("xmllint", package: "libxml2-utils")
        try xmllint.run(["--noout", "--nonet", "--schema", Samples.path("rfc7489.xsd").string, file.string])
    }

    @Test("A report of every result, mode and address family is valid")
    func validAll() throws {
        for (number, result) in AuthenticationResult.allCases.enumerated() {
            var record = HistoryRecord.sample(number, from: "all.example")
            record.spf = result
            record.signatures = [HistorySignature(domain: "d<&>\".example", selector: "s", result: result)]
            record.address = number % 2 == 0 ? "2001:db8::1" : "192.0.2.255"
            record.action = Disposition.allCases[number % 5]
            record.outcome = PolicyOutcome.allCases[1 + number % 4]
            record.envelopeDomain = number % 3 == 0 ? "" : "bücher.example"
            try scratch.add(record.text)
        }
        try valid(domain: "all.example")
        #expect(
            try xml(of: "all.example").contains(ByteString("<source_ip>2001:db8:0:0:0:0:0:1</source_ip>")))
    }

    @Test(
        "DMH-05: two readers from PyPI, and the schemas that one of them brings, find in a report what we put in",
        arguments: ReportSchema.allCases)
    func independent(schema: ReportSchema) throws {
        let directory = try TemporaryDirectory()
        var organization = organization
        organization.schema = schema
        for (number, result) in AuthenticationResult.allCases.enumerated() {
            var record = HistoryRecord.sample(number, from: "all.example")
            record.spf = result
            record.signatures = [HistorySignature(domain: "all.example", selector: nil, result: result)]
            record.address = number.isMultiple(of: 2) ? "192.0.2.1" : "2001:db8::1"
            // RFC 7489 wants a domain for SPF, and a history does not tell that of HELO: one of the readers refuses none.
            if number == 3, schema == .rfc9990 { record.envelopeDomain = "" }
            try scratch.add(record.text)
        }
        for domain in ["example.org", "all.example"] as [ByteString] {
            let name: ByteString = "\(domain).xml.gz"
            try directory.write(try report(of: domain).gzip(of: organization, from: store), to: name)
        }
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().path
        let python = "\(root)/.oracles/python/bin/python"
        try #require(
            FileManager.default.isExecutableFile(atPath: python), "scripts/setup --test makes \(python)")
        let script = """
            import glob, gzip, io, sys, xml.etree.ElementTree as tree
            import dmarc.report, dmarc_report.parser
            schema = dmarc.report.DMARCSchema if sys.argv[2] == 'rfc7489' else dmarc.report.DMARC2Schema
            for file in sorted(glob.glob(sys.argv[1] + '/*.gz')):
                text = gzip.open(file).read()
                schema.validate(tree.parse(io.BytesIO(text)))
                report = dmarc_report.parser.DMARCParser.parse_bytes(text)
                print(report.report_metadata.org_name, report.policy_published.domain, sum(r.count for r in report.records))
            """
        let ending = try ChildProcess(
            python, ["-c", script, directory.path.string, schema.rawValue]
        ).wait()
        #expect(ending.code == 0, "\(ending.errors)")
        let count = AuthenticationResult.allCases.count
        #expect(
            ending.output == "recv.example all.example \(count)\nrecv.example example.org 4\n")
    }

    @Test("The report of the samples is the one on file")
    func golden() throws {
        let expected = try Samples.read("report.xml")
        let text = try xml(of: "example.org")
        if text != expected { try scratch.directory.write(text, to: "made.xml") }
        #expect(text.string == expected.string)
    }

    @Test("Messages that are alike are one row with a count")
    func counted() throws {
        for number in 0..<30 {
            var record = HistoryRecord.sample(1, from: "many.example")
            record.job = "j\(number)"
            try scratch.add(record.text)
        }
        let text = try xml(of: "many.example")
        #expect(text.contains(ByteString("<count>30</count>")))
        #expect(ByteString(text).string.components(separatedBy: "<record>").count == 2)
    }

    @Test("gzip gives back the report")
    func gzip() throws {
        let file = try report(of: "example.org").gzip(of: organization, from: store)
        var text = ByteString()
        try Inflater(.gzip).inflate(file[...], limit: 1 << 20) { text += $0 }
        #expect(try text == xml(of: "example.org"))
        try scratch.directory.write(file, to: "r.xml.gz")
        #expect(
            try Program("gzip", package: "gzip").run(["-dc", scratch.directory.file("r.xml.gz").string])
                == text)
    }

    @Test("The mail has the file name, subject and parts that RFC 7489 wants")
    func mail() throws {
        let report = try report(of: "example.org")
        let file = try report.gzip(of: organization, from: store)
        let route = ReportMail.Route(organization: organization, recipient: "agg@example.org", now: Self.now)
        let mail = ReportMail(report, file: file, route: route)
        let text = mail.message.string
        let id = "example.org.1795219200@recv.example"
        #expect(
            text.contains(
                "\nSubject: Report Domain: example.org\n Submitter: recv.example\n Report-ID: <\(id)>\n"))
        #expect(text.contains("\nMessage-ID: <\(id)>\n"))
        #expect(text.contains("\nDate: Sun, 22 Nov 2026 01:13:20 +0000\n"))
        #expect(
            text.contains(
                "Content-Type: application/gzip;\n name=\"recv.example!example.org!1795219200!1795305599.xml.gz\"\n"
            ))
        #expect(text.split(separator: "\n").allSatisfy { $0.utf8.count <= 100 })
        let parts = text.components(separatedBy: "\n\n")
        let base64 = try #require(parts.last?.components(separatedBy: "\n--").first)
        #expect(Base64.decode(ByteString(base64)) == file)
        #expect(mail.sender == "dmarc@recv.example")
    }

    @Test(
        "Report addresses: mailto only, sizes by powers of 1024, percent signs, no way into a header",
        arguments: [
            ("mailto:a@x.example", "a@x.example", nil), ("MAILTO:a@x.example!10m", "a@x.example", 10 << 20),
            ("mailto:a@x.example!50", "a@x.example", 50), ("mailto:a@x.example!2K", "a@x.example", 2048),
            ("mailto:a%2Bb@x.example!1g?subject=x", nil, nil),
            ("mailto:a%2Bb@x.example?subject=x", "a+b@x.example", nil),
            ("mailto:a@x.example!99999999999999999999t", "a@x.example", Int.max),
            ("https://x.example/", nil, nil), ("mailto:", nil, nil), ("mailto:a", nil, nil),
            ("mailto:a%0AB@x.example", nil, nil), ("mailto:a@x.example,b@x.example", nil, nil),
            ("mailto:a@x.example!5q", nil, nil), ("mailto:a%4@x.example", nil, nil),
            ("mailto:a@[127.0.0.1]", nil, nil),
            ("mailto:-a@x..example", nil, nil),
        ] as [(ByteString, ByteString?, Int?)])
    func addresses(uri: ByteString, mailbox: ByteString?, limit: Int?) {
        do throws(ReportAddress.Refusal) {
            let address = try ReportAddress(uri)
            #expect(address.mailbox == mailbox)
            #expect(address.limit == limit)
        } catch {
            #expect(mailbox == nil, "\(error.reason)")
        }
    }

    @Test(
        "Organizational domains follow the public suffix list",
        arguments: [
            ("example.com", "example.com"), ("a.b.example.com", "example.com"),
            ("a.b.example.co.uk", "example.co.uk"),
            ("co.uk", "co.uk"), ("x.y.city.kobe.jp", "city.kobe.jp"), ("a.b.c.kobe.jp", "b.c.kobe.jp"),
            ("Example.Org.", "example.org"), ("a.unknown", "a.unknown"), ("x.a.unknown", "a.unknown"),
        ] as [(ByteString, ByteString)])
    func organizational(name: ByteString, domain: ByteString) {
        let list = PublicSuffixList("// a comment\ncom\norg\nuk\nco.uk\njp\n*.kobe.jp\n!city.kobe.jp\n")
        #expect(list.organizationalDomain(of: name) == domain)
    }

    @Test("An address elsewhere gets reports only when its domain says so")
    func external() throws {
        let address = try ReportAddress("mailto:third@x.example!10m")
        #expect(
            ExternalDestination.question(for: address, of: "example.org")
                == "example.org._report._dmarc.x.example")
        func verdict(_ answer: ExternalDestination.Answer) -> ExternalDestination.Verdict {
            ExternalDestination.verdict(answer, for: address, of: "example.org")
        }
        #expect(verdict(.records(["spf", "v=DMARC1"])) == .allowed(instead: nil))
        #expect(verdict(.records(["v=DMARC1; rua=mailto:z@y.example"])) == .allowed(instead: nil))
        var other = try ReportAddress("mailto:z@x.example")
        other.uri = address.uri
        #expect(verdict(.records(["v=DMARC1;rua=mailto:z@x.example"])) == .allowed(instead: other))
        for records in [[], ["v=DMARC12"], ["x=1; v=DMARC1"]] as [[ByteString]] {
            guard case .refused = verdict(.records(records)) else {
                Issue.record("\(records) must not allow")
                continue
            }
        }
        guard case .deferred = verdict(.trouble("timeout")) else {
            Issue.record("trouble defers")
            return
        }
    }

    @Test(
        "DMH-05: each report goes to each address once; what was deferred goes next time; a dry run leaves no mark"
    )
    func once() async throws {
        let mails = Mutex<[ReportMail]>([])
        let answer = Mutex(ExternalDestination.Answer.trouble("timeout"))
        let doors = Reporting.Doors(
            ask: { _ in answer.withLock { $0 } },
            submit: { mail in
                mails.withLock { $0.append(mail) }
                return .accepted
            })
        func states(dry: Bool = false) async throws -> [DeliveryState?] {
            var options = Reporting.Options(organization: organization)
            options.isDryRun = dry
            let reporting = Reporting(store, options: options, doors: doors, now: { Self.now })
            return try await reporting.send(exim497()).map(\.state)
        }
        #expect(try await states(dry: true) == [.sent, .deferred])
        #expect(mails.withLock { $0.count } == 0)
        #expect(try await states() == [.sent, .deferred])
        #expect(try await states() == [nil, .deferred])
        answer.withLock { $0 = .records(["v=DMARC1"]) }
        #expect(try await states() == [nil, .sent])
        #expect(try await states() == [nil, nil])
        #expect(mails.withLock { $0.map(\.recipient) } == ["agg@example.org", "third@x.example"])
    }

    /// The report whose newest record names two addresses.
    private func exim497() throws -> AggregateReport { try report(of: "example.org") }

    @Test("A mail larger than the address takes is not sent; a hand-over that died is tried again later")
    func limits() async throws {
        var record = HistoryRecord.sample(1, from: "tiny.example")
        record.published.reportAddresses = ["mailto:a@tiny.example!1k", "ftp://tiny.example"]
        try scratch.add(record.text)
        let doors = Reporting.Doors(ask: { _ in .records([]) }, submit: { _ in .accepted })
        let tiny = try report(of: "tiny.example")
        let options = Reporting.Options(organization: organization)
        let outcomes = try await Reporting(store, options: options, doors: doors, now: { Self.now }).send(
            tiny)
        #expect(outcomes.map(\.state) == [.tooLarge, .refused])
        let com = try report(of: "example.com")
        #expect(try store.claim(com, "mailto:agg@example.com", now: Self.now))
        #expect(try !store.claim(com, "mailto:agg@example.com", now: Self.now + 1))
        #expect(try store.claim(com, "mailto:agg@example.com", now: Self.now + DMARCStore.claimTime))
    }

    @Test("Names that cannot stand in a file name get no report")
    func hostile() async throws {
        var record = HistoryRecord.sample(1, from: "../../etc/x.example")
        record.published.reportAddresses = ["mailto:a@x.example"]
        try scratch.add(record.text)
        let doors = Reporting.Doors(ask: { _ in .records(["v=DMARC1"]) }, submit: { _ in .accepted })
        let report = try report(of: "../../etc/x.example")
        let options = Reporting.Options(organization: organization)
        let outcomes = try await Reporting(store, options: options, doors: doors, now: { Self.now }).send(
            report)
        #expect(outcomes.map(\.state) == [.refused])
        #expect(throws: DMARCError.self) { try ReportingOrganization(name: "a/b", email: "x@y") }
    }
}
