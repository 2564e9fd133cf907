import Bytes
import DNS
import TestKit
import Testing

@Suite("DNS records")
struct RecordTests {
    private static let samples: [(RecordType, ByteString)] = [
        (.a, ByteString([192, 0, 2, 1])),
        (.aaaa, ByteString(repeatElement(7, count: 16))),
        (.mx, ByteString([0, 10, 2]) + ByteString("mx") + [4] + ByteString("test") + [0]),
        (.txt, ByteString([3]) + ByteString("abc") + [0, 1] + ByteString("d")),
        (.srv, ByteString([0, 1, 0, 2, 9, 0xDD, 1]) + ByteString("h") + [0]),
        (.ptr, ByteString([1]) + ByteString("h") + [0]),
        (.tlsa, ByteString([3, 1, 1, 0xAB])),
        (.soa, ByteString([1, 65, 0, 1, 66, 0]) + ByteString(repeatElement(1, count: 20))),
    ]

    @Test("Well-formed rdata is taken apart")
    func good() {
        for (type, rdata) in Self.samples {
            let record = DNSRecord(type: type, rdata: rdata)
            #expect(record != nil, "\(type)")
            #expect(record?.rdata == rdata)
        }
    }

    @Test("Rdata with an octet too few or too many is refused, but for text and associations")
    func lengths() {
        for (type, rdata) in Self.samples {
            if type != .tlsa {
                #expect(DNSRecord(type: type, rdata: ByteString(rdata.dropLast())) == nil, "\(type)")
            }
            if type != .tlsa, type != .txt {
                #expect(DNSRecord(type: type, rdata: rdata + [0]) == nil, "\(type)")
            }
        }
        #expect(DNSRecord(type: .tlsa, rdata: ByteString([3, 1, 1])) == nil)
        #expect(DNSRecord(type: .txt, rdata: "") == nil)
    }

    @Test("Any octets are a record or nothing")
    func fuzz() {
        var random = SeededGenerator(seed: 11)
        for _ in 0..<4000 {
            for (type, rdata) in Self.samples {
                let mutant = rdata.mutated(using: &random)
                if let record = DNSRecord(type: type, rdata: mutant) { #expect(record.rdata == mutant) }
            }
        }
    }

    @Test("Dots and unprintable octets inside a label are escaped")
    func escapes() {
        let rdata = ByteString([4]) + ByteString("a.b") + [7, 0]
        #expect(DNSRecord(type: .ptr, rdata: rdata)?.data == .name("a\\.b\\007"))
        #expect(DNSRecord(type: .ptr, rdata: ByteString([0]))?.data == .name("."))
    }

    @Test(
        "Names are usual as Exim's default pattern has it",
        arguments: [
            ("example.org", true), ("a-b.example", true), ("_25._tcp.x", true), ("x.", true), ("1/2.x", true),
            ("-a.x", false), ("a-.x", false), ("a..b", false), ("", false), (".", false), ("a b", false),
        ])
    func usual(name: String, expected: Bool) {
        #expect(DNSName.isUsual(ByteString(name)) == expected)
    }

    @Test("Types have names both ways")
    func types() {
        #expect(RecordType(name: "tlsa") == .tlsa)
        #expect(RecordType(name: "what") == nil)
        #expect(RecordType(rawValue: 65_280).description == "TYPE65280")
    }
}
