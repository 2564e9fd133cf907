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
/// Give it line after line (LF or CRLF ended, or bare) until it says that the body begins. A line that is no
/// header ends the header too, and is then the first line of the body.
package struct HeaderReader: Sendable {
    /// What became of a line.
    package enum Step: Sendable, Hashable {
        /// The header goes on.
        case more
        /// The line was the blank one; the body begins with the next line.
        case finished
        /// The line is no header line: it is the first line of the body.
        case bodyStarted(ByteString)
        /// A limit is passed: Exim's `552 Message header is ridiculously long`/`overlong message header
        /// line`.
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
    ///
    /// NUL octets become `?`. After a step other than `.more` no further line may be given.
    package mutating func take(_ line: some Collection<UInt8>) -> Step {
        let line = Self.withoutEnd(ByteString(line))
        longestLine = max(longestLine, line.count)
        if line.isEmpty {
            endOfInput()
            return .finished
        }
        if line.first == .blank || line.first == 0x09 {
            guard !current.isEmpty else { return .bodyStarted(line) }
            // A continuation of nothing but white space is no line of a header, and not its end either.
            if line.allSatisfy(\.isASCIISpace) { return .more }
        } else {
            guard Self.isHeaderLine(line) else {
                endOfInput()
                return .bodyStarted(line)
            }
            closeCurrent()
        }
        current += line.isEmpty ? line : ByteString(line.map { $0 == 0 ? UInt8(ascii: "?") : $0 })
        current.append(.newline)
        size += line.count + 1
        return limitStep()
    }

    /// Tells that the input has ended; the last header line is closed and kinds that depend on the whole are
    /// set.
    package mutating func endOfInput() {
        closeCurrent()
        let hasResentLines = headers.contains { $0.name.startsIgnoringCase(with: ByteString("resent-")) }
        var hasIdentity = false
        for index in headers.indices {
            var kind = HeaderKind(name: headers[index].name[...], hasResentLines: hasResentLines)
            if kind == .messageID, hasIdentity { kind = .other }
            hasIdentity = hasIdentity || kind == .messageID
            headers[index].kind = kind
        }
    }

    /// What a client hears of a header beyond `HeaderLimits.total`.
    package static let headerTooLong: ByteString = "Message header is ridiculously long"
    /// What a client hears of a header line beyond `HeaderLimits.line`.
    package static let lineTooLong: ByteString = "A message header line is too long"

    private func limitStep() -> Step {
        if size > limits.total { return .tooLong(Self.headerTooLong) }
        if limits.line > 0, current.count > limits.line { return .tooLong(Self.lineTooLong) }
        return .more
    }

    private mutating func closeCurrent() {
        guard !current.isEmpty else { return }
        headers.append(Header(current, kind: .other))
        current = ByteString()
    }

    private static func withoutEnd(_ line: ByteString) -> ByteString {
        var line = line
        if line.last == .newline { line.bytes.removeLast() }
        if line.last == .carriageReturn { line.bytes.removeLast() }
        return line
    }

    /// Whether a line begins a header line: visible octets but the colon, blanks perhaps, a colon; as Exim,
    /// which takes octets above 127 and even an empty name.
    package static func isHeaderLine(_ line: some Collection<UInt8>) -> Bool {
        var rest = line.drop { $0 > 0x20 && $0 != 0x7F && $0 != UInt8(ascii: ":") }
        rest = rest.drop { $0 == .blank || $0 == 0x09 }
        return rest.first == UInt8(ascii: ":")
    }
}
