package import Bytes
import GRDB

/// Counts of messages.
package struct Tally: Sendable, Hashable {
    /// All.
    package var messages: Int64 = 0
    /// Those that passed DMARC: by SPF or by DKIM, aligned.
    package var passed: Int64 = 0
    /// Those with an aligned DKIM signature that passed.
    package var alignedDKIM: Int64 = 0
    /// Those with an aligned SPF pass.
    package var alignedSPF: Int64 = 0
    /// Those put aside.
    package var quarantined: Int64 = 0
    /// Those refused or thrown away.
    package var rejected: Int64 = 0

    /// Makes a count of nothing.
    package init() {}

    /// Those that failed DMARC.
    package var failed: Int64 { messages - passed }

    /// A share of all messages in tenths of a percent, 0 to 1000; 0 when there are none.
    package func permille(_ part: Int64) -> Int64 { messages > 0 ? part * 1000 / messages : 0 }
}

/// Counts under one name.
package struct TallyRow: Sendable, Hashable {
    /// A domain, an organization, or a day as `2026-11-21`.
    package var name: ByteString
    /// The counts.
    package var tally: Tally
}

/// Who sent as whom.
package struct SenderRow: Sendable, Hashable {
    /// The domain of From:.
    package var from: ByteString
    /// The client's address.
    package var address: ByteString
    /// The envelope sender's domain; empty for a bounce, or where it is not known.
    package var envelopeDomain: ByteString
    /// A domain whose DKIM signature passed; empty where none did.
    package var signer: ByteString
    /// The counts.
    package var tally: Tally
}

/// What history or reports of some days tell.
package struct Statistics: Sendable, Hashable {
    /// Whose view it is.
    package enum Side: String, Sendable, Hashable, CaseIterable {
        /// Mail that came to us, by our own history.
        case received
        /// Mail that went to others, by the reports that they sent.
        case reported
    }

    /// What is counted.
    package struct Scope: Sendable, Hashable {
        /// Whose view.
        package var side: Side
        /// The first second, in seconds since 1970.
        package var begin: Int64
        /// The last second.
        package var end: Int64
        /// Only From: domains that are this one or below it; nil for all.
        package var domain: ByteString?
        /// The most rows of a table.
        package var limit: Int

        /// Makes a scope.
        package init(side: Side, begin: Int64, end: Int64, domain: ByteString? = nil, limit: Int = 20) {
            self.side = side
            self.begin = begin
            self.end = end
            self.domain = domain
            self.limit = limit
        }
    }

    /// What was counted.
    package var scope: Scope
    /// All together.
    package var total = Tally()
    /// Day by day, oldest first; days without mail too, where there are no more than `mostDays`.
    package var days: [TallyRow] = []
    /// The From: domains with most messages.
    package var domains: [TallyRow] = []
    /// The receivers with most messages.
    package var receivers: [TallyRow] = []
    /// The senders with most messages.
    package var senders: [SenderRow] = []
    /// The senders with most messages that failed.
    package var failing: [SenderRow] = []

    /// The most days that are listed one by one with empty ones between.
    package static let mostDays = 366
}

extension DMARCStore {
    /// Counts.
    package func statistics(_ scope: Statistics.Scope) throws(DMARCError) -> Statistics {
        try read { database in
            let query = TallyQuery(scope: scope, database: database)
            var statistics = Statistics(scope: scope)
            statistics.total = try query.total()
            statistics.days = try query.days()
            statistics.domains = try query.rows(by: "from_domain")
            statistics.receivers = try query.rows(by: "receiver")
            statistics.senders = try query.senders(order: "sum(n)", having: "")
            let failed = "sum(n * (NOT dkim AND NOT spf))"
            statistics.failing = try query.senders(order: failed, having: "HAVING \(failed) > 0")
            return statistics
        }
    }
}

/// The questions behind the statistics of one side.
private struct TallyQuery {
    let scope: Statistics.Scope
    let database: Database

