package import Bytes

/// One record of an answer, typed.
package struct DNSRecord: Sendable, Hashable {
    /// What the record says.
    package let data: DNSRecordData
    /// The octets that say it, names uncompressed.
    package let rdata: ByteString

    /// Makes a record of what it says and its octets.
    package init(_ data: DNSRecordData, rdata: ByteString = "") {
        self.data = data
        self.rdata = rdata
    }
}

/// What a record says; names are without final dot, the root is `.`.
package enum DNSRecordData: Sendable, Hashable {
    /// A or AAAA.
    case address(IPAddress)
    /// MX.
    case mailExchanger(preference: UInt16, exchange: ByteString)
    /// TXT and SPF: the character strings, whose concatenation is what most uses mean.
    case text([ByteString])
    /// SRV.
    case service(DNSService)
    /// PTR, CNAME, NS.
    case name(ByteString)
    /// TLSA.
    case certificateAssociation(TLSARecord)
    /// SOA.
    case authority(DNSAuthority)
    /// A type that is not taken apart.
    case other
}

/// An SRV record (RFC 2782).
package struct DNSService: Sendable, Hashable {
    /// Lower ones are tried first.
    package let priority: UInt16
    /// The share of the load among targets of one priority.
    package let weight: UInt16
    /// The port.
    package let port: UInt16
    /// The host, or `.` for "no such service here".
    package let target: ByteString

    /// Makes a record.
    package init(priority: UInt16, weight: UInt16, port: UInt16, target: ByteString) {
        self.priority = priority
        self.weight = weight
        self.port = port
        self.target = target
    }
}

/// A TLSA record (RFC 6698 section 2.1).
package struct TLSARecord: Sendable, Hashable {
    /// Certificate usage: 2 trust anchor (DANE-TA), 3 end entity (DANE-EE); 0 and 1 also need PKIX.
    package let usage: UInt8
    /// What is compared: 0 the certificate, 1 its public key.
    package let selector: UInt8
    /// How: 0 as it is, 1 by SHA-256, 2 by SHA-512.
    package let matching: UInt8
    /// The octets to compare with.
    package let association: ByteString

    /// Makes a record.
    package init(usage: UInt8, selector: UInt8, matching: UInt8, association: ByteString) {
        self.usage = usage
        self.selector = selector
        self.matching = matching
        self.association = association
    }
}

/// An SOA record (RFC 1035 section 3.3.13).
package struct DNSAuthority: Sendable, Hashable {
    /// The zone's primary server.
    package let server: ByteString
    /// The mailbox of who is responsible, as a name.
    package let mailbox: ByteString
    /// Serial, refresh, retry, expire, minimum.
    package let numbers: [UInt32]
}

extension DNSRecord {
    /// The most octets of rdata (RFC 1035 section 3.2.1).
    package static let longestRdata = 65_535

    /// Takes rdata apart by its type; nil when it is not what the type needs.
    package init?(type: RecordType, rdata: ByteString) {
        guard rdata.count <= Self.longestRdata else { return nil }
        var reader = RdataReader(rdata)
        let parsed: DNSRecordData? =
            switch type {
            case .a where rdata.count == 4, .aaaa where rdata.count == 16:
                IPAddress(octets: rdata).map { .address($0) }
            case .a, .aaaa: nil
            case .mx: reader.mailExchanger()
            case .txt, .spf: reader.text()
            case .srv: reader.service()
            case .ptr, .cname, .ns: reader.name().map { .name($0) }
            case .tlsa: reader.certificateAssociation()
            case .soa: reader.authority()
            default: .other
            }
        guard let parsed, parsed == .other || reader.isAtEnd || type == .a || type == .aaaa else {
            return nil
        }
        self.init(parsed, rdata: rdata)
    }
}

/// Walks through rdata; every step says nil at the end.
private struct RdataReader {
    private let rdata: ByteString
    private var offset = 0

    init(_ rdata: ByteString) { self.rdata = rdata }

    var isAtEnd: Bool { offset == rdata.count }

    mutating func octet() -> UInt8? {
        guard offset < rdata.count else { return nil }
        defer { offset += 1 }
        return rdata[offset]
    }

    mutating func short() -> UInt16? {
        guard let high = octet(), let low = octet() else { return nil }
        return UInt16(high) << 8 | UInt16(low)
    }

    mutating func long() -> UInt32? {
        guard let high = short(), let low = short() else { return nil }
        return UInt32(high) << 16 | UInt32(low)
    }

    mutating func octets(_ count: Int) -> ByteString? {
        guard count <= rdata.count - offset else { return nil }
        defer { offset += count }
        return ByteString(rdata[offset..<(offset + count)])
    }

    mutating func name() -> ByteString? { DNSName.read(rdata, at: &offset) }

    mutating func mailExchanger() -> DNSRecordData? {
        guard let preference = short(), let exchange = name() else { return nil }
        return .mailExchanger(preference: preference, exchange: exchange)
    }

    mutating func text() -> DNSRecordData? {
        var strings: [ByteString] = []
        while let length = octet() {
            guard let string = octets(Int(length)) else { return nil }
            strings.append(string)
        }
        return strings.isEmpty ? nil : .text(strings)
    }

    mutating func service() -> DNSRecordData? {
        guard let priority = short(), let weight = short(), let port = short(), let target = name()
        else { return nil }
        return .service(DNSService(priority: priority, weight: weight, port: port, target: target))
    }

    mutating func certificateAssociation() -> DNSRecordData? {
        guard let usage = octet(), let selector = octet(), let matching = octet(),
            let association = octets(rdata.count - offset), !association.isEmpty
        else { return nil }
        return .certificateAssociation(
            TLSARecord(usage: usage, selector: selector, matching: matching, association: association))
    }

    mutating func authority() -> DNSRecordData? {
        guard let server = name(), let mailbox = name() else { return nil }
        var numbers: [UInt32] = []
        for _ in 0..<5 {
            guard let number = long() else { return nil }
            numbers.append(number)
        }
        return .authority(DNSAuthority(server: server, mailbox: mailbox, numbers: numbers))
    }
}
