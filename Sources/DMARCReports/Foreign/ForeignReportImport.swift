import Bytes
import GRDB

extension DMARCStore {
    /// Adds a report from others; false when it is there already (same organization, id, domain and begin).
    package func add(_ report: ForeignReport, now: Int64) throws(DMARCError) -> Bool {
        try write { database in
            var names = NameTable(SQLiteTransaction(database), now: now)
            let domain = try names.domain(report.domain)
            try database.execute(
                sql: """
                    INSERT OR IGNORE INTO foreign_report (organization, email, report_id, begin_time, end_time,
                        domain_id, adkim, aspf, p, sp, pct, imported)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    report.organization.string, report.email.string, report.reportID.string, report.begin,
                    report.end, domain, report.published.dkimMode.string, report.published.spfMode.string,
                    report.published.policy.string, report.published.subdomainPolicy.string,
                    report.published.percent, now,
                ])
            guard database.changesCount > 0 else { return false }
            let number = database.lastInsertedRowID
            for record in report.records { try Self.add(record, to: number, database, &names) }
            return true
        }
    }

    private static func add(
        _ record: ForeignRecord, to report: Int64, _ database: Database, _ names: inout NameTable
    ) throws {
        let insert = try database.cachedStatement(
            sql: """
                INSERT INTO foreign_record (report, address_id, count, disposition, dkim, spf, from_id, envelope_id,
                    reason)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                """)
        try insert.execute(arguments: [
            report, try names.address(record.address), record.count, record.disposition.string,
            record.dkim.string, record.spf.string, try names.domain(record.from),
            try record.envelopeDomain.map { try names.domain($0) }, record.reason.string,
        ])
        let number = database.lastInsertedRowID
        let insertResult = try database.cachedStatement(
            sql: """
                INSERT INTO foreign_result (record, position, method, domain_id, selector, result)
                VALUES (?, ?, ?, ?, ?, ?)
                """)
        for (position, result) in record.results.enumerated() {
            try insertResult.execute(arguments: [
                number, position, result.method.string, try names.domain(result.domain),
                result.selector.string,
                result.result.string,
            ])
        }
    }
}