    // The columns of both sides: day, n, address, from_domain, envelope, receiver, signer, dkim, spf, quarantined,
    // rejected; the arguments: begin, end, domain, ".domain".
    private static let received = """
        SELECT m.received / 86400 AS day, 1 AS n, a.name AS address, f.name AS from_domain, e.name AS envelope,
            r.name AS receiver,
            (SELECT d.name FROM signature s JOIN domain d ON d.id = s.domain_id
                WHERE s.message_id = m.id AND s.result = 0 ORDER BY s.id LIMIT 1) AS signer,
            m.aligned_dkim = 4 AS dkim, m.aligned_spf = 4 AS spf, m.action = 4 AS quarantined,
            m.action IN (0, 1) AS rejected
        FROM message m JOIN address a ON a.id = m.address_id JOIN domain f ON f.id = m.from_id
            JOIN domain e ON e.id = m.envelope_id JOIN reporter r ON r.id = m.reporter_id
        WHERE m.received BETWEEN ?1 AND ?2 AND m.outcome <> 14
            AND (?3 IS NULL OR f.name = ?3 OR substr(f.name, -length(?4)) = ?4)
        """
    private static let reported = """
        SELECT r.begin_time / 86400 AS day, x.count AS n, a.name AS address, f.name AS from_domain,
            coalesce(e.name, '') AS envelope, r.organization AS receiver,
            (SELECT d.name FROM foreign_result s JOIN domain d ON d.id = s.domain_id
                WHERE s.record = x.id AND s.method = 'dkim' AND s.result = 'pass'
                ORDER BY s.position LIMIT 1) AS signer,
            x.dkim = 'pass' AS dkim, x.spf = 'pass' AS spf, x.disposition = 'quarantine' AS quarantined,
            x.disposition = 'reject' AS rejected
        FROM foreign_report r JOIN foreign_record x ON x.report = r.id JOIN address a ON a.id = x.address_id
            JOIN domain f ON f.id = x.from_id LEFT JOIN domain e ON e.id = x.envelope_id
        WHERE r.begin_time BETWEEN ?1 AND ?2
            AND (?3 IS NULL OR f.name = ?3 OR substr(f.name, -length(?4)) = ?4)
        """
    private static let sums = """
        coalesce(sum(n), 0), coalesce(sum(n * (dkim OR spf)), 0), coalesce(sum(n * dkim), 0),
        coalesce(sum(n * spf), 0), coalesce(sum(n * quarantined), 0), coalesce(sum(n * rejected), 0)
        """

    private var source: String { scope.side == .received ? Self.received : Self.reported }

    private func fetch(_ tail: String) throws -> [Row] {
        let domain = scope.domain?.lowercasedASCII()
        return try Row.fetchAll(
            database, sql: "WITH t AS (\(source)) \(tail)",
            arguments: [scope.begin, scope.end, domain?.string, domain.map { ".\($0)" }])
    }

    func total() throws -> Tally {
        try fetch("SELECT \(Self.sums) FROM t").first.map { Tally($0, from: 0) } ?? Tally()
    }

    func rows(by column: String) throws -> [TallyRow] {
        try fetch(
            "SELECT \(column), \(Self.sums) FROM t GROUP BY 1 ORDER BY sum(n) DESC, 1 LIMIT \(max(0, scope.limit))"
        ).map { row in
            let name: String = row[0]
            return TallyRow(name: ByteString(name), tally: Tally(row, from: 1))
        }
    }

    func days() throws -> [TallyRow] {
        let rows = try fetch("SELECT day, \(Self.sums) FROM t GROUP BY 1 ORDER BY 1")
        let known = Dictionary(
            rows.map { row -> (Int64, Tally) in (row[0], Tally(row, from: 1)) },
            uniquingKeysWith: { first, _ in first })
        guard let first = known.keys.min(), let last = known.keys.max() else { return [] }
        let days = last - first < Int64(Statistics.mostDays) ? Array(first...last) : known.keys.sorted()
        return days.map { day in
            let interval = ReportInterval(containing: day * ReportInterval.length)
            return TallyRow(name: interval.name, tally: known[day] ?? Tally())
        }
    }

    func senders(order: String, having: String) throws -> [SenderRow] {
        try fetch(
            """
            SELECT from_domain, address, envelope, coalesce(signer, ''), \(Self.sums) FROM t GROUP BY 1, 2, 3, 4
            \(having) ORDER BY \(order) DESC, 1, 2, 3, 4 LIMIT \(max(0, scope.limit))
            """
        ).map { row in
            let (from, address, envelope, signer): (String, String, String, String) = (
                row[0], row[1], row[2], row[3]
            )
            return SenderRow(
                from: ByteString(from), address: ByteString(address), envelopeDomain: ByteString(envelope),
                signer: ByteString(signer), tally: Tally(row, from: 4))
        }
    }
}

extension Tally {
    fileprivate init(_ row: Row, from first: Int) {
        self.init()
        messages = row[first]
        passed = row[first + 1]
        alignedDKIM = row[first + 2]
        alignedSPF = row[first + 3]
        quarantined = row[first + 4]
        rejected = row[first + 5]
    }
}
