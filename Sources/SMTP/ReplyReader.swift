package import Bytes

/// Reads replies from the octets of a server as they arrive; LF alone is taken as a line end too.
package struct ReplyReader: Sendable {
    /// The most octets of one line, code included; Exim's buffer.
    package static let maximumLine = 4096
    /// The most lines of one reply.
    package static let maximumLines = 256

    /// What is wrong with a reply.
    package enum Malformation: Error, Hashable, Sendable {
        /// Not three digits followed by a blank, `-` or the end; the line, behind those of the same reply.
        case badLine(ByteString)
        /// A line of no octets.
        case emptyLine
        /// A line or a reply over the limit.
        case tooLong
    }

    private var buffer: [UInt8] = []
    private var start = 0
    private var lines: [ByteString] = []
    private var code = 0

    private let topBitPrints: Bool

    /// Starts with nothing read; `print_topbitchars` goes into the replies.
    package init(topBitPrints: Bool = false) { self.topBitPrints = topBitPrints }

    /// Takes octets that have arrived.
    package mutating func feed(_ octets: some Sequence<UInt8>) {
        buffer.removeFirst(start)
        start = 0
        buffer.append(contentsOf: octets)
    }

    /// Whether octets wait that no reply has used.
    package var hasPending: Bool { start < buffer.count || !lines.isEmpty }

    /// The next complete reply, or nil when more octets are needed.
    ///
    /// After an error the reader is of no further use.
    package mutating func next() throws(Malformation) -> Reply? {
        while let line = try nextLine() {
            let isLast = try take(line)
            guard lines.count <= Self.maximumLines else { throw .tooLong }
            guard isLast else { continue }
            defer { lines = [] }
            var reply = Reply(code, lines: lines)
            reply.topBitPrints = topBitPrints
            return reply
        }
        return nil
    }

    private mutating func nextLine() throws(Malformation) -> ArraySlice<UInt8>? {
        guard let end = buffer[start...].firstIndex(of: .newline) else {
            guard buffer.count - start <= Self.maximumLine else { throw .tooLong }
            return nil
        }
        guard end - start <= Self.maximumLine else { throw .tooLong }
        var line = buffer[start..<end]
        start = end + 1
        if line.last == .carriageReturn { line = line.dropLast() }
        return line
    }

    // A line with those of its reply that came before.
    private func whole(_ line: ArraySlice<UInt8>) -> ByteString {
        lines.reduce(into: ByteString()) { $0 += "\(code)-\($1)\n" as ByteString } + ByteString(line)
    }

    // Takes one line; true for the last of its reply.
    private mutating func take(_ line: ArraySlice<UInt8>) throws(Malformation) -> Bool {
        guard !line.isEmpty else { throw .emptyLine }
        let digits = line.prefix(3)
        guard digits.count == 3, let number = digits.decimalInteger(), digits.allSatisfy(\.isASCIIDigit),
            (200...599).contains(number)
        else { throw .badLine(whole(line)) }
        let mark = line.dropFirst(3).first
        guard mark == nil || mark == .blank || mark == UInt8(ascii: "-") else {
            throw .badLine(whole(line))
        }
        guard lines.isEmpty || number == Int64(code) else { throw .badLine(whole(line)) }
        code = Int(number)
        lines.append(ByteString(line.dropFirst(4)))
        return mark != UInt8(ascii: "-")
    }
}
