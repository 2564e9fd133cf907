import Bytes
import Foundation
import GRDB

/// The rows of an SQLite file, opened for reading only.
final class FileRows: HintsRowSource {
    /// The layout of the file's records; the released one when it holds none.
    let layout: HintsLayout
    private let path: ByteString
    private let queue: DatabaseQueue
    private let hasTable: Bool

    init(_ path: ByteString, busyLimit: Duration) throws(HintsTrouble) {
        self.path = path
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(busyLimit / .seconds(1))
        configuration.label = "hints scan"
        do {
            queue = try DatabaseQueue(path: path.string, configuration: configuration)
            (hasTable, layout) = try queue.read { database in
                guard try database.tableExists("tblblob") else { return (false, .released) }
                return (true, try HintsFile.layout(of: database) ?? .released)
            }
        } catch {
            throw Self.refusal(path, error)
        }
    }

    /// Why a file could not be opened as an SQLite database.
    ///
    /// The file's form is asked only now: closing a descriptor of an SQLite file drops all locks that connections
    /// of this process hold on it (POSIX), so a file that is a database must never be looked at by other means.
    private static func refusal(_ path: ByteString, _ error: any Error) -> HintsTrouble {
        guard let code = (error as? DatabaseError)?.resultCode,
            code == .SQLITE_NOTADB || code == .SQLITE_CANTOPEN
        else { return HintsTrouble(reading: path, error) }
        switch HintsFileForm(path) {
        case .unreadable(let reason): return HintsTrouble(.refused, path: path, reason: reason)
        case .foreign(let form):
            return HintsTrouble(
                .refused, path: path,
                reason: """
                    is no SQLite database but \(form): print it with the exim_dumpdb of the Exim that wrote it, and \
                    read that text with "bobbin hints import"
                    """)
        case .sqlite, .empty: return HintsTrouble(reading: path, error)
        }
    }

    func octets(_ key: ByteString) async throws(HintsTrouble) -> ByteString? {
        guard hasTable else { return nil }
        do {
            return try await queue.read { database in
                try Data.fetchOne(
                    database, sql: "SELECT dat FROM tblblob WHERE ky = ?", arguments: [Data(key) + [0]]
                ).map { ByteString($0) }
            }
        } catch {
            throw HintsTrouble(reading: path, error)
        }
    }

    func count() async throws(HintsTrouble) -> Int {
        guard hasTable else { return 0 }
        do {
            return try await queue.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM tblblob") ?? 0 }
        } catch {
            throw HintsTrouble(reading: path, error)
        }
    }

    func page(after last: HintsMark?, descending: Bool) async throws(HintsTrouble) -> HintsPage {
        guard hasTable else { return HintsPage() }
        let (mark, direction) = descending ? ("<", "DESC") : (">", "ASC")
        let condition = last == nil ? "ky IS NOT NULL" : "ky \(mark) ?"
        let sql = """
            SELECT ky, dat, typeof(ky) = 'blob' FROM tblblob WHERE \(condition) ORDER BY ky \(direction) \
            LIMIT \(HintsScan.pageLength)
            """
        do {
            return try await queue.read { database in
                let statement = try database.cachedStatement(sql: sql)
                if let last { statement.setUncheckedArguments([last]) }
                let found = try Row.fetchCursor(statement)
                var page = HintsPage()
                page.rows.reserveCapacity(HintsScan.pageLength)
                while let row = try found.next() { try page.take(row) }
                return page
            }
        } catch {
            throw HintsTrouble(reading: path, error)
        }
    }
}

extension HintsPage {
    /// Copies a row that the cursor lends.
    fileprivate mutating func take(_ found: Row) throws {
        let value = try found.octets(at: 1)
        if found[2], case var key = try found.octets(at: 0), key.bytes.popLast() == 0 {
            rows.append(HintsRow(key: key, octets: value))
            mark = nil
            return
        }
        let stored: DatabaseValue = found[0]
        mark = stored
        let key: ByteString =
            switch stored.storage {
            case .blob(let data): ByteString(data)
            case .string(let text): ByteString(text)
            case .int64(let number): "\(number)"
            case .double, .null: ""
            }
        rows.append(HintsRow(key: key, octets: value, isFindable: false))
    }
}

extension Row {
    /// A blob's octets, copied once.
    fileprivate func octets(at column: Int) throws -> ByteString {
        try withUnsafeData(atIndex: column) { data in
            guard let data else { return ByteString() }
            return unsafe data.withUnsafeBytes { octets in unsafe ByteString([UInt8](octets)) }
        }
    }
}

extension HintsTrouble {
    fileprivate init(reading path: ByteString, _ error: any Error) {
        guard let error = error as? DatabaseError else {
            self.init(.refused, path: path, reason: ByteString(String(describing: error)))
            return
        }
        let busy = error.resultCode == .SQLITE_BUSY || error.resultCode == .SQLITE_LOCKED
        let words = ByteString(error.message ?? "SQLite gives no reason")
        self.init(busy ? .busy : .refused, path: path, reason: "\(words) (\(error.resultCode.rawValue))")
    }
}
