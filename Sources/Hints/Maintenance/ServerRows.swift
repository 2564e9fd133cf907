import Bytes
import Foundation
import GRDB
import Synchronization

/// The rows of a database in a shared server: the keys that are there at the beginning, with what they hold when read.
final class ServerRows: HintsRowSource {
    private let database: HintsDatabase
    private let known = Mutex<[ByteString]?>(nil)

    init(_ database: HintsDatabase) { self.database = database }

    /// The server and the name there.
    var path: ByteString { database.path }

    func octets(_ key: ByteString) async throws(HintsTrouble) -> ByteString? {
        try Self.value(await database.read { try $0.octets(key) })
    }

    func count() async throws(HintsTrouble) -> Int { try await keys().count }

    func page(after mark: HintsMark?, descending: Bool) async throws(HintsTrouble) -> HintsPage {
        let keys = try await keys()
        var place = mark.flatMap { Data.fromDatabaseValue($0) }.map {
            Self.place(of: ByteString($0), in: keys)
        }
        // A page whose records are all gone meanwhile is not the end.
        while true {
            let range: Range<Int>
            if descending {
                let end = place ?? keys.count
                range = max(0, end - HintsScan.pageLength)..<end
            } else {
                let start = place.map { $0 + 1 } ?? 0
                range = start..<min(keys.count, start + HintsScan.pageLength)
            }
            if range.isEmpty { return HintsPage() }
            let asked = descending ? Array(keys[range].reversed()) : Array(keys[range])
            let rows = try Self.value(
                await database.read { reader in
                    try asked.compactMap { key in
                        try reader.octets(key).map { HintsRow(key: key, octets: $0) }
                    }
                })
            // The mark is the last key that was asked for, which may be one that is gone.
            if !rows.isEmpty {
                return HintsPage(rows: rows, mark: asked.last.map { Data($0).databaseValue })
            }
            place = descending ? range.lowerBound : range.upperBound - 1
        }
    }

    /// All keys, sorted; asked once.
    private func keys() async throws(HintsTrouble) -> [ByteString] {
        if let keys = known.withLock({ $0 }) { return keys }
        let keys = try Self.value(await database.read { try $0.keys() })
        known.withLock { $0 = keys }
        return keys
    }

    /// Where a key is, by halving.
    private static func place(of key: ByteString, in keys: [ByteString]) -> Int {
        var (low, high) = (0, keys.count)
        while low < high {
            let middle = (low + high) / 2
            if keys[middle] < key { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private static func value<Value>(_ outcome: HintsOutcome<Value>) throws(HintsTrouble) -> Value {
        switch outcome {
        case .done(let value): return value
        case .givenUp(let trouble): throw trouble
        }
    }
}
