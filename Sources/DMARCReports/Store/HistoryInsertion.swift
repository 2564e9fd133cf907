import Bytes
import GRDB

/// Writes history records into the tables inside one transaction.
struct HistoryInsertion {
    private let database: Database
    private let now: Int64
    private var names: NameTable

    init(_ database: Database, now: Int64) {
        self.database = database
        self.now = now
        names = NameTable(database, now: now)
    }

    /// Adds a record; false when one with the same reporter, second and job is there already.
    mutating func add(_ record: HistoryRecord) throws -> Bool {
        let reporter = try names.reporter(record.reporter)
        guard try !isKnown(record, reporter) else { return false }
        let message = try addMessage(record, reporter)
        for signature in record.signatures {
            let domain = try names.domain(signature.domain)
            let selector = try signature.selector.map { try names.selector($0, of: domain) }
            try run(
                "INSERT INTO signature (message_id, domain_id, selector_id, result) VALUES (?, ?, ?, ?)",
                [message, domain, selector, signature.result.rawValue])
        }
        for seal in record.arc?.seals ?? [] {
            let domain = try names.domain(seal.domain)
            let selector = seal.selector.isEmpty ? nil : try names.selector(seal.selector, of: domain)
            try run(
                """
                INSERT INTO arc_seal (message_id, instance, domain_id, selector_id, address, first_seen)
                VALUES (?, ?, ?, ?, ?, ?)
                """, [message, seal.instance, domain, selector, seal.address.databaseText, now])
        }
        return true
    }

    private func isKnown(_ record: HistoryRecord, _ reporter: Int64) throws -> Bool {
        let query = try database.cachedStatement(
            sql: "SELECT 1 FROM message WHERE received = ? AND job = ? AND reporter_id = ?")
        return try Bool.fetchOne(query, arguments: [record.received, record.job.databaseText, reporter])
            ?? false
    }

    private mutating func addMessage(_ record: HistoryRecord, _ reporter: Int64) throws -> Int64 {
        let policyDomain = try names.domain(record.policyDomain)
        let values: [(any DatabaseValueConvertible)?] = [
            record.received, record.job.databaseText, reporter, try names.address(record.address),
            try names.domain(record.from), try names.domain(record.envelopeDomain),
            try names.policy(record.published, of: policyDomain), record.outcome.rawValue,
            record.action.rawValue, record.spf?.rawValue, record.alignedDKIM.rawValue,
            record.alignedSPF.rawValue, record.arc?.result.rawValue, record.arc?.policy,
        ]
        try run(
            """
            INSERT INTO message (received, job, reporter_id, address_id, from_id, envelope_id, policy_id, outcome,
                action, spf, aligned_dkim, aligned_spf, arc, arc_policy)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """, values)
        return database.lastInsertedRowID
    }

    /// Sets a bad record aside; false when the same text is there already.
    func reject(_ rejected: RejectedRecord) throws -> Bool {
        try run(
            "INSERT OR IGNORE INTO rejected (path, line, reason, text, imported) VALUES (?, ?, ?, ?, ?)",
            [
                rejected.path.databaseText, rejected.line, rejected.reason.databaseText,
                rejected.text.databaseBlob, now,
            ])
        return database.changesCount > 0
    }

    private func run(_ sql: String, _ values: [(any DatabaseValueConvertible)?]) throws {
        try database.cachedStatement(sql: sql).execute(arguments: StatementArguments(values))
    }
}
