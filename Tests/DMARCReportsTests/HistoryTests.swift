import Bytes
import DMARCReports
import TestKit
import Testing

@Suite("History files")
struct HistoryTests {
    @Test(
        "DMH-03: what Exim and OpenDMARC of each version write is read without loss",
        arguments: Samples.histories)
    func everyWriter(name: ByteString) throws {
        for record in try HistoryReader.records(of: Samples.read(name)) {
            #expect(record.unknownLines == 0)
            #expect(!record.published.reportAddresses.contains("-"))
        }
        #expect(try HistoryReader.records(of: Samples.read(name)).count >= 1)
    }

    @Test("Three-field dkim lines have no selector; names are in small letters; a missing arc is not known")
    func oldExim() throws {
        let records = try HistoryReader.records(of: Samples.read("exim-4.96.history"))
        let first = try #require(records.first)
        #expect(first.reporter == "mx.recv.example")
        #expect(first.envelopeDomain == "bounce.example.org")
        #expect(
            first.signatures == [
                HistorySignature(domain: "example.org", selector: nil, result: .pass),
                HistorySignature(domain: "third.example", selector: nil, result: .fail),
            ])
        #expect(first.published.spfMode == .strict)
        #expect(first.published.policy == .quarantine)
        #expect(first.published.subdomainPolicy == nil)
        #expect(first.arc == nil)
        #expect(records[1].address == "2001:db8::5")
        #expect(records[1].spf == nil)
        #expect(records[1].envelopeDomain == "")
        #expect(records[1].published.reportAddresses == [])
    }

    @Test("DMH-03: Exim's malformed arc_policy lines are understood")
    func malformedARC() throws {
        let records = try HistoryReader.records(of: Samples.read("exim-4.97.history"))
        #expect(records.map(\.arc?.policy) == [nil, 2, 1])
        #expect(records.map(\.arc?.seals.count) == [0, 2, 0])
        #expect(
            records[1].arc?.seals.last
                == ARCSeal(instance: 1, domain: "fwd.example", selector: "as1", address: "198.51.100.7"))
        #expect(
            records[0].published.reportAddresses == ["mailto:agg@example.org", "mailto:third@x.example!10m"])
        #expect(records[2].policyDomain == "example.com")
        #expect(records[2].published.subdomainPolicy == RequestedPolicy.none)
    }

    @Test(
        "DMH-03: the text of a record is read back as the same record, and is what OpenDMARC's importer wants"
    )
    func roundTrip() throws {
        for name in Samples.histories {
            for var record in try HistoryReader.records(of: Samples.read(name)) {
                record.spf = record.spf ?? .unknown
                var arc = record.arc ?? ARCHistory(result: .unknown, policy: 1)
                arc.policy = arc.policy ?? 1
                record.arc = arc
                #expect(try HistoryReader.records(of: record.text) == [record])
                let lines = record.text.split(separator: .newline)
                #expect(ByteString(lines[0]).starts(with: "job ".utf8))
                #expect(ByteString(lines[lines.count - 1]).starts(with: "action ".utf8))
                #expect(record.text.contains(ByteString(" json:[")))
            }
        }
    }

    @Test("Pieces of any size give the same records, lines and places", arguments: [1, 2, 7, 64, 1000])
    func pieces(size: Int) throws {
        for name in Samples.histories + ["bad.history"] {
            let text = try Samples.read(name)
            let entries = HistoryReader.entries(of: text, pieces: size)
            #expect(entries == HistoryReader.entries(of: text))
            #expect(entries.first?.range.lowerBound == 0)
            #expect(entries.last?.range.upperBound == Int64(text.count))
        }
    }

    @Test("A bad record is told with line and reason, and the good ones around it are kept")
    func badRecords() throws {
        let entries = try HistoryReader.entries(of: Samples.read("bad.history"))
        #expect(entries.map(\.line) == [1, 2, 9, 24])
        let problems = entries.map { entry -> HistoryProblem? in
            if case .failure(let problem) = entry.outcome { problem } else { nil }
        }
        #expect(problems[0]?.reason == "text before the first job line")
        #expect(problems[1] == HistoryProblem(line: 3, "ipaddr: \"not-an-address\" is no IP address"))
        #expect(problems[2] == nil)
        #expect(try entries[2].outcome.get().unknownLines == 1)
        #expect(problems[3]?.reason == "there is no ipaddr line: the record is cut, or another program's")
    }

    @Test("A record without end is bad, costs a bounded amount of memory, and ends at the next job")
    func endless() throws {
        let filler = ByteString(repeatElement(UInt8(ascii: "x"), count: 1000)) + ByteString("\n")
        var text: ByteString = "job a\n"
        for _ in 0..<1000 { text += filler }
        text += HistoryRecord.sample(1).text
        text += ByteString(repeatElement(UInt8(ascii: "y"), count: 1_000_000))
        text += "\n" as ByteString
        text += HistoryRecord.sample(2).text
        let entries = HistoryReader.entries(of: text, pieces: 4096)
        #expect(entries.count == 3)
        #expect(entries[0].rejectedText.count == HistoryReader.longestRejectedText)
        #expect(entries[1].line == 1002)
        #expect(throws: HistoryProblem.self) { try entries[1].outcome.get() }
        #expect(try entries[2].outcome.get() == .sample(2))
        #expect(entries[2].range.upperBound == Int64(text.count))
    }

    @Test("Any octets give records or problems, never a trap", arguments: 0..<8)
    func fuzz(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for name in Samples.histories + ["bad.history"] {
            let text = try Samples.read(name)
            for _ in 0..<150 {
                let mutated = text.mutated(using: &random)
                let entries = HistoryReader.entries(of: mutated, pieces: 97)
                #expect(entries.reduce(0) { $0 + $1.range.count } <= mutated.count)
                for case .success(let record) in entries.map(\.outcome) {
                    let again = try HistoryReader.records(of: record.text)
                    #expect(again.map(\.job) == [record.job])
                }
            }
        }
    }
}
