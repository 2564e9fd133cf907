package import Bytes
import Foundation
import GRDB

/// A record as it lies in a file.
package struct HintsRow: Sendable, Equatable {
    /// The key without the NUL that ends it.
    package let key: ByteString
    /// The record's octets.
    package let octets: ByteString
    /// Whether Exim finds the record by its key, which must be a blob that ends in a NUL.
    package let isFindable: Bool

    /// Makes a row.
    package init(key: ByteString, octets: ByteString, isFindable: Bool = true) {
        self.key = key
        self.octets = octets
        self.isFindable = isFindable
    }
}

/// Reads a hints file without ever changing it: pages of rows, and no lock between two pages.
///
/// A long read would make a running Exim lose updates, so a page is read at once, and given when the lock is gone.
package final class HintsScan: Sendable {
    /// The file.
    package let path: ByteString
    /// The layout of its records; the released one when the file holds none.
    package let layout: HintsLayout
    private let queue: DatabaseQueue
    private let hasTable: Bool

    /// How many rows a page has.
    package static let pageLength = 100

    /// Opens a file.
    ///
    /// - Throws: why it cannot be read; a database of another kind than SQLite is refused and left alone.
    package init(_ path: ByteString, busyLimit: Duration = .seconds(5)) throws(HintsTrouble) {
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

    /// The octets stored under a key, or nil.
    package func octets(_ key: ByteString) async throws(HintsTrouble) -> ByteString? {
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

    /// How many records there are.
    package func count() async throws(HintsTrouble) -> Int {
        guard hasTable else { return 0 }
        do {
            return try await queue.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM tblblob") ?? 0 }
        } catch {
            throw HintsTrouble(reading: path, error)
        }
    }

    /// Pages of rows, in octet order of the keys or against it.
    package func pages(descending: Bool = false) -> HintsPages { HintsPages(self, descending: descending) }

    fileprivate func page(after last: DatabaseValue?, descending: Bool) async throws(HintsTrouble) -> [Found]
    {
        guard hasTable else { return [] }
        let (mark, direction) = descending ? ("<", "DESC") : (">", "ASC")
        let condition = last == nil ? "ky IS NOT NULL" : "ky \(mark) ?"
        let sql =
            "SELECT ky, dat FROM tblblob WHERE \(condition) ORDER BY ky \(direction) LIMIT \(Self.pageLength)"
        do {
            return try await queue.read { database in
                let arguments = last.map { StatementArguments([$0]) } ?? StatementArguments()
                return try Row.fetchAll(database, sql: sql, arguments: arguments).map(Found.init)
            }
        } catch {
            throw HintsTrouble(reading: path, error)
        }
    }
}

/// One row, with its key as SQLite has it.
private struct Found: Sendable {
    let stored: DatabaseValue
    let row: HintsRow

    init(_ found: Row) {
        stored = found[0]
        let value = ByteString(Data.fromDatabaseValue(found[1]) ?? Data())
        switch stored.storage {
        case .blob(let data) where data.last == 0:
            row = HintsRow(key: ByteString(data.dropLast()), octets: value)
        case .blob(let data): row = HintsRow(key: ByteString(data), octets: value, isFindable: false)
        case .string(let text): row = HintsRow(key: ByteString(text), octets: value, isFindable: false)
        case .int64(let number):
            row = HintsRow(key: "\(number)", octets: value, isFindable: false)
        case .double, .null: row = HintsRow(key: "", octets: value, isFindable: false)
        }
    }
}

/// The pages of a scan, one after the other.
package struct HintsPages: Sendable {
    private let scan: HintsScan
    private let descending: Bool
    private var last: DatabaseValue?

    fileprivate init(_ scan: HintsScan, descending: Bool) {
        self.scan = scan
        self.descending = descending
    }

    /// The next rows; none at the end.
    package mutating func next() async throws(HintsTrouble) -> [HintsRow] {
        let found = try await scan.page(after: last, descending: descending)
        last = found.last?.stored ?? last
        return found.map(\.row)
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
