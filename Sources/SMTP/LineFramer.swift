package import Bytes

/// Cuts a client's octets into command lines, ended by CRLF or LF alone.
package struct LineFramer: Sendable {
    /// Exim's command buffer.
    package static let defaultLimit = 16_384

    /// What was found.
    package enum Frame: Sendable, Hashable {
        /// A line without its end.
        case line(ByteString)
        /// A line over the limit; it was passed over to its end, or the input so far was given up.
        case tooLong
    }

    private let limit: Int
    private var buffer: [UInt8] = []
    private var start = 0
    private var scanned = 0
    private var skipping = false

    /// Makes a framer; `limit` is the most octets of a line, its end not counted.
    package init(limit: Int = LineFramer.defaultLimit) { self.limit = limit }

    /// Takes octets that have arrived.
    package mutating func feed(_ octets: some Sequence<UInt8>) {
        buffer.removeFirst(start)
        scanned -= start
        start = 0
        buffer.append(contentsOf: octets)
    }

    /// The next line, or nil when more octets are needed.
    package mutating func next() -> Frame? {
        while true {
            guard let end = LineScan.index(of: .newline, in: buffer, from: scanned) else {
                scanned = buffer.count
                return skipIfTooLong()
            }
            let line = buffer[start..<end]
            start = end + 1
            scanned = start
            if skipping {
                skipping = false
                continue
            }
            let text = line.last == .carriageReturn ? line.dropLast() : line
            return text.count > limit ? .tooLong : .line(ByteString(text))
        }
    }

    // A line over the limit is told once, and then passed over.
    private mutating func skipIfTooLong() -> Frame? {
        guard buffer.count - start > limit + 1 else { return nil }
        start = buffer.count
        defer { skipping = true }
        return skipping ? nil : .tooLong
    }

    /// Whether octets wait that no line has used: the client is pipelining.
    package var hasPending: Bool { start < buffer.count }

    /// Gives up what has not been used, for DATA, BDAT or TLS, and empties the framer.
    package mutating func takeRest() -> ArraySlice<UInt8> {
        defer {
            buffer = []
            (start, scanned) = (0, 0)
        }
        return buffer[start...]
    }

    /// Gives up at most that many octets that have not been used, for a BDAT chunk.
    package mutating func takeRest(atMost count: Int) -> ArraySlice<UInt8> {
        let rest = buffer[start...].prefix(max(0, count))
        start = rest.endIndex
        scanned = start
        return rest
    }
}
