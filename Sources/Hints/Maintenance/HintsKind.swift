package import Bytes

/// What a hints database is about; its name says so.
package enum HintsKind: String, Sendable, Hashable, CaseIterable {
    /// What could not be reached, and when to try again.
    case retry
    /// Which messages wait for which hosts: `wait-<transport>`.
    case wait
    /// What callouts learned.
    case callout
    /// Counts of what runs, and EHLO responses.
    case misc
    /// Measured rates.
    case ratelimit
    /// What was seen, and when.
    case seen
    /// TLS sessions that may be resumed.
    case tls

    /// The kind of the database with that name; nil for a name that no hints database has.
    package init?(databaseName name: ByteString) {
        if name.starts(with: ByteString("wait-")) {
            self = .wait
        } else if let kind = HintsKind(rawValue: name.string), kind != .wait {
            self = kind
        } else {
            return nil
        }
    }
}

/// A record of any kind, read.
package enum DecodedHint: Sendable, Equatable {
    /// Database `retry`.
    case retry(RetryRecord)
    /// Databases `wait-<transport>`.
    case wait(WaitRecord)
    /// Database `callout`, an address.
    case calloutAddress(CalloutAddressRecord)
    /// Database `callout`, a domain.
    case calloutDomain(CalloutDomainRecord)
    /// Database `misc`, a count.
    case serialize(SerializeRecord)
    /// Database `misc`, an EHLO response.
    case ehlo(EHLORecord)
    /// Database `ratelimit`.
    case rateLimit(RateLimitRecord)
    /// Database `seen`.
    case seen(SeenRecord)
    /// Database `tls`.
    case tls(TLSSessionRecord)

    /// Reads a record; in `misc` the key says what it is, in `callout` the length.
    package init(
        _ kind: HintsKind, key: ByteString, _ octets: ByteString, layout: HintsLayout
    ) throws(HintsRecordError) {
        switch kind {
        case .retry: self = .retry(try RetryRecord(decoding: octets, layout: layout))
        case .wait: self = .wait(try WaitRecord(decoding: octets, layout: layout))
        case .callout where octets.count == layout.headerLength + 8:
            self = .calloutAddress(try CalloutAddressRecord(decoding: octets, layout: layout))
        case .callout: self = .calloutDomain(try CalloutDomainRecord(decoding: octets, layout: layout))
        case .misc where key.ends(with: ByteString(".EHLO")):
            self = .ehlo(try EHLORecord(decoding: octets, layout: layout))
        case .misc: self = .serialize(try SerializeRecord(decoding: octets, layout: layout))
        case .ratelimit: self = .rateLimit(try RateLimitRecord(decoding: octets, layout: layout))
        case .seen: self = .seen(try SeenRecord(decoding: octets, layout: layout))
        case .tls: self = .tls(try TLSSessionRecord(decoding: octets, layout: layout))
        }
    }

    private var record: any HintsRecord {
        switch self {
        case .retry(let record): record
        case .wait(let record): record
        case .calloutAddress(let record): record
        case .calloutDomain(let record): record
        case .serialize(let record): record
        case .ehlo(let record): record
        case .rateLimit(let record): record
        case .seen(let record): record
        case .tls(let record): record
        }
    }

    /// When the record was written, in seconds since 1970.
    package var written: Int64 { record.header.written }

    /// The record's octets in a layout, its time stamp unchanged.
    package func encode(layout: HintsLayout) -> ByteString { record.encode(layout: layout) }
}
