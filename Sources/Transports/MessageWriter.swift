import Bytes
import Glibc

/// Writes a message to a file as a local order says: head, body, tail; escapes lines and changes line ends.
struct MessageWriter {
    private static let blockSize = 1 << 16

    private let order: LocalOrder
    private let output: CInt
    private var line = ByteString()
    private var atLineStart = true
    private var buffer = ByteString()
    /// How many octets have been written.
    private(set) var size = 0

    init(_ order: LocalOrder, to output: CInt) {
        self.order = order
        self.output = output
        buffer.reserveCapacity(Self.blockSize * 2)
    }

    /// Writes all; `data` is the descriptor of the data file.
    mutating func write(bodyFrom data: CInt) throws(SystemFailure) {
        try append(order.head.bytes[...], escaping: false)
        atLineStart = true
        if let start = order.bodyStart { try writeBody(data, start) }
        // A file of many messages needs each one to end with its line.
        if order.kind == .mailbox, !atLineStart { try append([.newline], escaping: false) }
        try append(order.tail.bytes[...], escaping: false)
        try flush()
    }

    private mutating func writeBody(_ data: CInt, _ start: Int) throws(SystemFailure) {
        var block = [UInt8](repeating: 0, count: Self.blockSize)
        var offset = 0
        var held = false
        while offset < order.bodySize {
            let wanted = min(block.count, order.bodySize - offset)
            let count = System.pread(data, &block, wanted, at: start + offset)
            guard count > 0 else { throw count < 0 ? .last : SystemFailure(number: EIO) }
            offset += count
            if order.isWireFormat {
                try append(Self.unixLines(block[..<count], held: &held)[...], escaping: true)
            } else {
                try append(block[..<count], escaping: true)
            }
        }
        if held { try append([.carriageReturn], escaping: true) }
    }

    /// CRLF made LF; a CR at the end is held until what follows is known.
    private static func unixLines(_ octets: ArraySlice<UInt8>, held: inout Bool) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(octets.count + 1)
        for octet in octets {
            if held {
                held = false
                if octet != .newline { result.append(.carriageReturn) }
            }
            if octet == .carriageReturn { held = true } else { result.append(octet) }
        }
        return result
    }

    private mutating func append(_ octets: ArraySlice<UInt8>, escaping: Bool) throws(SystemFailure) {
        var rest = octets
        while let end = rest.firstIndex(of: .newline) {
            if escaping, !order.checkString.isEmpty {
                takePart(rest[..<end], ends: true)
            } else {
                buffer += rest[..<end]
            }
            if order.usesCRLF { buffer.append(.carriageReturn) }
            buffer.append(.newline)
            atLineStart = true
            rest = rest[(end + 1)...]
            if buffer.count >= Self.blockSize { try flush() }
        }
        if !rest.isEmpty {
            if escaping, !order.checkString.isEmpty { takePart(rest, ends: false) } else { buffer += rest }
            atLineStart = false
        }
        if buffer.count >= Self.blockSize { try flush() }
    }

    /// Passes a line's part on; the line's beginning is held back until it is long enough to be told.
    private mutating func takePart(_ part: ArraySlice<UInt8>, ends: Bool) {
        if atLineStart { line = ByteString() }
        let isOpen = atLineStart || !line.isEmpty
        guard isOpen else {
            buffer += part
            return
        }
        line += part
        guard ends || line.count >= order.checkString.count else { return }
        buffer +=
            line.starts(with: order.checkString)
            ? order.escapeString + line.dropFirst(order.checkString.count) : line
        line = ByteString()
    }

    private mutating func flush() throws(SystemFailure) {
        if !line.isEmpty {
            buffer += line
            line = ByteString()
        }
        guard !buffer.isEmpty else { return }
        try System.write(output, buffer.bytes[...])
        size += buffer.count
        buffer.removeAll(keepingCapacity: true)
    }
}
