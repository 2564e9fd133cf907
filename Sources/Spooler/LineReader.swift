internal import Bytes

/// Cuts the octets of a header file into lines, and knows where it is.
struct LineReader {
    let octets: [UInt8]
    /// The message that errors name.
    var id: MessageID?
    /// Where the next line begins.
    private(set) var place = 0
    /// Where the line that was read last begins.
    private(set) var start = 0
    /// The number of the line that was read last, from 1.
    private(set) var line = 0

    init(_ octets: [UInt8], id: MessageID?) {
        self.octets = octets
        self.id = id
    }

    /// Whether everything has been read.
    var isAtEnd: Bool { place >= octets.count }

    /// The first octet of the next line, or nil at the end.
    var nextOctet: UInt8? { isAtEnd ? nil : octets[place] }

    /// Reads a line, and gives it without its newline; `limit` counts the newline.
    mutating func next(
        limit: Int = HeaderFile.maximumLineLength
    ) throws(SpoolFormatError) -> ArraySlice<UInt8> {
        begin()
        let end = try endOfLine(limit: limit)
        defer { place = end + 1 }
        return octets[start..<end]
    }

    /// Marks the present place as the one that errors name.
    mutating func begin() {
        start = place
        line += 1
    }

    private func endOfLine(limit: Int) throws(SpoolFormatError) -> Int {
        let span = octets.span
        let stop = min(octets.count, start + limit)
        var cursor = start
        while cursor < stop {
            let octet = span[cursor]
            if octet == .newline { return cursor }
            if octet == 0 { throw error(.nulOctet) }
            cursor += 1
        }
        throw error(stop == octets.count ? .truncated : .lineTooLong(limit: limit))
    }

    /// Reads so many octets, whatever they are; nil when there are fewer.
    mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
        guard count >= 0, count <= octets.count - place else { return nil }
        defer { place += count }
        return octets[place..<(place + count)]
    }

    /// Counts the newlines of something that was taken.
    mutating func count(newlinesOf taken: ArraySlice<UInt8>) {
        for octet in taken where octet == .newline { line += 1 }
    }

    /// An error at the beginning of what was read last.
    func error(_ reason: SpoolFormatError.Reason, _ part: SpoolFormatError.Part = .envelope)
        -> SpoolFormatError
    {
        SpoolFormatError(id: id, part: part, line: line, offset: start, reason: reason)
    }
}
