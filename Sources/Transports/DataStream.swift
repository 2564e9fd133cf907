import Bytes
import SMTP

/// What is sent of a message after DATA, block by block: dots are stuffed, lines end in CRLF, and the closing dot comes
/// with the last block.
struct DataStream {
    private static let blockSize = 1 << 16

    private let message: WireMessage
    private let size: Int
    private var stuffer = DotStuffer()
    private var unix: UnixLines
    private var block: [UInt8]
    private var offset = 0
    private var hasBegun = false
    /// Whether the last octets, with the closing dot, have been given.
    private(set) var isOver = false

    init(_ message: WireMessage) {
        self.message = message
        size = message.sendsBody ? message.body.size : 0
        unix = UnixLines(isNeeded: message.body.isWireFormat)
        block = [UInt8](repeating: 0, count: min(Self.blockSize, max(size, 1)))
    }

    /// Puts the next octets in the place of what is there; false when there are no more.
    mutating func next(into output: inout [UInt8]) throws(TransportTrouble) -> Bool {
        output.removeAll(keepingCapacity: true)
        if isOver { return false }
        if !hasBegun { stuffer.encode(message.head.bytes[...], into: &output) }
        hasBegun = true
        if offset < size {
            let count = try message.body.read(at: offset, into: &block)
            offset += count
            stuffer.encode(unix.convert(block[..<count])[...], into: &output)
        }
        guard offset >= size else { return true }
        stuffer.encode(unix.rest[...], into: &output)
        stuffer.finish(into: &output)
        isOver = true
        return true
    }
}
