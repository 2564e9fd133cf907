import ACL
import Bytes
import Configuration
import Hints

/// What callouts learned before, in the hints (manual, section 44.48).
struct CalloutCache: Sendable {
    /// How long results count, in seconds: `callout_..._expire`.
    struct Expiry: Sendable, Hashable {
        var positive: Int64
        var negative: Int64
        var domainPositive: Int64
        var domainNegative: Int64

        init(_ main: OptionBlock) {
            positive = main.seconds("callout_positive_expire") ?? 86_400
            negative = main.seconds("callout_negative_expire") ?? 7_200
            domainPositive = main.seconds("callout_domain_positive_expire") ?? 7 * 86_400
            domainNegative = main.seconds("callout_domain_negative_expire") ?? 10_800
        }
    }

    /// What is known of a domain and an address, and still counts.
    struct Knowledge: Sendable, Hashable {
        var domain = CalloutResult.unknown
        var postmaster = CalloutResult.unknown
        var random = CalloutResult.unknown
        var address = CalloutResult.unknown
        /// When the two were asked about.
        var postmasterStamp: Int64 = 0
        var randomStamp: Int64 = 0
    }

    private let database: HintsDatabase
    private let expiry: Expiry

    init(_ database: HintsDatabase, _ expiry: Expiry) {
        self.database = database
        self.expiry = expiry
    }

    /// What is known; trouble with the hints is no knowledge.
    func knowledge(of domain: ByteString, _ key: ByteString, now: Int64) async -> Knowledge {
        let expiry = expiry
        let outcome = await database.read { reader in
            var known = Knowledge()
            if let record = try reader.read(CalloutDomainRecord.self, domain) {
                Self.take(record, into: &known, expiry, now)
            }
            if let record = try reader.read(CalloutAddressRecord.self, key) {
                let limit = record.result == .accept ? expiry.positive : expiry.negative
                if now - record.header.written <= limit { known.address = record.result }
            }
            return known
        }
        return outcome.value ?? Knowledge()
    }

    private static func take(
        _ record: CalloutDomainRecord, into known: inout Knowledge, _ expiry: Expiry, _ now: Int64
    ) {
        let isNegative = record.result != .accept || record.postmaster == .reject
        let limit = isNegative ? expiry.domainNegative : expiry.domainPositive
        guard now - record.header.written <= limit else { return }
        known.domain = record.result
        if now - record.postmasterStamp <= limit {
            (known.postmaster, known.postmasterStamp) = (record.postmaster, record.postmasterStamp)
        }
        if now - record.randomStamp <= limit {
            (known.random, known.randomStamp) = (record.random, record.randomStamp)
        }
    }

    /// Whether a mailbox had room when it was last looked at; nil when that is not known any more.
    func hadRoom(_ address: ByteString, _ caching: QuotaCaching, now: Int64) async -> Bool? {
        let outcome = await database.read { try $0.read(CalloutAddressRecord.self, address) }
        guard let record = outcome.value.flatMap({ $0 }) else { return nil }
        let hasRoom = record.result == .accept
        let limit = hasRoom ? caching.positive : caching.negative
        return now - record.header.written <= limit ? hasRoom : nil
    }

    /// Keeps whether a mailbox has room.
    func keep(_ hasRoom: Bool, of address: ByteString) async {
        _ = await database.update { transaction in
            try transaction.write(CalloutAddressRecord(result: hasRoom ? .accept : .reject), address)
        }
    }

    /// Keeps what was learned; a database that cannot be written forgets it.
    func keep(_ learned: Knowledge, of domain: ByteString, _ key: ByteString) async {
        _ = await database.update { transaction in
            if learned.domain != .unknown {
                var record = CalloutDomainRecord(result: learned.domain)
                (record.postmaster, record.postmasterStamp) = (learned.postmaster, learned.postmasterStamp)
                (record.random, record.randomStamp) = (learned.random, learned.randomStamp)
                try transaction.write(record, domain)
            }
            if learned.address != .unknown {
                try transaction.write(CalloutAddressRecord(result: learned.address), key)
            }
        }
    }
}
