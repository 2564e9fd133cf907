import Bytes
import Glibc

/// A session on standard input and output (`-bs`), or a batch on standard input (`-bS`).
///
/// It blocks its thread while it waits: there is just one session in such a process.
final class DescriptorWire: Wire {
    private let input: CInt
    private let output: CInt
    private var timeout: Int64?
    private var block = [UInt8](repeating: 0, count: 1 << 16)

    init(input: CInt = STDIN_FILENO, output: CInt = STDOUT_FILENO) {
        self.input = input
        self.output = output
    }

    func setTimeout(seconds: Int64?) async { timeout = seconds }

    func read() async -> WireInput {
        guard isReadable() else { return .timedOut }
        while true {
            let count = unsafe Glibc.read(input, &block, block.count)
            if count > 0 { return .octets(block[..<count]) }
            if count < 0, errno == EINTR { continue }
            return .ended
        }
    }

    /// Whoever talks by a pipe may say all at once.
    func ahead() async -> ArraySlice<UInt8>? { nil }

    private func isReadable() -> Bool {
        guard let timeout else { return true }
        var descriptor = pollfd(fd: input, events: Int16(POLLIN), revents: 0)
        let limit = CInt(clamping: timeout * 1000)
        while true {
            let ready = unsafe poll(&descriptor, 1, limit)
            if ready < 0, errno == EINTR { continue }
            return ready != 0
        }
    }

    func write(_ octets: ByteString) async -> Bool {
        var rest = octets.bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(output, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }
}
