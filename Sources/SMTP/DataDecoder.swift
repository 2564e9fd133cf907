import Bytes

/// What an LF without CR in message data stands for, when the first line ended in CRLF.
package enum LoneLF: Sendable, Hashable {
    /// A line end (Exim 4.96); still no line end that a terminating dot may stand between.
    case lineEnd
    /// A blank (Exim 4.98 and later).
    case blank
}

/// What is known of message data when it has ended.
package struct DataCounts: Sendable, Hashable {
    /// Octets given out.
    package var size = 0
    /// Newlines given out.
    package var lines = 0
    /// NUL octets given out.
    package var zeros = 0
    /// The longest line, its end not counted.
    package var longestLine = 0

    /// Nothing counted.
    package init() {}
}

/// Turns DATA from the wire into spool octets as it arrives (RFC 5321, section 4.5.2; manual, section 48.2).
///
/// CRLF becomes LF, a doubled leading dot single, a bare CR a line end. When the first line ended in CRLF, only
/// CRLF.CRLF ends the data: a dot beside a line end of another kind is data, so no message can be smuggled.
/// When it ended in a bare LF, LF and CRLF are the same. In the header (until the first empty line) a bare CR,
/// and a bare LF in CRLF data, gets a blank after it so that it does not end a header line.
package struct DataDecoder: Sendable {
    /// What a call of `decode` came to.
    package enum Progress: Sendable, Hashable {
        /// All octets are used; more are needed.
        case more
        /// The terminating dot was seen; the octets from this place on belong to the next command.
        case finished(rest: Int)
    }

    // Where in a line the next octet stands.
    private enum State: Sendable, Hashable {
        // At the start of a line, after the line end that counts.
        case lineStart
        // After a dot at such a place.
        case dot
        // After that dot and a CR.
        case dotCR
        // Inside a line.
        case inLine
        // After a CR.
        case afterCR
        // All is over.
        case finished
    }

    // How the first line ended.
    private enum LineEnds: Sendable, Hashable {
        case unknown, crlf, lf
    }

    /// The counts so far.
    package private(set) var counts = DataCounts()
    private let loneLF: LoneLF
    private var state = State.lineStart
    private var ends = LineEnds.unknown
    private var inHeader = true
    private var lineLength = 0
    // Whether the CR that is looked at stands behind a dot at the start of a line.
    private var crFollowsDot = false

    /// Starts at the first octet after the 354 reply.
    package init(loneLF: LoneLF = .blank) { self.loneLF = loneLF }

    /// Appends the decoded form of `wire` to `output`.
    package mutating func decode(_ wire: ArraySlice<UInt8>, into output: inout [UInt8]) -> Progress {
        var place = wire.startIndex
        var newlines = NewlineSearch()
        while place < wire.endIndex {
            switch state {
            case .finished: return .finished(rest: place)
            case .lineStart: startLine(wire, &place)
            case .inLine: copyRun(wire, &place, &newlines, into: &output)
            case .afterCR: finishCR(wire, &place, into: &output)
            case .dot: finishDot(wire, &place, into: &output)
            case .dotCR: finishDotCR(wire, &place, into: &output)
            }
        }
        return state == .finished ? .finished(rest: place) : .more
    }

    private mutating func startLine(_ wire: ArraySlice<UInt8>, _ place: inout Int) {
        guard wire[place] == UInt8(ascii: ".") else {
            state = .inLine
            return
        }
        place += 1
        state = .dot
    }

    // Copies up to the next CR or LF in one piece.
    private mutating func copyRun(
        _ wire: ArraySlice<UInt8>, _ place: inout Int, _ newlines: inout NewlineSearch,
        into output: inout [UInt8]
    ) {
        let newline = newlines.next(in: wire, from: place)
        let limit = newline ?? wire.endIndex
        let stop = LineScan.index(of: .carriageReturn, in: wire, from: place, to: limit) ?? limit
        append(wire[place..<stop], to: &output)
        place = stop
        guard stop < wire.endIndex else { return }
        place += 1
        if wire[stop] == .carriageReturn { state = .afterCR } else { takeLoneLF(into: &output) }
    }

    private mutating func append(_ run: ArraySlice<UInt8>, to output: inout [UInt8]) {
        guard !run.isEmpty else { return }
        output.append(contentsOf: run)
        counts.size += run.count
        lineLength += run.count
        var place = run.startIndex
        while let zero = LineScan.index(of: 0, in: run, from: place) {
            counts.zeros += 1
            place = zero + 1
        }
    }

    private mutating func endLine(into output: inout [UInt8]) {
        output.append(.newline)
        counts.size += 1
        counts.lines += 1
        counts.longestLine = max(counts.longestLine, lineLength)
        if lineLength == 0 { inHeader = false }
        lineLength = 0
    }

    // A line end that does not count as one of the protocol; in the header it does not end the header line.
    private mutating func endLineInside(into output: inout [UInt8]) {
        state = .inLine
        guard inHeader else {
            endLine(into: &output)
            // Exim does not count the octet behind a bare CR.
            lineLength = crFollowsDot ? 0 : -1
            crFollowsDot = false
            return
        }
        output.append(.newline)
        counts.size += 1
        counts.lines += 1
        lineLength += 1
        append([.blank], to: &output)
    }

    private mutating func takeLoneLF(into output: inout [UInt8]) {
        if ends == .unknown { ends = .lf }
        if ends == .lf {
            endLine(into: &output)
            state = .lineStart
        } else if loneLF == .blank, !inHeader {
            append([.blank], to: &output)
            state = .inLine
        } else if inHeader {
            endLine(into: &output)
            inHeader = true
            state = .inLine
            append([.blank], to: &output)
        } else {
            endLine(into: &output)
            state = .inLine
        }
    }

    private mutating func finishCR(_ wire: ArraySlice<UInt8>, _ place: inout Int, into output: inout [UInt8])
    {
        guard wire[place] == .newline else {
            endLineInside(into: &output)
            return
        }
        place += 1
        if ends == .unknown { ends = .crlf }
        endLine(into: &output)
        state = .lineStart
    }

    private mutating func finishDot(_ wire: ArraySlice<UInt8>, _ place: inout Int, into output: inout [UInt8])
    {
        switch wire[place] {
        case .carriageReturn:
            place += 1
            state = .dotCR
        case .newline where ends == .lf || ends == .unknown:
            place += 1
            state = .finished
        default:
            // The dot was stuffed: it goes.
            state = .inLine
        }
    }

    private mutating func finishDotCR(
        _ wire: ArraySlice<UInt8>, _ place: inout Int, into output: inout [UInt8]
    ) {
        guard wire[place] == .newline else {
            // No terminator: the dot goes as a stuffed one does, and the CR is judged by what follows it.
            state = .afterCR
            crFollowsDot = true
            return
        }
        place += 1
        state = .finished
    }
}
