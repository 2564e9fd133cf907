package import Bytes
import Foundation
import GRDB

/// A record as it lies in a database.
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

/// Reads a hints database without ever changing it: pages of rows, and no lock between two pages.
///
/// A long read would make a running Exim lose updates, so a page is read at once, and given when the lock is gone.
package struct HintsScan: Sendable {
    /// The file, or the server and the name there.
    package let path: ByteString
    /// The layout of the records; the released one when there are none.
    package let layout: HintsLayout
    private let source: any HintsRowSource

    /// How many rows a page has.
    package static let pageLength = 500

    /// Opens a file.
    ///
    /// - Throws: why it cannot be read; a database of another kind than SQLite is refused and left alone.
    package init(_ path: ByteString, busyLimit: Duration = .seconds(5)) throws(HintsTrouble) {
        let file = try FileRows(path, busyLimit: busyLimit)
        (self.path, layout, source) = (path, file.layout, file)
    }

    /// Opens a database where the settings say that it lies.
    ///
    /// - Throws: why its file cannot be read; a server is not asked yet.
    package init(_ settings: HintsSettings, name: ByteString) throws(HintsTrouble) {
        guard settings.backend.server(of: name) != nil else {
            path = "\(settings.directory)/\(name)"
            let file = try FileRows(path, busyLimit: settings.busyLimit)
            (layout, source) = (file.layout, file)
            return
        }
        let rows = ServerRows(HintsDatabase(settings, name: name))
        (path, layout, source) = (rows.path, .released, rows)
    }

    /// The octets stored under a key, or nil.
    package func octets(_ key: ByteString) async throws(HintsTrouble) -> ByteString? {
        try await source.octets(key)
    }

    /// How many records there are.
    package func count() async throws(HintsTrouble) -> Int { try await source.count() }

    /// Pages of rows, in octet order of the keys or against it.
    package func pages(descending: Bool = false) -> HintsPages { HintsPages(source, descending: descending) }
}

/// The pages of a scan, one after the other.
package struct HintsPages: Sendable {
    private let source: any HintsRowSource
    private let descending: Bool
    private var last: HintsMark?

    fileprivate init(_ source: any HintsRowSource, descending: Bool) {
        self.source = source
        self.descending = descending
    }

    /// The next rows; none at the end.
    package mutating func next() async throws(HintsTrouble) -> [HintsRow] {
        let found = try await source.page(after: last, descending: descending)
        last = found.end ?? last
        return found.rows
    }
}

/// What a scan reads from.
protocol HintsRowSource: Sendable {
    /// The octets stored under a key, or nil.
    func octets(_ key: ByteString) async throws(HintsTrouble) -> ByteString?
    /// How many records there are.
    func count() async throws(HintsTrouble) -> Int
    /// The rows behind a mark, in octet order of the keys or against it.
    func page(after mark: HintsMark?, descending: Bool) async throws(HintsTrouble) -> HintsPage
}

/// Where a page of a scan ended: a key as SQLite has it.
typealias HintsMark = DatabaseValue

/// Some rows, one behind the other.
struct HintsPage: Sendable {
    var rows: [HintsRow] = []
    /// Where the page ended, if that is not the last row's key with its NUL.
    var mark: HintsMark?

    /// Where the next page begins; nil for a page without rows.
    var end: HintsMark? { mark ?? rows.last.map { Data($0.key.bytes + [0]).databaseValue } }
}
