// Answers of name servers, records of the hints and certificates are read, or refused. The first octet says as what.
internal import Bytes
internal import DNS
internal import Hints
internal import OpenSSL

/// One input of libFuzzer.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzRecords(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let octets = ByteString(Array(UnsafeBufferPointer(start: start, count: count)))
    guard let kind = octets.first else { return 0 }
    let rest = ByteString(octets.dropFirst())
    switch kind & 0x0F {
    case 0: lookAt(rest, RetryRecord.self)
    case 1: lookAt(rest, WaitRecord.self)
    case 2: lookAt(rest, CalloutAddressRecord.self)
    case 3: lookAt(rest, CalloutDomainRecord.self)
    case 4: lookAt(rest, RateLimitRecord.self)
    case 5: lookAt(rest, SeenRecord.self)
    case 6: lookAt(rest, SerializeRecord.self)
    case 7: lookAt(rest, EHLORecord.self)
    case 8: lookAt(rest, TLSSessionRecord.self)
    case 9: _ = try? Certificate(pem: rest)
    case 10:
        let text: ByteString =
            "-----BEGIN CERTIFICATE-----\n\(Base64.encode(rest))\n-----END CERTIFICATE-----\n"
        if let found = try? Certificate(pem: text) { precondition(rest.starts(with: found.encoded)) }
    default:
        for number in 0..<100 as Range<UInt16> {
            let type = RecordType(rawValue: number)
            guard let record = DNSRecord(type: type, rdata: rest) else { continue }
            precondition(record.rdata == rest, "a record changed")
        }
    }
    return 0
}

private func lookAt<Record: HintsRecord>(_ octets: ByteString, _ type: Record.Type) {
    for layout in [HintsLayout.released, .versioned] {
        guard let record = try? Record(decoding: octets, layout: layout) else { continue }
        guard let again = try? Record(decoding: record.encode(layout: layout), layout: layout) else {
            preconditionFailure("what was written is refused")
        }
        precondition(again.encode(layout: layout) == record.encode(layout: layout), "a record changes each time it is written")
    }
}
