package import Bytes
import GRDB
import MailText

/// A stretch of time that one report is about: a day, in UTC.
package struct ReportInterval: Sendable, Hashable {
    /// The first second, in seconds since 1970.
    package var begin: Int64
    /// The last second.
    package var end: Int64 { begin + Self.length - 1 }
    /// A day, in seconds.
    package static let length: Int64 = 86_400

    /// The day that a moment lies in.
    package init(containing moment: Int64) {
        begin =
            moment >= 0
            ? moment / Self.length * Self.length : (moment - Self.length + 1) / Self.length * Self.length
    }

    /// The day as `2026-11-21`.
    package var name: ByteString {
        let day = CivilTime(seconds: Int(begin), offset: 0)
        return "\(day.year, zeroPadded: 4)-\(day.month, zeroPadded: 2)-\(day.day, zeroPadded: 2)"
    }
}

/// The form that a report has.
package enum ReportSchema: String, Sendable, Hashable, CaseIterable {
    /// RFC 7489, appendix C: what every reader knows.
    case rfc7489
    /// RFC 9990, appendix A: with a namespace and `pass` as a disposition, without `pct`.
    case rfc9990
}

/// Who reports, and how.
package struct ReportingOrganization: Sendable, Hashable {
    /// The name in reports, file names and subjects; a host name.
    package var name: ByteString
    /// The address that reports come from.
    package var email: ByteString
    /// Where people can turn to, such as a web page; may be empty.
    package var contact: ByteString
    /// The form of its reports.
    package var schema = ReportSchema.rfc7489

    /// Makes an organization; fails for a name that cannot stand in a file name.
    package init(name: ByteString, email: ByteString, contact: ByteString = "") throws(DMARCError) {
        guard HostText.isHostName(name) else {
            throw DMARCError(
                .data, at: "organization", "\"\(name)\" is no host name: give the domain that reports")
        }
        self.name = name
        self.email = email
        self.contact = contact
    }
}

/// One report that may be due: a policy domain and a day with mail.
package struct AggregateReport: Sendable, Hashable {
    /// The domain at which the DMARC record was found.
    package var domain: ByteString
    /// The day.
    package var interval: ReportInterval
    /// What the domain published, as the day's last message met it.
    package var published: PublishedPolicy
    /// How many messages there are.
    package var messages: Int

    /// The number of the domain in the store.
    let domainID: Int64

    /// The report's id without the part after the `@`: always the same for a domain and a day, so that a report that was
    /// sent twice is known.
    package var localID: ByteString { "\(domain).\(interval.begin)" }

    /// The report's id: `<domain>.<begin>@<organization>`.
    package func id(of organization: ReportingOrganization) -> ByteString {
        "\(localID)@\(organization.name)"
    }

    /// The file's name (RFC 7489, section 7.2.1.1), without the ending of a compressed file.
    package func fileName(of organization: ReportingOrganization) -> ByteString {
        "\(organization.name)!\(domain)!\(interval.begin)!\(interval.end).xml"
    }
}

/// One row of a report: messages that are alike.
struct ReportRow: Sendable, Hashable {
    var count: Int
    var address: ByteString
    var action: Disposition
    var outcome: PolicyOutcome
    var alignedDKIM: Alignment
    var alignedSPF: Alignment
    var from: ByteString
    var envelopeDomain: ByteString
    var spf: AuthenticationResult
    var signatures: [HistorySignature]
    var arcPolicy: Int?
    var seals: [ARCSeal]
}

extension DMARCStore {
    /// The reports about days that lie between two moments as a whole, in the order of time and domain.
    ///
    /// Domains that publish no address get none. What was sent already is not left out.
    package func reports(from first: Int64, before last: Int64) throws(DMARCError) -> [AggregateReport] {
        try read { database in
            let rows = try Row.fetchAll(
                database,
                sql: """
                    SELECT p.domain_id, d.name, m.received / 86400 AS day, count(*), max(m.received)
                    FROM message m JOIN policy p ON p.id = m.policy_id JOIN domain d ON d.id = p.domain_id
                    WHERE m.received >= ? AND m.received < ? AND m.outcome <> 14
                    GROUP BY p.domain_id, day ORDER BY day, d.name
                    """,
                arguments: [
                    ReportInterval(containing: first + ReportInterval.length - 1).begin,
                    ReportInterval(containing: last).begin,
                ])
            return try rows.compactMap { row in
                let (name, day, newest): (String, Int64, Int64) = (row[1], row[2], row[4])
                let published = try Self.published(database, domain: row[0], at: newest)
                guard !published.reportAddresses.isEmpty else { return nil }
                return AggregateReport(
                    domain: ByteString(name),
                    interval: ReportInterval(containing: day * ReportInterval.length),
                    published: published, messages: row[3], domainID: row[0])
            }
        }
    }

