import Bytes
import Glibc

/// Standard input as message lines: CRLF becomes LF, and a last line without its newline gets one.
struct StandardInput {
    private let descriptor: CInt
    private let endsAtDot: Bool
    private var block = [UInt8](repeating: 0, count: 1 << 16)
    private var line: [UInt8] = []
    private var isDone = false
    private var isUnended = false
    /// Seconds that the next input may be waited for; nil for ever.
    private let timeout: Int64?
    private var text: [UInt8]?
    private(set) var hasTimedOut = false
    private(set) var longestLine = 0

    init(descriptor: CInt, endsAtDot: Bool, timeout: Int64?) {
        self.timeout = timeout
        self.descriptor = descriptor
        self.endsAtDot = endsAtDot
        text = nil
    }

    /// A text of our own in place of what somebody writes.
    init(text: ByteString) {
        self.init(descriptor: -1, endsAtDot: false, timeout: nil)
        self.text = text.bytes
    }

    /// The next octets, whole lines; nil at the end.
    mutating func next() -> [UInt8]? {
        guard !isDone else { return nil }
        var output: [UInt8] = []
        if let text {
            split(text[...], into: &output)
            isDone = true
        }
        while output.isEmpty, !isDone {
            guard isReadable() else {
                (isDone, hasTimedOut) = (true, true)
                break
            }
            let count = unsafe read(descriptor, &block, block.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                isDone = true
                isUnended = true
                if !line.isEmpty { finishLine(&output) }
                break
            }
            split(block[..<count], into: &output)
        }
        return output.isEmpty ? nil : output
    }

    private func isReadable() -> Bool {
        guard let timeout else { return true }
        var input = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        while true {
            let ready = unsafe poll(&input, 1, CInt(clamping: timeout * 1000))
            if ready < 0, errno == EINTR { continue }
            return ready != 0
        }
    }

    private mutating func split(_ octets: ArraySlice<UInt8>, into output: inout [UInt8]) {
        var rest = octets
        while !isDone, let end = rest.firstIndex(of: .newline) {
            line.append(contentsOf: rest[..<end])
            rest = rest[(end + 1)...]
            finishLine(&output)
        }
        if !isDone { line.append(contentsOf: rest) }
    }

    private mutating func finishLine(_ output: inout [UInt8]) {
        if line.last == .carriageReturn { line.removeLast() }
        // A CR elsewhere ends a line too; of several before a newline the last belongs to it.
        if line.contains(.carriageReturn) { line = line.map { $0 == .carriageReturn ? .newline : $0 } }
        if endsAtDot, line == [UInt8(ascii: ".")] {
            isDone = true
        } else {
            if !isUnended { longestLine = max(longestLine, line.count) }
            output.append(contentsOf: line)
            output.append(.newline)
        }
        line.removeAll(keepingCapacity: true)
    }
}
