package import Bytes
import CPostgreSQL
import Glibc

/// A connection to a PostgreSQL server; it ends with its last owner.
///
/// Each call waits: use it from one thread at a time, one that may block.
@safe package final class PostgresConnection {
    private let connection: OpaquePointer
    /// The database's name.
    package let database: ByteString
    private var prepared: [String: String] = [:]

    /// Connects.
    ///
    /// - Parameter target: what libpq takes: `postgresql://...`, or `host=... dbname=...`.
    package convenience init(_ target: ByteString) throws(PostgresError) {
        try self.init(made: unsafe PQconnectdb(target.string))
    }

    /// Connects with parameters by their names in libpq, such as `host` and `dbname`.
    package convenience init(_ parameters: [(name: String, value: ByteString)]) throws(PostgresError) {
        var names = unsafe parameters.map { unsafe UnsafePointer(strdup($0.name)) }
        var values = unsafe parameters.map { unsafe UnsafePointer(strdup($0.value.string)) }
        unsafe names.append(nil)
        unsafe values.append(nil)
        defer {
            for pointer in unsafe names + values { unsafe free(UnsafeMutablePointer(mutating: pointer)) }
        }
        try self.init(made: unsafe PQconnectdbParams(names, values, 0))
    }

    private init(made: OpaquePointer?) throws(PostgresError) {
        guard let made = unsafe made else { throw PostgresError(isLost: true, reason: "out of memory") }
        unsafe connection = made
        database = unsafe PQdb(made).map { unsafe ByteString(String(cString: $0)) } ?? ""
        guard unsafe PQstatus(made) == CONNECTION_OK else {
            throw PostgresError(isLost: true, reason: words)
        }
        // What the server remarks ("already exists, skipping") is for nobody.
        _ = unsafe PQsetNoticeProcessor(made, { _, _ in }, nil)
    }

    deinit { unsafe PQfinish(connection) }

    /// Runs statements without values; what they give is passed over.
    package func run(_ statements: String) throws(PostgresError) {
        let result = unsafe PQexec(connection, statements)
        defer { unsafe PQclear(result) }
        try unsafe check(result)
    }

    /// Runs one statement, which is prepared at its first time; gives the rows as text.
    package func rows(_ statement: String, _ values: [String?]) throws(PostgresError) -> [[ByteString?]] {
        let name = try name(of: statement)
        var copies = unsafe values.map { text in unsafe text.flatMap { unsafe strdup($0) } }
        defer { unsafe copies.forEach { unsafe free($0) } }
        let result = unsafe copies.withUnsafeMutableBufferPointer { buffer in
            unsafe buffer.withMemoryRebound(to: UnsafePointer<CChar>?.self) { pointers in
                unsafe PQexecPrepared(
                    connection, name, CInt(values.count), pointers.baseAddress, nil, nil, 0)
            }
        }
        defer { unsafe PQclear(result) }
        try unsafe check(result)
        return unsafe Self.rows(of: result)
    }

    /// Runs one statement as it is, and gives all that came of it.
    package func answer(_ statement: ByteString) throws(PostgresError) -> PostgresAnswer {
        let result = unsafe PQexec(connection, statement.string)
        defer { unsafe PQclear(result) }
        try unsafe check(result)
        var answer = PostgresAnswer()
        if unsafe PQresultStatus(result) == PGRES_COMMAND_OK {
            answer.changed = unsafe PQcmdTuples(result).map { unsafe ByteString(String(cString: $0)) } ?? ""
            return answer
        }
        answer.columns = unsafe (0..<PQnfields(result)).map { column in
            unsafe PQfname(result, column).map { unsafe ByteString(String(cString: $0)) } ?? ""
        }
        answer.rows = unsafe Self.rows(of: result)
        return answer
    }

    private static func rows(of result: OpaquePointer?) -> [[ByteString?]] {
        unsafe (0..<PQntuples(result)).map { row in
            unsafe (0..<PQnfields(result)).map { column in
                guard unsafe PQgetisnull(result, row, column) == 0 else { return nil }
                return unsafe PQgetvalue(result, row, column).map { unsafe ByteString(String(cString: $0)) }
            }
        }
    }

    private func name(of statement: String) throws(PostgresError) -> String {
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

    private func check(_ result: OpaquePointer?) throws(PostgresError) {
        switch unsafe PQresultStatus(result) {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK: return
        default:
            let isLost = unsafe PQstatus(connection) != CONNECTION_OK
            throw PostgresError(isLost: isLost, reason: words)
        }
    }

    private var words: ByteString {
        let text = unsafe PQerrorMessage(connection).map { unsafe ByteString(String(cString: $0)) } ?? ""
        return ByteString(text.trimmed()).replacing(ByteString("\n"), with: ByteString(" "))
    }
}
