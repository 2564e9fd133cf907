import Bytes

/// Counts over a hints database.
package struct HintsStatistics: Sendable, Equatable {
    /// What the database is about.
    package let kind: HintsKind
    /// The layout of its records.
    package let layout: HintsLayout
    /// How many records there are, readable or not.
    package private(set) var records = 0
    /// How many cannot be read.
    package private(set) var damaged = 0
    /// The octets of all keys and values.
    package private(set) var octets: Int64 = 0
    /// The stamps of the oldest and newest record, in seconds since 1970.
    package private(set) var oldest: Int64?
    /// See `oldest`.
    package private(set) var newest: Int64?
    /// Counts of this kind of database, in a fixed order.
    package var counts: [(name: String, count: Int)] {
        Self.names(of: kind).map { ($0, tally[$0] ?? 0) }
    }

    private var tally: [String: Int] = [:]
    private let now: Int64

    /// Nothing counted yet.
    package init(_ kind: HintsKind, layout: HintsLayout, now: Int64) {
        self.kind = kind
        self.layout = layout
        self.now = now
    }

    /// Counts a record.
    package mutating func add(_ row: HintsRow) {
        records += 1
        octets += Int64(row.key.count + row.octets.count)
        do throws(HintsRecordError) {
            let hint = try DecodedHint(kind, key: row.key, row.octets, layout: layout)
            guard row.isFindable else {
                damaged += 1
                return
            }
            oldest = min(oldest ?? hint.written, hint.written)
            newest = max(newest ?? hint.written, hint.written)
            count(hint, row.key)
        } catch {
            damaged += 1
        }
    }

    private mutating func count(_ name: String, _ number: Int = 1) { tally[name, default: 0] += number }

    private mutating func count(_ hint: DecodedHint, _ key: ByteString) {
        switch hint {
        case .retry(let record):
            let isRouting = key.starts(with: ByteString("R:"))
            count(isRouting ? "routing" : MessageKey.id(in: key) != nil ? "messages" : "deliveries")
            count(record.nextTry <= now ? "due" : "not due")
            if record.expired { count("expired") }
        case .wait(let record): count("messages listed", record.ids.count)
        case .calloutAddress(let record): count("addresses " + HintsDump.word(record.result).string)
        case .calloutDomain(let record): count("domains " + HintsDump.word(record.result).string)
        case .serialize: count("running")
        case .ehlo: count("EHLO responses")
        case .rateLimit(let record):
            count(record.filter == nil ? "plain" : "with filter")
            if RateDecay.isOver(record, key: key, now: now) { count("decayed") }
        case .seen: break
        case .tls(let record):
            count(record.session.isEmpty ? "without session" : "sessions")
            if hint.isOver(key: key, now: now) { count("expired") }
        }
    }

    private static func names(of kind: HintsKind) -> [String] {
        switch kind {
        case .retry: ["deliveries", "routing", "messages", "due", "not due", "expired"]
        case .wait: ["messages listed"]
        case .callout:
            ["addresses", "domains"].flatMap { kind in
                ["accept", "reject", "unknown"].map { "\(kind) \($0)" }
            }
        case .misc: ["running", "EHLO responses"]
        case .ratelimit: ["plain", "with filter", "decayed"]
        case .seen: []
        case .tls: ["sessions", "without session", "expired"]
        }
    }

    /// Compares what was counted.
    package static func == (one: HintsStatistics, other: HintsStatistics) -> Bool {
        one.kind == other.kind && one.records == other.records && one.damaged == other.damaged
            && one.octets == other.octets && one.tally == other.tally
    }
}
