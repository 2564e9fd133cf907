package import Bytes

/// Which records of a database are meant; all that is set must hold.
package struct HintsFilter: Sendable, Equatable {
    /// A host, address, domain or message that the record is about; nil for any.
    package var subject: ByteString?
    /// Written longer ago than so many seconds; nil for any age.
    package var olderThan: Int64?
    /// Only records whose own time is over: retry past its cutoff, tickets, rates, and counts left over.
    package var onlyExpired = false

    /// Everything.
    package init() {}

    /// Whether nothing is left out.
    package var isEmpty: Bool { self == HintsFilter() }

    /// Whether a record is meant; one that cannot be read is, unless its time matters.
    package func matches(_ row: HintsRow, _ kind: HintsKind, layout: HintsLayout, now: Int64) -> Bool {
        if let subject, !Self.concerns(row.key, kind, subject) { return false }
        guard olderThan != nil || onlyExpired else { return true }
        do throws(HintsRecordError) {
            let hint = try DecodedHint(kind, key: row.key, row.octets, layout: layout)
            if let olderThan, hint.written >= now - olderThan { return false }
            return !onlyExpired || hint.isOver(key: row.key, now: now)
        } catch {
            return false
        }
    }

    private static func concerns(_ key: ByteString, _ kind: HintsKind, _ subject: ByteString) -> Bool {
        switch kind {
        case .retry: return RetryExplanation.Matter(key).concerns(subject)
        case .wait:
            if key.equalsIgnoringCase(subject) { return true }
            guard let halves = key.cutAtLast(UInt8(ascii: ":")), halves.after.allSatisfy(\.isASCIIDigit)
            else {
                return false
            }
            return ByteString(halves.before).equalsIgnoringCase(subject)
        case .callout, .misc, .ratelimit, .seen, .tls: return key.contains(subject, ignoringCase: true)
        }
    }
}

extension DecodedHint {
    /// Whether the record's own time is over, which its age in days says nothing about.
    package func isOver(key: ByteString, now: Int64, ticketLifetime: Int64 = 7200) -> Bool {
        switch self {
        case .retry(let record): record.expired
        case .tls(let record):
            record.header.written + (TLSSessionLifetime.seconds(of: record.session) ?? ticketLifetime) < now
        case .rateLimit(let record): RateDecay.isOver(record, key: key, now: now)
        case .serialize(let record): record.header.written < now - SerializeRecord.staleAfter
        case .wait, .calloutAddress, .calloutDomain, .ehlo, .seen: false
        }
    }
}
