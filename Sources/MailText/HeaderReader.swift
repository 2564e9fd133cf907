package import Bytes

/// How much header is accepted; the options `header_maxsize` and `header_line_maxsize`.
package struct HeaderLimits: Sendable, Hashable {
    /// The most octets of the whole header; 1 MiB by default.
    package var total: Int
    /// The most octets of one header line with its continuations; 0 is no limit but the total.
    package var line: Int

    /// Makes limits; Exim's defaults unless said otherwise.
    package init(total: Int = 1 << 20, line: Int = 0) {
        self.total = total
        self.line = line
    }
}

/// Reads a message's header lines as they arrive, as Exim does.
///
/// Give it line after line (LF or CRLF ended, or bare) until it says that the body begins. A line that is no header ends the header too,
/// and is then the first line of the body.
package struct HeaderReader: Sendable {
    /// What became of a line.
    package enum Step: Sendable, Hashable {
        /// The header goes on.
        case more
        /// The line was the blank one; the body begins with the next line.
        case finished
        /// The line is no header line: it is the first line of the body.
        case bodyStarted(ByteString)
        /// A limit is passed: Exim's `552 Message header is ridiculously long`/`overlong message header line`.
        case tooLong(ByteString)
    }

    /// The complete header lines so far; after the end all of them, with their kinds.
    package private(set) var headers: [Header] = []
    /// The octets taken so far, LF line ends counted.
    package private(set) var size = 0
    /// The longest line so far, without its end.
    package private(set) var longestLine = 0

    private let limits: HeaderLimits
    private var current = ByteString()

    /// Starts before the first line.
    package init(limits: HeaderLimits = HeaderLimits()) {
        self.limits = limits
    }

    /// Takes one line; its end may be LF, CRLF or missing (end of input).
    package mutating func take(_ line: some Collection<UInt8>) -> Step { .more }

    /// Tells that the input has ended; the last header line is closed.
    package mutating func endOfInput() {}
}
