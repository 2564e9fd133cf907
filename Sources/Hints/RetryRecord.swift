package import Bytes

/// What is known of a host, address or message that could not be reached (database `retry`).
package struct RetryRecord: HintsRecord {
    package var header: HintsHeader
    /// When the failures began, in seconds since 1970.
    package var firstFailed: Int64
    /// When the last attempt was made.
    package var lastTry: Int64
    /// When the next attempt is due.
    package var nextTry: Int64
    /// Whether the final cutoff time has passed.
    package var expired: Bool
    /// The error: a system errno, zero, or one of Exim's negative numbers (`EximErrno`).
    package var basicErrno: Int32
    /// The error's detail (`EximErrno.more`).
    package var moreErrno: Int32
    /// The error's text: printing characters, at most `HintsLimits.retryText` octets, no NUL.
    package private(set) var text: ByteString
    /// The octets after the text's NUL, which Exim leaves undefined.
    private var tail: ByteString = ByteString([0, 0, 0])

    /// Makes a record; the text is escaped to printing characters and cut as Exim does.
    package init(firstFailed: Int64, lastTry: Int64, nextTry: Int64) {
        header = HintsHeader()
        self.firstFailed = firstFailed
        self.lastTry = lastTry
        self.nextTry = nextTry
        expired = false
        basicErrno = 0
        moreErrno = 0
        text = ByteString()
    }

    /// Sets the error that the record tells; the text is escaped to printing characters and cut as Exim does.
    ///
    /// `print_topbitchars` lets octets above 127 be.
    package mutating func setError(_ error: RetryError, topBitPrints: Bool = false) {
        basicErrno = error.basicErrno
        moreErrno = error.moreErrno
        text = Self.storable(error.text, topBitPrints: topBitPrints)
        tail = ByteString([0, 0, 0])
    }

    /// Sets the error from a stored record's own text, which is escaped already; it is cut, not escaped again.
    mutating func restore(_ error: RetryError) {
        basicErrno = error.basicErrno
        moreErrno = error.moreErrno
        text = ByteString(error.text.prefix(HintsLimits.retryText).filter { $0 != 0 })
        tail = ByteString([0, 0, 0])
    }

    package init(decoding octets: ByteString, layout: HintsLayout) throws(HintsRecordError) {
        var reader = try RecordReader(octets, layout: layout, needed: 40)
        header = reader.header
        firstFailed = try reader.time("first failed")
        lastTry = try reader.time("last try")
        nextTry = try reader.time("next try")
        let flag = try reader.unsigned32()
        guard flag < 2 else { throw .outOfRange(field: "expired") }
        expired = flag == 1
        basicErrno = try reader.signed32()
        moreErrno = try reader.signed32()
        let rest = reader.rest
        guard let end = rest.firstIndex(of: 0) else { throw .unterminatedText }
        guard end <= HintsLimits.retryText else { throw .outOfRange(field: "text") }
        text = ByteString(rest[0..<end])
        tail = ByteString(rest[(end + 1)..<rest.count])
    }

    package func encode(layout: HintsLayout) -> ByteString {
        var writer = RecordWriter(header, layout: layout)
        for time in [firstFailed, lastTry, nextTry] { writer.append(time) }
        writer.append(UInt32(expired ? 1 : 0))
        writer.append(basicErrno)
        writer.append(moreErrno)
        writer.append(octets: text)
        writer.append(UInt8(0))
        writer.append(octets: tail)
        return writer.octets
    }

    /// Escapes what does not print (a line end and its like by letters, else three octal digits), then cuts.
    private static func storable(_ text: ByteString, topBitPrints: Bool) -> ByteString {
        var result = ByteString()
        for octet in text {
            switch octet {
            case 0x20...0x7E: result.append(octet)
            case 0x80...0xFF where topBitPrints: result.append(octet)
            case 0x09: result += ByteString("\\t")
            case 0x0A: result += ByteString("\\n")
            case 0x0D: result += ByteString("\\r")
            default:
                let octal = String(octet, radix: 8)
                result += ByteString("\\" + String(repeating: "0", count: 3 - octal.count) + octal)
            }
            if result.count >= HintsLimits.retryText { break }
        }
        return ByteString(result.prefix(HintsLimits.retryText))
    }
}

/// The error that a retry item is about.
package struct RetryError: Sendable, Equatable {
    /// A system errno, zero, or one of Exim's negative numbers (`EximErrno`).
    package var basicErrno: Int32
    /// The error's detail (`EximErrno.more`).
    package var moreErrno: Int32
    /// What went wrong, in words.
    package var text: ByteString

    /// Makes an error.
    package init(basicErrno: Int32, moreErrno: Int32 = 0, text: ByteString = "") {
        self.basicErrno = basicErrno
        self.moreErrno = moreErrno
        self.text = text
    }
}
