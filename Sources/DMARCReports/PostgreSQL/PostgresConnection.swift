import Bytes
import CPostgreSQL
import Glibc

/// A connection to a PostgreSQL server; it ends with its last owner.
///
/// `@unchecked Sendable`: libpq allows one thread at a time, which the lock of `PostgresHistory` sees to.
@safe final class PostgresConnection: @unchecked Sendable {
    private let connection: OpaquePointer
    private let place: ByteString
    private var prepared: [String: String] = [:]

    /// Connects.
    ///
    /// - Parameter target: what libpq takes: `postgresql://...`, or `host=... dbname=...`.
    init(_ target: ByteString) throws(DMARCError) {
        guard let made = unsafe PQconnectdb(target.string) else {
            throw DMARCError(.system, at: "postgresql", "out of memory")
        }
        unsafe connection = made
        let name = unsafe PQdb(made).map { unsafe String(cString: $0) } ?? ""
        place = "postgresql database \"\(name)\""
        guard unsafe PQstatus(made) == CONNECTION_OK else {
            throw DMARCError(.system, at: place, "\(words): check the address, and that you may log in there")
        }
        // What the server remarks ("already exists, skipping") is for nobody.
        _ = unsafe PQsetNoticeProcessor(made, { _, _ in }, nil)
    }

    deinit { unsafe PQfinish(connection) }

    /// Runs statements without values; what they give is passed over.
    func run(_ statements: String) throws(DMARCError) {
        let result = unsafe PQexec(connection, statements)
        defer { unsafe PQclear(result) }
        try unsafe check(result)
    }

    /// Runs one statement, which is prepared at its first time; gives the rows as text.
    func rows(_ statement: String, _ values: [StoreValue]) throws(DMARCError) -> [[ByteString?]] {
        let name = try name(of: statement)
        let texts = values.map(\.text)
        var copies = unsafe texts.map { text in unsafe text.flatMap { unsafe strdup($0) } }
        defer { unsafe copies.forEach { unsafe free($0) } }
        let result = unsafe copies.withUnsafeMutableBufferPointer { buffer in
            unsafe buffer.withMemoryRebound(to: UnsafePointer<CChar>?.self) { pointers in
                unsafe PQexecPrepared(
                    connection, name, CInt(values.count), pointers.baseAddress, nil, nil, 0)
            }
        }
        defer { unsafe PQclear(result) }
        try unsafe check(result)
        return unsafe (0..<PQntuples(result)).map { row in
            unsafe (0..<PQnfields(result)).map { column in
                guard unsafe PQgetisnull(result, row, column) == 0 else { return nil }
                return unsafe PQgetvalue(result, row, column).map { unsafe ByteString(String(cString: $0)) }
            }
        }
    }

    private func name(of statement: String) throws(DMARCError) -> String {
        if let name = prepared[statement] { return name }
        let name = "bobbin\(prepared.count)"
        let result = unsafe PQprepare(connection, name, Self.numbered(statement), 0, nil)
        defer { unsafe PQclear(result) }
        try unsafe check(result)
        prepared[statement] = name
        return name
    }

    /// `$1`, `$2` and so on for the question marks, of which none stands in a literal of ours.
    private static func numbered(_ statement: String) -> String {
        var number = 0
        return statement.reduce(into: "") { text, letter in
            guard letter == "?" else { return text.append(letter) }
            number += 1
            text += "$\(number)"
        }
    }

    private func check(_ result: OpaquePointer?) throws(DMARCError) {
        switch unsafe PQresultStatus(result) {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK: return
        default:
            let isLost = unsafe PQstatus(connection) != CONNECTION_OK
            throw DMARCError(isLost ? .system : .store, at: place, words)
        }
    }

    private var words: ByteString {
        let text = unsafe PQerrorMessage(connection).map { unsafe ByteString(String(cString: $0)) } ?? ""
        return ByteString(text.trimmed()).replacing(ByteString("\n"), with: ByteString(" "))
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

extension PostgresConnection: StoreTransaction {
    func number(_ select: String, _ values: [StoreValue]) throws -> Int64? {
        try rows(select, values).first?.first.flatMap { $0?.decimalInteger() }
    }

    func insert(_ insert: String, _ values: [StoreValue]) throws -> Int64? {
        try number("\(insert) RETURNING id", values)
    }
}