    private static func published(
        _ database: Database, domain: Int64, at moment: Int64
    ) throws -> PublishedPolicy {
        let row = try Row.fetchOne(
            database,
            sql: """
                SELECT p.rua, p.adkim, p.aspf, p.p, p.sp, p.pct FROM policy p
                JOIN message m ON m.policy_id = p.id AND m.received = ?
                WHERE p.domain_id = ? ORDER BY m.id DESC LIMIT 1
                """, arguments: [moment, domain])
        return row.map { PublishedPolicy($0) } ?? PublishedPolicy()
    }

    /// Gives the rows of a report to `use`, one by one, so that the largest report needs little memory.
    func rows(of report: AggregateReport, _ use: (ReportRow) throws -> Void) throws(DMARCError) {
        try read { database in
            let cursor = try Row.fetchCursor(
                database, sql: Self.rowQuery,
                arguments: [report.domainID, report.interval.begin, report.interval.end])
            while let row = try cursor.next() {
                if let row = ReportRow(row) { try use(row) }
            }
        }
    }

    // Names have no blanks and no controls, so that lists of them can be taken apart again.
    private static let rowQuery = """
        SELECT count(*), a.name, t.action, t.outcome, t.aligned_dkim, t.aligned_spf, f.name, e.name, t.spf,
            t.signatures, t.arc_policy, t.seals
        FROM (SELECT m.*,
                coalesce((SELECT group_concat(s, char(10)) FROM (
                    SELECT DISTINCT d.name || ' ' || coalesce(l.name, '-') || ' ' || g.result AS s
                    FROM signature g JOIN domain d ON d.id = g.domain_id
                    LEFT JOIN selector l ON l.id = g.selector_id
                    WHERE g.message_id = m.id ORDER BY s)), '') AS signatures,
                coalesce((SELECT group_concat(s, char(10)) FROM (
                    SELECT z.instance || ' ' || d.name || ' ' || coalesce(l.name, '-') || ' ' ||
                        CASE z.address WHEN '' THEN '-' ELSE z.address END AS s
                    FROM arc_seal z JOIN domain d ON d.id = z.domain_id
                    LEFT JOIN selector l ON l.id = z.selector_id
                    WHERE z.message_id = m.id ORDER BY z.instance DESC)), '') AS seals
            FROM policy p JOIN message m ON m.policy_id = p.id
            WHERE p.domain_id = ? AND m.received BETWEEN ? AND ? AND m.outcome <> 14) t
        JOIN address a ON a.id = t.address_id JOIN domain f ON f.id = t.from_id
        JOIN domain e ON e.id = t.envelope_id
        GROUP BY a.name, f.name, e.name, t.action, t.outcome, t.aligned_dkim, t.aligned_spf, t.spf, t.signatures,
            t.arc_policy, t.seals
        """
}

extension ReportRow {
    fileprivate init?(_ row: Row) {
        guard let action = Disposition(rawValue: row[2]), let outcome = PolicyOutcome(rawValue: row[3]) else {
            return nil
        }
        let (address, from, envelope): (String, String, String) = (row[1], row[6], row[7])
        let (spf, signatures, seals): (Int?, String, String) = (row[8], row[9], row[11])
        self.init(
            count: row[0], address: ByteString(address), action: action, outcome: outcome,
            alignedDKIM: Alignment(rawValue: row[4]) ?? .unknown,
            alignedSPF: Alignment(rawValue: row[5]) ?? .unknown, from: ByteString(from),
            envelopeDomain: ByteString(envelope),
            spf: spf.flatMap { AuthenticationResult(rawValue: $0) } ?? .none,
            signatures: ByteString(signatures).split(separator: .newline).compactMap { Self.signature($0) },
            arcPolicy: row[10],
            seals: ByteString(seals).split(separator: .newline).compactMap { Self.seal($0) })
    }

    private static func signature(_ text: ArraySlice<UInt8>) -> HistorySignature? {
        let words = text.split(separator: .blank)
        guard words.count == 3, let number = words[2].decimalInteger(),
            let result = AuthenticationResult(rawValue: Int(number))
        else { return nil }
        return HistorySignature(domain: ByteString(words[0]), selector: known(words[1]), result: result)
    }

    private static func seal(_ text: ArraySlice<UInt8>) -> ARCSeal? {
        let words = text.split(separator: .blank)
        guard words.count == 4, let instance = words[0].decimalInteger() else { return nil }
        return ARCSeal(
            instance: Int(instance), domain: ByteString(words[1]), selector: known(words[2]) ?? "",
            address: known(words[3]) ?? "")
    }

    private static func known(_ word: ArraySlice<UInt8>) -> ByteString? {
        word.elementsEqual(ByteString("-")) ? nil : ByteString(word)
    }
}
