package import Bytes
import PostgreSQL

/// `pgsql`: an SQL statement for a PostgreSQL server (manual, sections 9.21 to 9.25).
package final class PostgresSearch: LookupDriver {
    private let list: ServerList
    private let connections = ServerConnections<PostgresConnection>()

    /// How long a connection may take to stand, in seconds.
    private static let patience = 10

    /// Makes a driver.
    ///
    /// - Parameter servers: the main option `pgsql_servers`.
    package init(servers: ByteString) {
        list = ServerList("PostgreSQL", option: "pgsql_servers", list: servers)
    }

    package var style: LookupStyle { .query }

    package func quote(_ text: ByteString) -> ByteString { StatementQuoting.postgresql(text) }

    package func find(_ request: LookupRequest) async -> LookupOutcome {
        let plan: ServerList.Plan
        do throws(LookupTrouble) { plan = try list.plan(request) } catch { return .deferred(error.text) }
        if plan.query.trimmed().isEmpty { return .notFound }
        var trouble: ByteString = ""
        for server in plan.servers {
            guard let parameters = Self.parameters(server) else {
                let host = ByteString(server.prefix { $0 != UInt8(ascii: "/") })
                return .deferred("incomplete pgSQL server data: \(host)")
            }
            let query = plan.query
            let answer = await connections.use(
                server, open: { () throws(PostgresError) in try PostgresConnection(parameters) },
                isStale: \.isLost
            ) { (connection) throws(PostgresError) in try connection.answer(query) }
            switch answer {
            case .success(let answer): return Self.outcome(of: answer)
            case .failure(let error) where error.isLost: trouble = "PGSQL connection failed: \(error.reason)"
            case .failure(let error): return .deferred("PGSQL: query failed: \(error.reason)")
            }
        }
        return .deferred(trouble)
    }

    /// What libpq needs to know: `host:port/database/user/password`, or `(/path/.s.PGSQL.5432)/...`.
    private static func parameters(_ server: ByteString) -> [(name: String, value: ByteString)]? {
        var place: [(name: String, value: ByteString)] = []
        var fields = server[...]
        if server.first == UInt8(ascii: "("), let end = server.firstIndex(of: UInt8(ascii: ")")) {
            let path = ByteString(server[1..<end])
            let parts = path.cutAtLast(UInt8(ascii: "/")) ?? (path[...], [])
            place.append(("host", ByteString(parts.before)))
            if let port = ByteString(parts.after).cutAtLast(UInt8(ascii: "."))?.after {
                place.append(("port", ByteString(port)))
            }
            fields = server[(end + 1)...]
        }
        let parts = fields.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            .map { ByteString($0) }
        guard parts.count == 4 else { return nil }
        if place.isEmpty, !parts[0].isEmpty {
            let host = parts[0].cutAtLast(UInt8(ascii: ":"))
            place.append(("host", host.map { ByteString($0.before) } ?? parts[0]))
            if let host { place.append(("port", ByteString(host.after))) }
        }
        let rest = zip(["dbname", "user", "password"], parts.dropFirst()).filter { !$0.1.isEmpty }
        return place + rest.map { (name: $0.0, value: $0.1) } + [("connect_timeout", "\(patience)")]
    }

    private static func outcome(of answer: PostgresAnswer) -> LookupOutcome {
        if let changed = answer.changed { return .found(changed) }
        guard !answer.rows.isEmpty else { return .notFound }
        let lines = answer.rows.map { row -> ByteString in
            if row.count == 1 { return (row.first ?? nil) ?? "" }
            return zip(answer.columns, row).reduce(into: ByteString()) { line, field in
                line += "\(field.0)=\(QueryField.quoted(field.1 ?? "")) " as ByteString
            }
        }
        return .found(lines.joined(separator: "\n"))
    }
}
