import Bytes

/// Turns the octets of BDAT chunks into spool octets (RFC 3030; spool.md chapter 4): CRLF and bare CR become
/// LF, nothing is unstuffed.
///
/// With `keepsWireFormat` (`spool_wireformat`) octets pass as they are, and lines and zeros are not counted.
package struct BDATDecoder: Sendable {
    /// The counts so far.
    package private(set) var counts = DataCounts()
    /// Whether a header line ended in LF alone: such a message is refused, as Exim does.
    package private(set) var hasLoneLFInHeader = false
    /// Whether a line end was missing at the end of the last chunk.
    package private(set) var hasAddedLineEnd = false
    /// Line ends that were not CRLF: each is counted with the octet that it lacks.
    package private(set) var loneLineEnds = 0
    private let keepsWireFormat: Bool
    private var inHeader = true
    private var afterCR = false
    private var lineLength = 0

    /// Starts before the first chunk.
    package init(keepsWireFormat: Bool = false) { self.keepsWireFormat = keepsWireFormat }

    /// Appends the decoded form of a piece of a chunk to `output`.
    package mutating func decode(_ wire: ArraySlice<UInt8>, into output: inout [UInt8]) {
        guard !keepsWireFormat else {
            output.append(contentsOf: wire)
            counts.size += wire.count
            return
        }
        var place = wire.startIndex
        var newlines = NewlineSearch()
        while place < wire.endIndex {
            if afterCR {
                afterCR = false
                endLine(into: &output)
                if wire[place] == .newline {
                    place += 1
                    continue
                }
                loneLineEnds += 1
            }
            copyRun(wire, &place, &newlines, into: &output)
        }
    }

    /// Tells that the last chunk has ended: a CR that waited, and a missing last line end, become LF.
    package mutating func finish(into output: inout [UInt8]) {
        guard !keepsWireFormat, afterCR || lineLength > 0 else { return }
        hasAddedLineEnd = !afterCR
        afterCR = false
        endLine(into: &output)
    }

    private mutating func copyRun(
        _ wire: ArraySlice<UInt8>, _ place: inout Int, _ newlines: inout NewlineSearch,
        into output: inout [UInt8]
    ) {
        let limit = newlines.next(in: wire, from: place) ?? wire.endIndex
        let stop = LineScan.index(of: .carriageReturn, in: wire, from: place, to: limit) ?? limit
        let run = wire[place..<stop]
        output.append(contentsOf: run)
        counts.size += run.count
        counts.zeros += run.isEmpty ? 0 : zeros(in: run)
        lineLength += run.count
        place = stop
        guard stop < wire.endIndex else { return }
        place += 1
        if wire[stop] == .carriageReturn {
            afterCR = true
        } else {
            if inHeader { hasLoneLFInHeader = true }
            loneLineEnds += 1
            endLine(into: &output)
        }
    }

    private func zeros(in run: ArraySlice<UInt8>) -> Int {
        var count = 0
        var place = run.startIndex
        while let zero = LineScan.index(of: 0, in: run, from: place) {
            count += 1
            place = zero + 1
        }
        return count
    }

    private mutating func endLine(into output: inout [UInt8]) {
        output.append(.newline)
        counts.size += 1
        counts.lines += 1
        counts.longestLine = max(counts.longestLine, lineLength)
        if lineLength == 0 { inHeader = false }
        lineLength = 0
    }
}
