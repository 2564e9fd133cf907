package import Bytes

/// Reads replies from the octets of a server as they arrive; LF alone is taken as a line end too.
package struct ReplyReader: Sendable {
    /// The most octets of one line, code included; Exim's buffer.
    package static let maximumLine = 4096
    /// The most lines of one reply.
    package static let maximumLines = 256

    /// What is wrong with a reply.
    package enum Malformation: Error, Hashable, Sendable {
        /// Not three digits followed by a blank, `-` or the end; the line.
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

    /// Starts with nothing read.
    package init() {}

    /// Takes octets that have arrived.
    package mutating func feed(_ octets: some Sequence<UInt8>) {
        buffer.removeFirst(start)
        start = 0
        buffer.append(contentsOf: octets)
    }

    /// Whether octets wait that no reply has used.
    package var hasPending: Bool { start < buffer.count || !lines.isEmpty }

    /// The next complete reply, or nil when more octets are needed.
    package mutating func next() throws(Malformation) -> Reply? { nil }
}
