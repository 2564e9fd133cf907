import Bytes
import Glibc

/// Why a message was not written to its end.
enum WritingFailure: Error {
    /// A system call failed, with this errno.
    case failed(CInt)
    /// It took too long.
    case timedOut
    /// The reader answered more than it may.
    case tooMuch

    /// The errno that tells it best.
    var number: CInt {
        switch self {
        case .failed(let number): number
        case .timedOut: ETIMEDOUT
        case .tooMuch: EFBIG
        }
    }
}

/// Writes a message as a local delivery wants it: prefix, header, body, suffix; escapes lines and changes line ends.
struct MessageWriter {
    /// Takes a part of the message.
    typealias Sink = (ArraySlice<UInt8>) throws(WritingFailure) -> Void

    private static let blockSize = 1 << 16

    private let content: MessageContent
    private let sink: Sink
    private var line = ByteString()
    private var atLineStart = true
    private var buffer = ByteString()
    /// How many octets have been written.
    private(set) var size = 0

    init(_ content: MessageContent, to sink: @escaping Sink) {
        self.content = content
        self.sink = sink
        buffer.reserveCapacity(Self.blockSize * 2)
    }

    /// Writes to a file.
    init(_ content: MessageContent, toFile output: CInt) {
        self.init(content) { (octets) throws(WritingFailure) in
            do throws(SystemFailure) { try System.write(output, octets) } catch {
                throw .failed(error.number)
            }
        }
    }

    /// Writes all; `data` is the descriptor of the data file.
    mutating func write(bodyFrom data: CInt) throws(WritingFailure) {
        buffer += content.prefix
        try append(content.head.bytes[...], escaping: false)
        atLineStart = true
        if let start = content.bodyStart { try writeBody(data, start) }
        if content.endsLastLine, !atLineStart { try append([.newline], escaping: false) }
        try flush()
        buffer += content.suffix
        try flush()
    }

    private mutating func writeBody(_ data: CInt, _ start: Int) throws(WritingFailure) {
        var block = [UInt8](repeating: 0, count: Self.blockSize)
        var offset = 0
        var held = false
        while offset < content.bodySize {
            let wanted = min(block.count, content.bodySize - offset)
            let count = System.pread(data, &block, wanted, at: start + offset)
            guard count > 0 else { throw .failed(count < 0 ? errno : EIO) }
            offset += count
            if content.isWireFormat {
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

    private mutating func append(_ octets: ArraySlice<UInt8>, escaping: Bool) throws(WritingFailure) {
        var rest = octets
        while let end = rest.firstIndex(of: .newline) {
            if escaping, !content.checkString.isEmpty {
                takePart(rest[..<end], ends: true)
            } else {
                buffer += rest[..<end]
            }
            if content.usesCRLF { buffer.append(.carriageReturn) }
            buffer.append(.newline)
            atLineStart = true
            rest = rest[(end + 1)...]
            if buffer.count >= Self.blockSize { try flush() }
        }
        if !rest.isEmpty {
            if escaping, !content.checkString.isEmpty { takePart(rest, ends: false) } else { buffer += rest }
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
        guard ends || line.count >= content.checkString.count else { return }
        buffer +=
            line.starts(with: content.checkString)
            ? content.escapeString + line.dropFirst(content.checkString.count) : line
        line = ByteString()
    }

    private mutating func flush() throws(WritingFailure) {
        if !line.isEmpty {
            buffer += line
            line = ByteString()
        }
        guard !buffer.isEmpty else { return }
        try sink(buffer.bytes[...])
        size += buffer.count
        buffer.removeAll(keepingCapacity: true)
    }
}
