import Bytes
import Foundation
import GRDB

/// The open file of a database and the work on it.
///
/// `@unchecked Sendable`: used on the database's serial queue only.
final class SQLiteConnection: HintsConnection, @unchecked Sendable {
    private let path: ByteString
    private let settings: HintsSettings
    private var file: HintsFile?
    /// When others last held the file for too long: what was asked for before then has waited enough.
    private var lastBusy: ContinuousClock.Instant?

    init(path: ByteString, settings: HintsSettings) {
        self.path = path
        self.settings = settings
    }

    func close() { file = nil }

    func read<Value: Sendable>(
        asked: ContinuousClock.Instant, _ body: (HintsReader) throws -> Value
    ) -> HintsOutcome<Value> {
        if let trouble = waitedEnough(since: asked) { return .givenUp(trouble) }
        return attempt { [self] in
            guard let file = try opened(creating: false) else {
                return try body(HintsReader(rows: nil, scope: scope(settings.layout ?? .released)))
            }
            let scope = scope(file.layout)
            return try file.queue.inDatabase {
                try body(HintsReader(rows: SQLiteRows($0), scope: scope))
            }
        }
    }

    /// Rewrites the file without free pages, if there are any; a file that is missing is not made.
    func vacuum() -> HintsOutcome<Void> {
        attempt {
            guard let file = try opened(creating: false) else { return }
            try file.queue.inDatabase {
                guard try Int.fetchOne($0, sql: "PRAGMA freelist_count") != 0 else { return }
                try $0.execute(sql: "VACUUM")
            }
        }
    }

    func update(_ all: [HintsUpdate]) {
        var updates: [HintsUpdate] = []
        for update in all {
            if let trouble = waitedEnough(since: update.asked) {
                update.giveUp(trouble)
            } else {
                updates.append(update)
            }
        }
        settle(updates) { updates in attempt { try transact(updates) } }
    }

    private func waitedEnough(since asked: ContinuousClock.Instant) -> HintsTrouble? {
        guard let lastBusy, asked < lastBusy else { return nil }
        return HintsTrouble(.busy, path: path, reason: "locked by others for too long")
    }

    private func transact(_ updates: [HintsUpdate]) throws -> [@Sendable () -> Void] {
        guard let file = try opened(creating: true) else { return [] }
        let scope = scope(file.layout)
        var committed: [@Sendable () -> Void] = []
        try file.queue.inDatabase { database in
            try database.exclusively(within: settings.busyLimit) {
                let transaction = HintsTransaction(rows: SQLiteRows(database), scope: scope)
                for update in updates { committed.append(try update.run(transaction)) }
            }
        }
        return committed
    }

    /// The open file; another one, if the path leads to another one now.
    private func opened(creating: Bool) throws -> HintsFile? {
        if let file, file.isCurrent { return file }
        file = nil
        file = try HintsFile.open(path, settings, creating: creating)
        return file
    }

    private func scope(_ layout: HintsLayout) -> HintsScope {
        HintsScope(path: path, layout: layout, now: settings.clock(), notice: settings.notice)
    }

    /// Does the work; when the file turns out damaged, sets it aside and does the work once more.
    private func attempt<Value: Sendable>(_ work: () throws -> Value) -> HintsOutcome<Value> {
        do {
            return .done(try work())
        } catch let error as DatabaseError where error.isDamage {
            guard let refusal = setAside(error) else { return once(work) }
            return .givenUp(refusal)
        } catch {
            return .givenUp(trouble(error))
        }
    }

    private func once<Value: Sendable>(_ work: () throws -> Value) -> HintsOutcome<Value> {
        do { return .done(try work()) } catch { return .givenUp(trouble(error)) }
    }

    /// Renames the damaged file; nil when that went well.
    private func setAside(_ error: DatabaseError) -> HintsTrouble? {
        file = nil
        do throws(SystemRefusal) {
            let target = try HintsPlace(settings: settings).setAside(path)
            settings.notice(.setAside(path: path, to: target, reason: error.words))
            return nil
        } catch {
            return HintsTrouble(.refused, path: path, reason: "damaged, and \(error.reason)")
        }
    }

    private func trouble(_ error: any Error) -> HintsTrouble {
        switch error {
        case let trouble as HintsTrouble: return trouble
        case let refusal as SystemRefusal:
            return HintsTrouble(.refused, path: path, reason: refusal.reason)
        case let disagreement as LayoutDisagreement:
            let found = disagreement.found == .released ? "released" : "versioned"
            return HintsTrouble(
                .layout, path: path,
                reason: "holds records of the \(ByteString(found)) layout; remove it, or set that layout")
        case let error as DatabaseError:
            let busy = error.resultCode == .SQLITE_BUSY || error.resultCode == .SQLITE_LOCKED
            if busy { lastBusy = .now }
            return HintsTrouble(busy ? .busy : .refused, path: path, reason: error.words)
        default:
            return HintsTrouble(.refused, path: path, reason: ByteString(String(describing: error)))
        }
    }
}

extension DatabaseError {
    /// Whether the file is no database, or a broken one.
    fileprivate var isDamage: Bool {
        resultCode == .SQLITE_NOTADB || resultCode == .SQLITE_CORRUPT
    }

    fileprivate var words: ByteString {
        "\(ByteString(message ?? "no reason given")) (\(resultCode.rawValue))"
    }
}

/// The rows of an open file.
struct SQLiteRows: HintsRows {
    private let database: Database

    init(_ database: Database) { self.database = database }

    func octets(_ key: ByteString) throws -> ByteString? {
        let statement = try database.cachedStatement(sql: "SELECT dat FROM tblblob WHERE ky = ?")
        return try Data.fetchOne(statement, arguments: [Self.stored(key)]).map { ByteString($0) }
    }

    /// Keys that lack the NUL, which Exim cannot find, are left out.
    func keys() throws -> [ByteString] {
        let statement = try database.cachedStatement(
            sql: "SELECT ky FROM tblblob WHERE typeof(ky) = 'blob' ORDER BY ky")
        return try Data.fetchAll(statement).compactMap { $0.last == 0 ? ByteString($0.dropLast()) : nil }
    }

    func store(_ octets: ByteString, _ key: ByteString) throws {
        let statement = try database.cachedStatement(
            sql: "INSERT OR REPLACE INTO tblblob (ky, dat) VALUES (?, ?)")
        try statement.execute(arguments: [Self.stored(key), Data(octets)])
    }

    func delete(_ key: ByteString) throws {
        let statement = try database.cachedStatement(sql: "DELETE FROM tblblob WHERE ky = ?")
        try statement.execute(arguments: [Self.stored(key)])
    }

    func delete(_ key: ByteString, ifStill octets: ByteString) throws -> Bool {
        let statement = try database.cachedStatement(
            sql: "DELETE FROM tblblob WHERE ky = ? AND CAST(dat AS BLOB) = ?")
        statement.setUncheckedArguments([Self.stored(key), Data(octets)])
        try statement.execute()
        return database.changesCount > 0
    }

    /// A key as Exim stores it: a blob with one NUL at its end.
    private static func stored(_ key: ByteString) -> Data {
        var data = Data(key)
        data.append(0)
        return data
    }
}
