import Bytes
import Foundation
import GRDB

/// One open hints file: Exim's table in an SQLite database with SQLite's own settings (rollback journal).
final class HintsFile {
    let queue: DatabaseQueue
    let layout: HintsLayout
    /// Which file it is, to notice when another one takes its place.
    private let identity: FileIdentity?
    private let path: ByteString

    /// Opens the file; with `creating`, makes what is missing.
    ///
    /// Nil when it is missing and not to be made.
    static func open(_ path: ByteString, _ settings: HintsSettings, creating: Bool) throws -> HintsFile? {
        if FileIdentity(path) == nil {
            guard creating else { return nil }
            try HintsPlace(settings: settings).create(path)
        }
        return try HintsFile(path, settings)
    }

    private init(_ path: ByteString, _ settings: HintsSettings) throws {
        var configuration = Configuration()
        configuration.busyMode = .timeout(settings.busyLimit.seconds)
        configuration.foreignKeysEnabled = false
        configuration.label = "hints"
        queue = try DatabaseQueue(path: path.string, configuration: configuration)
        identity = FileIdentity(path)
        self.path = path
        try queue.inDatabase { database in
            // An Exim never makes the table in a file that exists, so every write of it would be lost.
            if try !database.tableExists("tblblob") {
                try database.exclusively(within: settings.busyLimit) {
                    try database.execute(
                        sql: "CREATE TABLE IF NOT EXISTS tblblob (ky BLOB PRIMARY KEY, dat BLOB)")
                }
            }
        }
        let found = try queue.inDatabase { try Self.layout(of: $0) }
        if let wanted = settings.layout, let found, wanted != found { throw LayoutDisagreement(found: found) }
        layout = found ?? settings.layout ?? .released
    }

    /// Whether the path still leads to the file that is open.
    var isCurrent: Bool { identity != nil && FileIdentity(path) == identity }

    private static let sampled = 16

    /// The layout of the first records that show one.
    static func layout(of database: Database) throws -> HintsLayout? {
        let samples = try Data.fetchAll(
            database, sql: "SELECT substr(dat, 1, 16) FROM tblblob WHERE typeof(dat) = 'blob' LIMIT ?",
            arguments: [sampled])
        return samples.lazy.compactMap { HintsLayout(guessedFrom: ByteString($0)) }.first
    }
}

/// A file holds another layout than the settings want.
struct LayoutDisagreement: Error {
    let found: HintsLayout
}

extension Duration {
    fileprivate var seconds: Double {
        let (whole, attoseconds) = components
        return Double(whole) + Double(attoseconds) / 1e18
    }
}
