import Bytes

/// Writes history records into the tables inside one transaction.
struct HistoryInsertion {
    private let transaction: any StoreTransaction
    private let now: Int64
    private var names: NameTable

    init(_ transaction: any StoreTransaction, now: Int64) {
        self.transaction = transaction
        self.now = now
        names = NameTable(transaction, now: now)
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
                [
                    .integer(message), .integer(domain), StoreValue(selector),
                    StoreValue(signature.result.rawValue),
                ])
        }
        for seal in record.arc?.seals ?? [] {
            let domain = try names.domain(seal.domain)
            let selector = seal.selector.isEmpty ? nil : try names.selector(seal.selector, of: domain)
            try run(
                """
                INSERT INTO arc_seal (message_id, instance, domain_id, selector_id, address, first_seen)
                VALUES (?, ?, ?, ?, ?, ?)
                """,
                [
                    .integer(message), StoreValue(seal.instance), .integer(domain), StoreValue(selector),
                    .text(seal.address), .integer(now),
                ])
        }
        return true
    }

    private func isKnown(_ record: HistoryRecord, _ reporter: Int64) throws -> Bool {
        try transaction.number(
            "SELECT 1 FROM message WHERE received = ? AND job = ? AND reporter_id = ?",
            [.integer(record.received), .text(record.job), .integer(reporter)]) != nil
    }

    private mutating func addMessage(_ record: HistoryRecord, _ reporter: Int64) throws -> Int64 {
        let policyDomain = try names.domain(record.policyDomain)
        let values: [StoreValue] = [
            .integer(record.received), .text(record.job), .integer(reporter),
            .integer(try names.address(record.address)), .integer(try names.domain(record.from)),
            .integer(try names.domain(record.envelopeDomain)),
            .integer(try names.policy(record.published, of: policyDomain)),
            StoreValue(record.outcome.rawValue),
            StoreValue(record.action.rawValue), StoreValue(record.spf?.rawValue),
            StoreValue(record.alignedDKIM.rawValue), StoreValue(record.alignedSPF.rawValue),
            StoreValue(record.arc?.result.rawValue), StoreValue(record.arc?.policy),
        ]
        return try run(
            """
            INSERT INTO message (received, job, reporter_id, address_id, from_id, envelope_id, policy_id, outcome,
                action, spf, aligned_dkim, aligned_spf, arc, arc_policy)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """, values)
    }

    /// Sets a bad record aside; false when the same text is there already.
    func reject(_ rejected: RejectedRecord) throws -> Bool {
        try transaction.insert(
            "INSERT INTO rejected (path, line, reason, text, imported) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            [
                .text(rejected.path), StoreValue(rejected.line), .text(rejected.reason), .blob(rejected.text),
                .integer(now),
            ]) != nil
    }

    @discardableResult
    private func run(_ sql: String, _ values: [StoreValue]) throws -> Int64 {
        guard let number = try transaction.insert(sql, values) else {
            throw DMARCError(.store, at: "store", "a row was not inserted, and nobody says why")
        }
        return number
    }
}
