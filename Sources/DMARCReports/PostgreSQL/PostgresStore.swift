import Bytes
import PostgreSQL

/// A connection to the history's database.
///
/// `@unchecked Sendable`: one thread at a time may use it, which the lock of `PostgresHistory` sees to.
final class PostgresStore: @unchecked Sendable {
    private let connection: PostgresConnection
    private let place: ByteString

    /// Connects.
    ///
    /// - Parameter target: what libpq takes: `postgresql://...`, or `host=... dbname=...`.
    init(_ target: ByteString) throws(DMARCError) {
        do throws(PostgresError) {
            connection = try PostgresConnection(target)
        } catch {
            throw DMARCError(
                .system, at: "postgresql",
                "\(error.reason): check the address, and that you may log in there")
        }
        place = "postgresql database \"\(connection.database)\""
    }

    /// Runs statements without values; what they give is passed over.
    func run(_ statements: String) throws(DMARCError) {
        try told { () throws(PostgresError) in try connection.run(statements) }
    }

    /// Runs one statement, with `?` for each value; gives the rows as text.
    func rows(_ statement: String, _ values: [StoreValue]) throws(DMARCError) -> [[ByteString?]] {
        try told { () throws(PostgresError) in try connection.rows(statement, values.map(\.text)) }
    }

    private func told<Value>(_ work: () throws(PostgresError) -> Value) throws(DMARCError) -> Value {
        do throws(PostgresError) {
            return try work()
        } catch {
            throw DMARCError(error.isLost ? .system : .store, at: place, error.reason)
        }
    }
}

extension StoreValue {
    /// The value in the server's text form; nil for NULL.
    fileprivate var text: String? {
        switch self {
        case .integer(let number): "\(number)"
        // The server's text has no NUL; no name has one either.
        case .text(let text): text.replacing(ByteString([0]), with: ByteString("?")).string
        case .blob(let octets): "\\x\(Hex.encode(octets).string)"
        case .null: nil
        }
    }
}

extension PostgresStore: StoreTransaction {
    func number(_ select: String, _ values: [StoreValue]) throws -> Int64? {
        try rows(select, values).first?.first.flatMap { $0?.decimalInteger() }
    }

    func insert(_ insert: String, _ values: [StoreValue]) throws -> Int64? {
        try number("\(insert) RETURNING id", values)
    }
}
