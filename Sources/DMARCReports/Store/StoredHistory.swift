package import Bytes
import GRDB

/// Which records of the store are meant; all that is given must hold.
package struct HistoryFilter: Sendable, Hashable {
    /// The message's id at its receiver.
    package var job: ByteString?
    /// The From: domain.
    package var from: ByteString?
    /// The client's address.
    package var address: IPAddress?
    /// The most records.
    package var limit: Int

    /// Makes a filter.
    package init(job: ByteString? = nil, from: ByteString? = nil, address: IPAddress? = nil, limit: Int = 20)
    {
        self.job = job
        self.from = from
        self.address = address
        self.limit = limit
    }
}

/// A report and an address in the store.
package struct StoredDelivery: Sendable, Hashable {
    /// The domain that the report is about.
    package var domain: ByteString
    /// The day.
    package var interval: ReportInterval
    /// The address as published.
    package var uri: ByteString
    /// How far it is.
    package var state: ByteString
    /// Since when, in seconds since 1970.
    package var changed: Int64
    /// More, for people.
    package var detail: ByteString
}

extension DMARCStore {
    /// The newest records, newest first, as values.
    package func records(_ filter: HistoryFilter) throws(DMARCError) -> [HistoryRecord] {
        try read { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT m.job, r.name AS reporter, m.received, a.name AS address, f.name AS from_domain,
                        e.name AS envelope, m.spf, d.name AS policy_domain, m.outcome, p.rua, p.adkim, p.aspf, p.p,
                        p.sp, p.pct, m.aligned_dkim, m.aligned_spf, m.action, m.arc, m.arc_policy, m.id
                    FROM message m JOIN reporter r ON r.id = m.reporter_id JOIN address a ON a.id = m.address_id
                    JOIN domain f ON f.id = m.from_id JOIN domain e ON e.id = m.envelope_id
                    JOIN policy p ON p.id = m.policy_id JOIN domain d ON d.id = p.domain_id
                    WHERE (?1 IS NULL OR m.job = ?1) AND (?2 IS NULL OR f.name = ?2) AND (?3 IS NULL OR a.name = ?3)
                    ORDER BY m.received DESC, m.id DESC LIMIT ?4
                    """,
                arguments: [
                    filter.job?.string, filter.from?.lowercasedASCII().string, filter.address?.text.string,
                    filter.limit,
                ]
            ).compactMap { try Self.record($0, database) }
        }
    }

    private static func record(_ row: Row, _ database: Database) throws -> HistoryRecord? {
        let addressText: String = row["address"]
        guard let address = IPAddress(addressText.utf8),
            let outcome = PolicyOutcome(rawValue: row["outcome"]),
            let action = Disposition(rawValue: row["action"])
        else { return nil }
        var record = HistoryRecord(
            job: text(row, "job"), reporter: text(row, "reporter"), received: row["received"],
            address: address,
            from: text(row, "from_domain"), outcome: outcome, action: action)
        record.envelopeDomain = text(row, "envelope")
        record.policyDomain = text(row, "policy_domain")
        let spf: Int? = row["spf"]
        record.spf = spf.flatMap { AuthenticationResult(rawValue: $0) }
        record.published = PublishedPolicy(row)
        record.alignedDKIM = Alignment(rawValue: row["aligned_dkim"]) ?? .unknown
        record.alignedSPF = Alignment(rawValue: row["aligned_spf"]) ?? .unknown
        record.signatures = try signatures(row["id"], database)
        let arc: Int? = row["arc"]
        if let result = arc.flatMap({ AuthenticationResult(rawValue: $0) }) {
            record.arc = ARCHistory(
                result: result, policy: row["arc_policy"], seals: try seals(row["id"], database))
        }
        return record
    }

    private static func text(_ row: Row, _ column: String) -> ByteString {
        let value: String = row[column]
        return ByteString(value)
    }

    private static func signatures(_ message: Int64, _ database: Database) throws -> [HistorySignature] {
        try Row.fetchAll(
            database,
            sql: """
                SELECT d.name AS domain, l.name AS selector, s.result FROM signature s
                JOIN domain d ON d.id = s.domain_id LEFT JOIN selector l ON l.id = s.selector_id
                WHERE s.message_id = ? ORDER BY s.id
                """, arguments: [message]
        ).map { row in
            let selector: String? = row["selector"]
            return HistorySignature(
                domain: text(row, "domain"), selector: selector.map { ByteString($0) },
                result: AuthenticationResult(rawValue: row["result"]) ?? .unknown)
        }
    }

    private static func seals(_ message: Int64, _ database: Database) throws -> [ARCSeal] {
        try Row.fetchAll(
            database,
            sql: """
                SELECT z.instance, d.name AS domain, coalesce(l.name, '') AS selector, z.address FROM arc_seal z
                JOIN domain d ON d.id = z.domain_id LEFT JOIN selector l ON l.id = z.selector_id
                WHERE z.message_id = ? ORDER BY z.id
                """, arguments: [message]
        ).map { row in
            ARCSeal(
                instance: row["instance"], domain: text(row, "domain"), selector: text(row, "selector"),
                address: text(row, "address"))
        }
    }

    /// What became of reports, newest first.
    package func deliveries(limit: Int) throws(DMARCError) -> [StoredDelivery] {
        try read { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT d.name AS domain, r.begin_time, v.uri, v.state, v.changed, v.detail FROM report_delivery v
                    JOIN report r ON r.id = v.report JOIN domain d ON d.id = r.domain_id
                    ORDER BY r.begin_time DESC, d.name, v.uri LIMIT ?
                    """, arguments: [limit]
            ).map { row in
                StoredDelivery(
                    domain: Self.text(row, "domain"), interval: ReportInterval(containing: row["begin_time"]),
                    uri: Self.text(row, "uri"), state: Self.text(row, "state"), changed: row["changed"],
                    detail: Self.text(row, "detail"))
            }
        }
    }
}

extension PublishedPolicy {
    /// The policy in a row with the columns rua, adkim, aspf, p, sp and pct.
    init(_ row: Row) {
        self.init()
        let rua: String = row["rua"]
        reportAddresses = ByteString(rua).split(separator: UInt8(ascii: ",")).map { ByteString($0) }
        dkimMode = AlignmentMode(rawValue: row["adkim"])
        spfMode = AlignmentMode(rawValue: row["aspf"])
        policy = RequestedPolicy(rawValue: row["p"])
        subdomainPolicy = RequestedPolicy(rawValue: row["sp"])
        percent = row["pct"]
    }
}
