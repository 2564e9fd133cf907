import Bytes
import Hints
import TestKit
import Testing

/// A kind of record: which of a sample's keys are of the kind, and decoding followed by encoding.
struct RecordKind: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let names: [String]
    let isKey: @Sendable (ByteString) -> Bool
    let recode: @Sendable (ByteString, HintsLayout) throws -> ByteString

    init<Record: HintsRecord>(
        _ kind: Record.Type, _ names: [String], keys: @escaping @Sendable (ByteString) -> Bool = { _ in true }
    ) {
        testDescription = "\(kind)"
        self.names = names
        isKey = keys
        recode = { octets, layout in
            let record = try Record(decoding: octets, layout: layout)
            let again = record.encode(layout: layout)
            #expect(try Record(decoding: again, layout: layout) == record)
            return again
        }
    }

    private static let isCalloutAddress: @Sendable (ByteString) -> Bool = { $0.contains(UInt8(ascii: "@")) }
    private static let isEHLO: @Sendable (ByteString) -> Bool = { $0.ends(with: ByteString(".EHLO")) }

    static let all: [RecordKind] = [
        RecordKind(RetryRecord.self, ["retry"]),
        RecordKind(WaitRecord.self, ["wait-remote_smtp", "wait-smtp_tls"]),
        RecordKind(CalloutAddressRecord.self, ["callout"], keys: isCalloutAddress),
        RecordKind(CalloutDomainRecord.self, ["callout"], keys: { !isCalloutAddress($0) }),
        RecordKind(EHLORecord.self, ["misc"], keys: isEHLO),
        RecordKind(SerializeRecord.self, ["misc"], keys: { !isEHLO($0) }),
        RecordKind(RateLimitRecord.self, ["ratelimit"]),
        RecordKind(SeenRecord.self, ["seen"]),
        RecordKind(TLSSessionRecord.self, ["tls"]),
    ]
}

@Suite("Hints records")
struct RecordTests {
    @Test(
        "Every record that an Exim wrote decodes, and encodes to the same octets", arguments: RecordKind.all)
    func samples(kind: RecordKind) throws {
        let records = try Samples.records(kind.names).filter { kind.isKey($0.key) }
        #expect(!records.isEmpty)
        for (layout, key, value) in records {
            #expect(HintsLayout(guessedFrom: value) == layout, "\(key)")
            #expect(try kind.recode(value, layout) == value, "\(key)")
        }
    }

    @Test(
        "Any octets are a record or an error, and a record survives its encoding", arguments: RecordKind.all)
    func fuzz(kind: RecordKind) throws {
        var random = SeededGenerator(seed: 5)
        let records = try Samples.records(kind.names)
        for round in 0..<3000 {
            let (layout, _, value) = records[round % records.count]
            do { _ = try kind.recode(value.mutated(using: &random), layout) } catch is HintsRecordError {
                continue
            }
        }
    }

    @Test("A record of one layout is never taken for one of the other")
    func layouts() throws {
        for (layout, _, value) in try Samples.records(["retry", "wait-remote_smtp", "ratelimit", "callout"])
        where layout == .released {
            #expect(throws: HintsRecordError.layout) {
                try RetryRecord(decoding: value + ByteString(repeatElement(0, count: 64)), layout: .versioned)
            }
        }
    }

    @Test("The text of a retry record says what Exim's says")
    func retryText() throws {
        let (layout, key, value) = try #require(Samples.records(["retry"]).first)
        let record = try RetryRecord(decoding: value, layout: layout)
        #expect(key.starts(with: ByteString("R:")) || key.starts(with: ByteString("T:")))
        #expect(!record.text.isEmpty)
        let refused = try Samples.records(["retry"]).filter { $0.key.ends(with: ByteString(":127.0.0.13")) }
        for (layout, _, value) in refused {
            let record = try RetryRecord(decoding: value, layout: layout)
            #expect(record.basicErrno == 111)
            #expect(record.moreErrno == EximErrno.more(fromMX: false))
            #expect(record.text == "Connection refused")
            #expect(record.nextTry - record.lastTry == 900)
        }
        #expect(refused.count == 2)
    }

    @Test("A new retry record has zeros where Exim leaves octets undefined, and a text cut at 150 octets")
    func newRetry() throws {
        var record = RetryRecord(firstFailed: 1, lastTry: 2, nextTry: 3)
        record.setError(RetryError(basicErrno: -44, moreErrno: 13_121, text: "Connection refused"))
        let octets = record.encode(layout: .versioned)
        #expect(octets.count == 74)
        #expect(octets[70..<74].allSatisfy { $0 == 0 })
        record.setError(
            RetryError(basicErrno: 0, text: ByteString(repeatElement(7, count: 400))))
        #expect(record.text.count == 150)
        #expect(record.text.starts(with: ByteString("\\007\\007")))
        let again = try RetryRecord(decoding: record.encode(layout: .released), layout: .released)
        #expect(again.text == record.text)
    }

    @Test("A filter size beyond the record is refused (CVE-2025-67896)")
    func filterSize() throws {
        let (layout, _, value) = try #require(
            Samples.records(["ratelimit"]).first { $0.value.count > 80 })
        let record = try RateLimitRecord(decoding: value, layout: layout)
        #expect(record.filter != nil)
        var large = value
        let size = layout.headerLength + 24
        large.replaceSubrange(size..<(size + 4), with: [0, 0, 0, 0x6B])
        #expect(throws: HintsRecordError.outOfRange(field: "filter size")) {
            try RateLimitRecord(decoding: large, layout: layout)
        }
        large.replaceSubrange(size..<(size + 4), with: [0, 0, 0, 0])
        #expect(throws: HintsRecordError.outOfRange(field: "filter size")) {
            try RateLimitRecord(decoding: large, layout: layout)
        }
    }

    @Test("Wait records hold ids of either length, at most fifty")
    func waitIDs() throws {
        for id in ["1xUfCN-0000000063B-0Kt5", "1xUfOa-00062P-15"] as [ByteString] {
            for count in [0, 1, 50] {
                let record = WaitRecord(ids: Array(repeating: id, count: count), sequence: 3)
                let again = try WaitRecord(decoding: record.encode(layout: .released), layout: .released)
                #expect(again == record)
            }
            let many = WaitRecord(ids: Array(repeating: id, count: 51))
            #expect(throws: HintsRecordError.outOfRange(field: "count")) {
                try WaitRecord(decoding: many.encode(layout: .released), layout: .released)
            }
        }
        let bad = WaitRecord(ids: ["1xUfCN-0000000063B/0Kt5"])
        #expect(throws: HintsRecordError.messageID(offset: 16)) {
            try WaitRecord(decoding: bad.encode(layout: .released), layout: .released)
        }
    }
}
