package import Bytes
import GRDB
import Synchronization

/// `sqlite`: an SQL statement over the file of `file=`, of the option `sqlite_dbfile`, or before the statement (manual, section 9.26).
package final class SQLiteSearch: LookupDriver {
    /// The main options that concern the driver.
    package struct Options: Sendable, Hashable {
        /// `sqlite_dbfile`: the file when a lookup names none.
        package var file: ByteString?
        /// `sqlite_lock_timeout`, in seconds.
        package var lockTimeout: Int

        /// Makes the options; Exim's defaults.
        package init(file: ByteString? = nil, lockTimeout: Int = 5) {
            self.file = file
            self.lockTimeout = lockTimeout
        }
    }

    /// The most databases that are kept open; others are opened for each question.
    private static let mostOpen = 16

    private let options: Options
    private let open = Mutex<[ByteString: DatabaseQueue]>([:])

    /// Makes a driver.
    package init(_ options: Options = Options()) { self.options = options }

    package var style: LookupStyle { .query }

    /// Doubles single quotes.
    package func quote(_ text: ByteString) -> ByteString {
        text.replacing(ByteString("'"), with: ByteString("''"))
    }

    package func find(_ request: LookupRequest) async -> LookupOutcome {
        guard let (path, statement) = place(request), path.first == UInt8(ascii: "/") else {
            return .unusable("absolute file name expected for \"sqlite\" lookup")
        }
        guard let sql = String(validating: statement.bytes, as: UTF8.self) else {
            return .deferred("the statement is not UTF-8")
        }
        do {
            let queue = try database(path)
            return try await queue.writeWithoutTransaction { try Self.answer(sql, $0) }
        } catch let error as DatabaseError {
            switch error.resultCode {
            case .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_NOTADB: return .unusable(Self.text(error))
            case .SQLITE_ERROR, .SQLITE_CONSTRAINT, .SQLITE_MISMATCH, .SQLITE_RANGE: return .notFound
            // Busy, full, a failing disk: another time there may be an answer.
            default: return .deferred(Self.text(error))
            }
        } catch {
            return .deferred(ByteString(String(describing: error)))
        }
    }

    private static func text(_ error: DatabaseError) -> ByteString {
        ByteString(error.message ?? error.resultCode.description)
    }

    private func place(_ request: LookupRequest) -> (path: ByteString, statement: ByteString)? {
        if let file = request.option("file") { return (file, request.key) }
        if request.key.first == UInt8(ascii: "/") {
            let path = request.key.prefix { !$0.isASCIISpace }
            return (ByteString(path), ByteString(request.key.dropFirst(path.count).trimmedStart()))
        }
        return options.file.map { ($0, request.key) }
    }

    private func database(_ path: ByteString) throws -> DatabaseQueue {
        if let known = open.withLock({ $0[path] }) { return known }
        var configuration = GRDB.Configuration()
        configuration.foreignKeysEnabled = false
        configuration.busyMode = .timeout(Double(options.lockTimeout))
        let queue = try DatabaseQueue(path: path.string, configuration: configuration)
        return open.withLock { open in
            if let known = open[path] { return known }
            if open.count < Self.mostOpen { open[path] = queue }
            return queue
        }
    }

    private static func answer(_ sql: String, _ database: Database) throws -> LookupOutcome {
        var lines: [ByteString] = []
        let statements = try database.allStatements(sql: sql)
        while let statement = try statements.next() {
            let rows = try Row.fetchCursor(statement)
            while let row = try rows.next() { lines.append(line(row)) }
        }
        return lines.isEmpty ? .notFound : .found(lines.joined(separator: "\n"))
    }

    /// One value as it is; several as `name=value ` with quotes where they are needed.
    private static func line(_ row: Row) -> ByteString {
        if row.count == 1, let value = row.databaseValues.first { return text(value) }
        return row.reduce(into: ByteString()) { line, column in
            line += "\(ByteString(column.0))=\(QueryField.quoted(text(column.1))) " as ByteString
        }
    }

    private static func text(_ value: DatabaseValue) -> ByteString {
        switch value.storage {
        case .null: "<NULL>"
        case .int64(let number): "\(number)"
        case .double(let number): ByteString(number.description)
        case .string(let text): ByteString(text)
        case .blob(let data): ByteString(Array(data))
        }
    }
}

/// Values of a query's result when it has several columns (manual, section 9.21).
enum QueryField {
    /// In double quotes when empty or with white space in it, or when it begins with a quote.
    static func quoted(_ value: ByteString) -> ByteString {
        let needsQuotes =
            value.isEmpty || value.first == UInt8(ascii: "\"") || value.contains(where: \.isASCIISpace)
        guard needsQuotes else { return value }
        var result: ByteString = "\""
        for octet in value {
            if octet == UInt8(ascii: "\"") || octet == UInt8(ascii: "\\") {
                result.append(UInt8(ascii: "\\"))
            }
            result.append(octet)
        }
        return result + [UInt8(ascii: "\"")]
    }
}
