package import Bytes
import GRDB

/// How far the hand-over of one report to one address is.
package enum DeliveryState: String, Sendable, Hashable, CaseIterable {
    /// It is being handed over, or the program died while doing so.
    case handing
    /// Our mail system has it.
    case sent
    /// It will not be sent; the detail tells why.
    case refused
    /// It is larger than the address or we allow.
    case tooLarge = "too large"
    /// Not now; the next run tries again.
    case deferred
}

/// What became of one report for one address.
package struct ReportOutcome: Sendable, Hashable {
    /// The report.
    package var report: AggregateReport
    /// The address as published.
    package var uri: ByteString
    /// What became of it; nil when an earlier run or another one has it.
    package var state: DeliveryState?
    /// More, for people.
    package var detail: ByteString
}

extension DMARCStore {
    /// For how long nobody else tries a hand-over that was begun, in seconds.
    package static let claimTime: Int64 = 600

    /// Takes the right to hand a report to an address over; false when that is done, or somebody is at it.
    func claim(_ report: AggregateReport, _ uri: ByteString, now: Int64) throws(DMARCError) -> Bool {
        try write { database in
            let number = try Self.number(of: report, now: now, database)
            let row = try Row.fetchOne(
                database, sql: "SELECT state, changed FROM report_delivery WHERE report = ? AND uri = ?",
                arguments: [number, uri.databaseText])
            if let row {
                let (word, changed): (String, Int64) = (row[0], row[1])
                switch DeliveryState(rawValue: word) {
                case .deferred: break
                case .handing where now - changed >= Self.claimTime: break
                case .handing, .sent, .refused, .tooLarge, nil: return false
                }
            }
            try Self.note(.handing, "", DeliveryKey(report: number, uri: uri), now, database)
            return true
        }
    }

    /// Whether nothing is left to do for a report and an address.
    func isDone(_ report: AggregateReport, _ uri: ByteString) throws(DMARCError) -> Bool {
        try read { database in
            let word = try String.fetchOne(
                database,
                sql: """
                    SELECT d.state FROM report r JOIN report_delivery d ON d.report = r.id
                    WHERE r.domain_id = ? AND r.begin_time = ? AND d.uri = ?
                    """, arguments: [report.domainID, report.interval.begin, uri.databaseText])
            switch word.flatMap({ DeliveryState(rawValue: $0) }) {
            case .sent, .refused, .tooLarge: return true
            case .handing, .deferred, nil: return false
            }
        }
    }

    /// Notes what became of a hand-over.
    func note(_ outcome: ReportOutcome, now: Int64) throws(DMARCError) {
        guard let state = outcome.state else { return }
        try write { database in
            let number = try Self.number(of: outcome.report, now: now, database)
            try Self.note(state, outcome.detail, DeliveryKey(report: number, uri: outcome.uri), now, database)
        }
    }

    private struct DeliveryKey {
        var report: Int64
        var uri: ByteString
    }

    private static func note(
        _ state: DeliveryState, _ detail: ByteString, _ key: DeliveryKey, _ now: Int64, _ database: Database
    ) throws {
        try database.execute(
            sql:
                "INSERT OR REPLACE INTO report_delivery (report, uri, state, changed, detail) VALUES (?, ?, ?, ?, ?)",
            arguments: [key.report, key.uri.databaseText, state.rawValue, now, detail.databaseText])
    }

    private static func number(of report: AggregateReport, now: Int64, _ database: Database) throws -> Int64 {
        let known = try Int64.fetchOne(
            database, sql: "SELECT id FROM report WHERE domain_id = ? AND begin_time = ?",
            arguments: [report.domainID, report.interval.begin])
        if let known { return known }
        try database.execute(
            sql:
                "INSERT INTO report (domain_id, begin_time, end_time, made, report_id) VALUES (?, ?, ?, ?, ?)",
            arguments: [
                report.domainID, report.interval.begin, report.interval.end, now, report.localID.databaseText,
            ])
        return database.lastInsertedRowID
    }
}
