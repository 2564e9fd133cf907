package import Bytes

/// One record of a history file, or the reason why it is none.
package struct HistoryEntry: Sendable, Hashable {
    /// The number of its first line, from 1.
    package var line: Int
    /// Where its text lies in the file.
    package var range: Range<Int64>
    /// The record, or what is wrong with it.
    package var outcome: Result<HistoryRecord, HistoryProblem>
    /// The text of a bad record, as far as kept; empty for a good one.
    package var rejectedText: ByteString
}

/// Cuts a stream of octets into records, in constant memory.
///
/// A record reaches from its `job` line to the next one or the end of input.
package struct HistoryReader: Sendable {
    /// The most octets of a record; a longer one is bad, and its rest is passed over.
    package static let longestRecord = 1 << 18
    /// How much of a bad record's text is kept.
    package static let longestRejectedText = 1 << 14

    /// Where the record begins that is still open; everything before it was given out.
    package private(set) var openOffset: Int64
    /// The line of that place, from 1.
    package private(set) var openLine: Int

    // The record's whole lines, and the line that is not whole yet; both cut off at their limits, with full lengths.
    private var record: [UInt8] = []
    private var recordLength: Int64 = 0
    private var recordLines = 0
    private var line: [UInt8] = []
    private var lineLength: Int64 = 0

    private static let jobKey = Array("job ".utf8)

    /// A reader that starts at a place of a file; the place must be the start of a line.
    package init(offset: Int64 = 0, line: Int = 1) {
        openOffset = offset
        openLine = line
    }

    /// The text of the open record, as far as kept.
    package var openText: ByteString { ByteString(record + line) }

    /// Takes the next octets, and gives out the records that ended.
    package mutating func take(_ chunk: ArraySlice<UInt8>, _ use: (HistoryEntry) throws -> Void) rethrows {
        var rest = chunk
        while let end = rest.firstIndex(of: .newline) {
            let piece = rest[...end]
            if lineLength == 0 {
                try takeLine(piece, length: Int64(piece.count), use)
            } else {
                append(piece)
                let (whole, length) = (line, lineLength)
                (line, lineLength) = ([], 0)
                try takeLine(whole[...], length: length, use)
            }
            rest = rest[(end + 1)...]
        }
        append(rest)
    }

    /// Takes the end of input: gives out the open record.
    package mutating func finish(_ use: (HistoryEntry) throws -> Void) rethrows {
        if lineLength > 0 {
            let (whole, length) = (line, lineLength)
            (line, lineLength) = ([], 0)
            try takeLine(whole[...], length: length, use)
        }
        try flush(use)
    }

    private mutating func append(_ piece: ArraySlice<UInt8>) {
        lineLength += Int64(piece.count)
        line += piece.prefix(Self.longestRecord - line.count)
    }

    private mutating func takeLine(
        _ whole: ArraySlice<UInt8>, length: Int64, _ use: (HistoryEntry) throws -> Void
    ) rethrows {
        if recordLength > 0, whole.starts(with: Self.jobKey) { try flush(use) }
        record += whole.prefix(Self.longestRecord - record.count)
        recordLength += length
        recordLines += 1
    }

    /// Gives out the lines at hand as a record.
    private mutating func flush(_ use: (HistoryEntry) throws -> Void) rethrows {
        let (text, length, lines) = (record, recordLength, recordLines)
        let made = text.contains { !$0.isASCIISpace } ? entry(text[...], length) : nil
        (record, recordLength, recordLines) = ([], 0, 0)
        openOffset += length
        openLine += lines
        if let made { try use(made) }
    }

    private func entry(_ text: ArraySlice<UInt8>, _ length: Int64) -> HistoryEntry {
        let outcome: Result<HistoryRecord, HistoryProblem>
        if length > Int64(Self.longestRecord) {
            outcome = .failure(
                HistoryProblem(line: 0, "the record is longer than \(Self.longestRecord) octets"))
        } else if !text.starts(with: Self.jobKey) {
            outcome = .failure(HistoryProblem(line: 0, "text before the first job line"))
        } else {
            do throws(HistoryProblem) {
                outcome = .success(try HistoryParser.parse(text))
            } catch {
                outcome = .failure(error)
            }
        }
        var rejected = ByteString()
        if case .failure = outcome { rejected = ByteString(text.prefix(Self.longestRejectedText)) }
        return HistoryEntry(
            line: openLine, range: openOffset..<(openOffset + length), outcome: outcome,
            rejectedText: rejected)
    }
}
