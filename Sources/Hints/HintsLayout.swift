package import Bytes

/// Which of Exim's two record layouts a hints file holds; one file never holds both.
///
/// An Exim that meets the other layout ignores the record at best, and crashes at worst (an Exim 4.99.1 that
/// finds a versioned rate limit record), so a file keeps the layout that it has.
package enum HintsLayout: Sendable, Equatable, CaseIterable {
    /// What every Exim up to 4.99.1 writes: 8 octets of time stamp, then the fields.
    case released
    /// What Exim's development version writes: version number 2, taint flag, time stamp: 16 octets.
    case versioned

    /// How many octets stand before a record's own fields.
    package var headerLength: Int {
        switch self {
        case .released: 8
        case .versioned: 16
        }
    }

    /// The layout that a record appears to have, or nil when it looks like neither.
    package init?(guessedFrom record: ByteString) {
        let fields = RecordFields(record)
        if record.count >= 16, fields.unsigned32(at: 0) == 2, let taint = fields.unsigned32(at: 4), taint < 2
        {
            self = .versioned
        } else if let stamp = fields.signed64(at: 0), HintsLimits.likelyTimes.contains(stamp) {
            self = .released
        } else {
            return nil
        }
    }
}

/// What a record may hold; whatever exceeds this is damaged, and means "no information".
package enum HintsLimits {
    /// The time stamps by which a released layout is recognised: the years 2001 to 2286.
    package static let likelyTimes: ClosedRange<Int64> = 1_000_000_000...10_000_000_000
    /// The times that a record may hold, in seconds since 1970: up to the end of the year 9999.
    package static let times: ClosedRange<Int64> = 0...253_402_300_799
    /// The most octets of a record; the largest real ones are filters for enormous rate limits.
    package static let recordLength = 16 << 20
    /// The most octets of a key.
    package static let keyLength = 4096
    /// The most octets of a retry record's text (Exim cuts it there).
    package static let retryText = 150
    /// The most message ids in one wait record.
    package static let waitIDs = 50
    /// The most continuation records of one host; Exim's tools take more for damage.
    package static let waitContinuations: Int32 = 1000
}
