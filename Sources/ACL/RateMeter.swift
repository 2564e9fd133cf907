import Bytes
import Glibc
import Hints
import OpenSSL

/// Measures one event by the record of its rule: a mean over the period in which what is long ago counts less and less.
struct RateMeter: Sendable {
    private let rule: RateLimit
    private let seconds: Int64
    private let microseconds: Int

    init(_ rule: RateLimit, seconds: Int64, microseconds: Int) {
        self.rule = rule
        self.seconds = seconds
        self.microseconds = microseconds
    }

    /// The rate with one digit behind the point, as `$sender_rate` has it.
    static func text(_ rate: Double) -> ByteString {
        let tenths = (min(max(rate, 0), 1e15) * 10).rounded()
        return "\(Int64(tenths) / 10).\(Int64(tenths) % 10)"
    }

    /// Reads the record, computes the rate, and writes it where the mode says so.
    func measure(in transaction: HintsTransaction) throws -> Double {
        let old = try transaction.read(RateLimitRecord.self, rule.key)
        var filter = old?.filter
        var count = rule.mode == .readonly ? 0 : rule.count ?? 1
        if let unique = rule.unique, rule.mode != .readonly {
            var present = fresh(filter)
            if note(unique, in: &present) { count = 0 }
            filter = present
        }
        let rate = old.map { self.rate(after: $0, count) } ?? count
        guard rule.mode == .strict || (rule.mode != .readonly && rate < rule.limit) else { return rate }
        let record = RateLimitRecord(
            microseconds: Int32(clamping: min(max(microseconds, 0), 999_999)), rate: rate, filter: filter)
        try transaction.write(record, rule.key)
        return rate
    }

    private func rate(after old: RateLimitRecord, _ count: Double) -> Double {
        let then = Double(old.header.written) + Double(old.microseconds) / 1e6
        let now = Double(seconds) + Double(microseconds) / 1e6
        let interval = max(now - then, 1e-9)
        let inverse = Double(rule.period) / interval
        let weight = exp(-1 / inverse)
        let rate = (1 - weight) * count * inverse + weight * old.rate
        return rate < count ? count : rate
    }

    /// The filter, or a new one where there is none of this period.
    private func fresh(_ filter: RateLimitRecord.Filter?) -> RateLimitRecord.Filter {
        if let filter, seconds <= filter.epoch + rule.period { return filter }
        let size = min(Int(min(rule.limit, 1e9)) * 2, Self.mostFilterOctets)
        return RateLimitRecord.Filter(epoch: seconds, size: max(Self.leastFilterOctets, size))
    }

    private static let leastFilterOctets = 40
    /// Limits beyond this are of no use to anybody.
    private static let mostFilterOctets = 1 << 20

    /// Notes a value; true when it was there already.
    private func note(_ value: ByteString, in filter: inout RateLimitRecord.Filter) -> Bool {
        guard let digest = Self.digest(value) else { return false }
        let (first, second) = (Self.word(digest, at: 0), Self.word(digest, at: 4))
        var octets = filter.octets.bytes
        var isKnown = true
        for round in 0..<UInt32(8) {
            let hash = first &+ round &* second
            let bit = UInt8(1) << UInt8(hash % 8)
            let place = Int(hash / 8) % octets.count
            if octets[place] & bit == 0 { isKnown = false }
            octets[place] |= bit
        }
        filter.octets = ByteString(octets)
        return isKnown
    }

    private static func digest(_ value: ByteString) -> ByteString? {
        do {
            var digest = try Digest(.md5)
            try digest.update(value)
            return try digest.finish()
        } catch {
            // A library without MD5: each event counts as new.
            return nil
        }
    }

    private static func word(_ octets: ByteString, at place: Int) -> UInt32 {
        (0..<4).reduce(0) { $0 | UInt32(octets[place + $1]) << UInt32(8 * $1) }
    }
}
