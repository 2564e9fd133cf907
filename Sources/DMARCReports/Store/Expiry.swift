import GRDB

/// What an expiry removed, or would remove.
package struct ExpirySummary: Sendable, Hashable {
    /// Messages, with their signatures and seals.
    package var messages = 0
    /// Marks of reports that were sent.
    package var reports = 0
    /// Reports that others sent us.
    package var foreignReports = 0
    /// Bad records that were set aside.
    package var rejected = 0
    /// Names that nothing refers to any more.
    package var names = 0

    /// Makes the summary of nothing.
    package init() {}
}

extension DMARCStore {
    /// `opendmarc-expire --expire`'s default.
    package static let defaultExpiryDays = 180
    /// How many messages are removed in one transaction, so that imports need not wait long.
    private static let expiryStep = 5000

    /// What is older than a moment: counted only.
    package func expirable(before moment: Int64) throws(DMARCError) -> ExpirySummary {
        try read { database in
            func count(_ sql: String) throws -> Int {
                try Int.fetchOne(database, sql: "SELECT count(*) FROM \(sql) < ?", arguments: [moment]) ?? 0
            }
            var summary = ExpirySummary()
            summary.messages = try count("message WHERE received")
            summary.reports = try count("report WHERE end_time")
            summary.foreignReports = try count("foreign_report WHERE end_time")
            summary.rejected = try count("rejected WHERE imported")
            return summary
        }
    }

    /// Removes what is older than a moment, in short transactions.
    ///
    /// With `allTables` also names that nothing refers to any more, as `opendmarc-expire --alltables`.
    package func expire(before moment: Int64, allTables: Bool) throws(DMARCError) -> ExpirySummary {
        var summary = ExpirySummary()
        summary.messages = try removeInSteps("message", "received", moment)
        summary.reports = try removeInSteps("report", "end_time", moment)
        summary.foreignReports = try removeInSteps("foreign_report", "end_time", moment)
        summary.rejected = try removeInSteps("rejected", "imported", moment)
        _ = try removeInSteps("history_file", "imported", moment)
        if allTables { summary.names = try write { try Self.removeUnusedNames($0) } }
        return summary
    }

    private func removeInSteps(_ table: String, _ column: String, _ moment: Int64) throws(DMARCError) -> Int {
        var total = 0
        while true {
            let removed = try write { database in
                try database.execute(
                    sql: """
                        DELETE FROM \(table) WHERE rowid IN
                        (SELECT rowid FROM \(table) WHERE \(column) < ? LIMIT \(Self.expiryStep))
                        """, arguments: [moment])
                return database.changesCount
            }
            total += removed
            if removed < Self.expiryStep { return total }
        }
    }

    private static func removeUnusedNames(_ database: Database) throws -> Int {
        var count = 0
        for sql in unusedNames {
            try database.execute(sql: sql)
            count += database.changesCount
        }
        return count
    }

    // The names that others refer to go last.
    private static let unusedNames = [
        "DELETE FROM policy WHERE id NOT IN (SELECT policy_id FROM message)",
        """
        DELETE FROM selector WHERE id NOT IN (SELECT selector_id FROM signature WHERE selector_id IS NOT NULL)
        AND id NOT IN (SELECT selector_id FROM arc_seal WHERE selector_id IS NOT NULL)
        """,
        "DELETE FROM reporter WHERE id NOT IN (SELECT reporter_id FROM message)",
        """
        DELETE FROM address WHERE id NOT IN (SELECT address_id FROM message)
        AND id NOT IN (SELECT address_id FROM foreign_record)
        """,
        """
        DELETE FROM domain WHERE id NOT IN (
            SELECT from_id FROM message UNION SELECT envelope_id FROM message UNION SELECT domain_id FROM policy
            UNION SELECT domain_id FROM selector UNION SELECT domain_id FROM signature
            UNION SELECT domain_id FROM arc_seal UNION SELECT domain_id FROM report
            UNION SELECT domain_id FROM foreign_report UNION SELECT from_id FROM foreign_record
            UNION SELECT envelope_id FROM foreign_record WHERE envelope_id IS NOT NULL
            UNION SELECT domain_id FROM foreign_result)
        """,
    ]
}
