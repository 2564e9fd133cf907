import Bytes
import GRDB

/// Finds or makes the numbers of names inside one transaction, and remembers them so long.
///
/// Not longer: another process may expire names between two transactions.
struct NameTable {
    private let database: Database
    private let now: Int64
    private var known: [String: [ByteString: Int64]] = [:]
    private var selectors: [SelectorName: Int64] = [:]
    private var policies: [PolicyName: Int64] = [:]

    private struct SelectorName: Hashable {
        var domain: Int64
        var name: ByteString
    }

    private struct PolicyName: Hashable {
        var domain: Int64
        var policy: PublishedPolicy
    }

    init(_ database: Database, now: Int64) {
        self.database = database
        self.now = now
    }

    mutating func domain(_ name: ByteString) throws -> Int64 { try number(of: name, in: "domain") }
    mutating func reporter(_ name: ByteString) throws -> Int64 { try number(of: name, in: "reporter") }
    mutating func address(_ address: IPAddress) throws -> Int64 {
        try number(of: address.text, in: "address")
    }

    private mutating func number(of name: ByteString, in table: String) throws -> Int64 {
        if let number = known[table]?[name] { return number }
        let text = name.databaseText
        let number = try found(
            select: "SELECT id FROM \(table) WHERE name = ?", [text],
            insert: "INSERT INTO \(table) (name, first_seen) VALUES (?, ?)", [text, now])
        known[table, default: [:]][name] = number
        return number
    }

    mutating func selector(_ name: ByteString, of domain: Int64) throws -> Int64 {
        let key = SelectorName(domain: domain, name: name)
        if let number = selectors[key] { return number }
        let text = name.databaseText
        let number = try found(
            select: "SELECT id FROM selector WHERE name = ? AND domain_id = ?", [text, domain],
            insert: "INSERT INTO selector (name, domain_id, first_seen) VALUES (?, ?, ?)",
            [text, domain, now])
        selectors[key] = number
        return number
    }

    mutating func policy(_ policy: PublishedPolicy, of domain: Int64) throws -> Int64 {
        let key = PolicyName(domain: domain, policy: policy)
        if let number = policies[key] { return number }
        let rua = policy.reportAddresses.joined(separator: ",").databaseText
        let values: [any DatabaseValueConvertible] = [
            domain, rua, policy.dkimMode?.rawValue ?? 0, policy.spfMode?.rawValue ?? 0,
            policy.policy?.rawValue ?? 0, policy.subdomainPolicy?.rawValue ?? 0, policy.percent,
        ]
        let number = try found(
            select: """
                SELECT id FROM policy WHERE domain_id = ? AND rua = ? AND adkim = ? AND aspf = ? AND p = ?
                AND sp = ? AND pct = ?
                """, values,
            insert: """
                INSERT INTO policy (domain_id, rua, adkim, aspf, p, sp, pct, first_seen)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """, values + [now])
        policies[key] = number
        return number
    }

    private func found(
        select: String, _ keys: [any DatabaseValueConvertible], insert: String,
        _ values: [any DatabaseValueConvertible]
    ) throws -> Int64 {
        let query = try database.cachedStatement(sql: select)
        if let number = try Int64.fetchOne(query, arguments: StatementArguments(keys)) { return number }
        try database.cachedStatement(sql: insert).execute(arguments: StatementArguments(values))
        return database.lastInsertedRowID
    }
}
