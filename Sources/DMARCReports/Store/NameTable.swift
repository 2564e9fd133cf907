import Bytes

/// Finds or makes the numbers of names inside one transaction, and remembers them so long.
///
/// Not longer: another process may expire names between two transactions.
struct NameTable {
    private let transaction: any StoreTransaction
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

    init(_ transaction: any StoreTransaction, now: Int64) {
        self.transaction = transaction
        self.now = now
    }

    mutating func domain(_ name: ByteString) throws -> Int64 { try number(of: name, in: "domain") }
    mutating func reporter(_ name: ByteString) throws -> Int64 { try number(of: name, in: "reporter") }
    mutating func address(_ address: IPAddress) throws -> Int64 {
        try number(of: address.text, in: "address")
    }

    private mutating func number(of name: ByteString, in table: String) throws -> Int64 {
        if let number = known[table]?[name] { return number }
        let number = try found(
            select: "SELECT id FROM \(table) WHERE name = ?", [.text(name)],
            insert: "INSERT INTO \(table) (name, first_seen) VALUES (?, ?)", [.text(name), .integer(now)])
        known[table, default: [:]][name] = number
        return number
    }

    mutating func selector(_ name: ByteString, of domain: Int64) throws -> Int64 {
        let key = SelectorName(domain: domain, name: name)
        if let number = selectors[key] { return number }
        let values: [StoreValue] = [.text(name), .integer(domain)]
        let number = try found(
            select: "SELECT id FROM selector WHERE name = ? AND domain_id = ?", values,
            insert: "INSERT INTO selector (name, domain_id, first_seen) VALUES (?, ?, ?)",
            values + [.integer(now)])
        selectors[key] = number
        return number
    }

    mutating func policy(_ policy: PublishedPolicy, of domain: Int64) throws -> Int64 {
        let key = PolicyName(domain: domain, policy: policy)
        if let number = policies[key] { return number }
        let rua = policy.reportAddresses.joined(separator: ",")
        let values: [StoreValue] = [
            .integer(domain), .text(rua), StoreValue(policy.dkimMode?.rawValue ?? 0),
            StoreValue(policy.spfMode?.rawValue ?? 0), StoreValue(policy.policy?.rawValue ?? 0),
            StoreValue(policy.subdomainPolicy?.rawValue ?? 0), StoreValue(policy.percent),
        ]
        let number = try found(
            select: """
                SELECT id FROM policy WHERE domain_id = ? AND rua = ? AND adkim = ? AND aspf = ? AND p = ?
                AND sp = ? AND pct = ?
                """, values,
            insert: """
                INSERT INTO policy (domain_id, rua, adkim, aspf, p, sp, pct, first_seen)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """, values + [.integer(now)])
        policies[key] = number
        return number
    }

    private func found(
        select: String, _ keys: [StoreValue], insert: String, _ values: [StoreValue]
    ) throws -> Int64 {
        if let number = try transaction.number(select, keys) { return number }
        guard let number = try transaction.insert(insert, values) else {
            throw DMARCError(.store, at: "store", "a name was not inserted, and nobody says why")
        }
        return number
    }
}
