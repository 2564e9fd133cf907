import Bytes
import GRDB

/// A value that a statement takes.
enum StoreValue: Sendable {
    case integer(Int64)
    case text(ByteString)
    case blob(ByteString)
    case null

    init(_ number: (some BinaryInteger)?) { self = number.map { .integer(Int64($0)) } ?? .null }
}

/// Statements inside one transaction of a store, with `?` for each value; SQL that SQLite and PostgreSQL both know.
protocol StoreTransaction {
    /// The first number of the first row, or nil.
    func number(_ select: String, _ values: [StoreValue]) throws -> Int64?
    /// Inserts a row; gives its `id`, or nil when `ON CONFLICT` left it out.
    func insert(_ insert: String, _ values: [StoreValue]) throws -> Int64?
}

/// A transaction of an SQLite store.
struct SQLiteTransaction: StoreTransaction {
    private let database: Database

    init(_ database: Database) { self.database = database }

    func number(_ select: String, _ values: [StoreValue]) throws -> Int64? {
        try Int64.fetchOne(
            database.cachedStatement(sql: select), arguments: StatementArguments(values.map(\.value)))
    }

    func insert(_ insert: String, _ values: [StoreValue]) throws -> Int64? {
        try database.cachedStatement(sql: insert).execute(
            arguments: StatementArguments(values.map(\.value)))
        return database.changesCount > 0 ? database.lastInsertedRowID : nil
    }
}

extension StoreValue {
    fileprivate var value: (any DatabaseValueConvertible)? {
        switch self {
        case .integer(let number): number
        case .text(let text): text.databaseText
        case .blob(let octets): octets.databaseBlob
        case .null: nil
        }
    }
}
