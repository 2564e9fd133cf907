import Bytes
import DMARCReports
import Foundation
import TestKit

/// Files of `Fixtures/`.
enum Samples {
    static let directory = ByteString(
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Fixtures").path)

    static let histories: [ByteString] = [
        "exim-4.96.history", "exim-4.97.history", "opendmarc-1.3.history", "opendmarc-1.4.history",
    ]
    static let reports: [ByteString] = [
        "foreign.xml", "foreign-9990.xml", "foreign-9990.xml.gz", "foreign.zip",
    ]

    static func path(_ name: ByteString) -> ByteString { "\(directory)/\(name)" }

    static func read(_ name: ByteString) throws -> ByteString {
        ByteString(try Data(contentsOf: URL(fileURLWithPath: path(name).string)))
    }
}

extension HistoryReader {
    /// All entries of a whole file, fed in pieces of a size.
    static func entries(of text: ByteString, pieces: Int = 1 << 20) -> [HistoryEntry] {
        var reader = HistoryReader()
        var entries: [HistoryEntry] = []
        var rest = text.bytes[...]
        while !rest.isEmpty {
            reader.take(rest.prefix(pieces)) { entries.append($0) }
            rest = rest.dropFirst(pieces)
        }
        reader.finish { entries.append($0) }
        return entries
    }

    static func records(of text: ByteString) throws -> [HistoryRecord] {
        try entries(of: text).map { try $0.outcome.get() }
    }
}

extension HistoryRecord {
    /// A plain record, one of many.
    static func sample(_ number: Int, received: Int64 = 1_795_240_000, from: ByteString = "example.org")
        -> HistoryRecord
    {
        let isGood = number % 3 != 0
        var record = HistoryRecord(
            job: "1v\(number, zeroPadded: 8)-000000005vi-0001", reporter: "mx.recv.example",
            received: received,
            address: .v4(0xC000_0200 + UInt32(number % 7)), from: from, outcome: isGood ? .pass : .reject,
            action: isGood ? .accept : .reject)
        record.envelopeDomain = isGood ? "bounce.\(from)" : "evil.example"
        record.spf = isGood ? .pass : .fail
        record.signatures = [
            HistorySignature(domain: from, selector: "s1", result: isGood ? .pass : .fail)
        ]
        record.published.reportAddresses = ["mailto:agg@\(from)"]
        record.published.policy = .reject
        record.published.dkimMode = .relaxed
        record.published.spfMode = .relaxed
        record.alignedDKIM = isGood ? .pass : .fail
        record.alignedSPF = isGood ? .pass : .fail
        record.arc = ARCHistory(result: .unknown, policy: 1)
        return record
    }
}

/// A store in a directory of its own.
final class ScratchStore {
    let directory: TemporaryDirectory
    let store: DMARCStore

    init() throws {
        directory = try TemporaryDirectory()
        store = try DMARCStore(path: directory.file("dmarc.sqlite"))
    }

    /// Imports text as a stream.
    func add(_ text: ByteString) throws {
        var rest: [[UInt8]] = [text.bytes]
        _ = try HistoryImport(store).stream(named: "test") { () throws(DMARCError) in rest.popLast() ?? [] }
    }
}
