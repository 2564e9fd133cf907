import Bytes
import Glibc
import Synchronization

/// Where a program talks: data to one stream, words for people to another.
struct Console: Sendable {
    /// Data: listings, JSON, messages.
    let output: OutputStream
    /// Talk: errors, progress.
    let errors: OutputStream
    /// The standard input's lines; a function so that tests can give them.
    let readLine: @Sendable () -> ByteString?

    /// Standard input, output and error.
    static func standard() -> Console {
        Console(
            output: OutputStream(descriptor: STDOUT_FILENO), errors: OutputStream(descriptor: STDERR_FILENO),
            readLine: InputLines().next)
    }

    /// Streams in memory, and input from a list of lines.
    static func memory(input: [ByteString] = []) -> Console {
        let lines = Mutex(input[...])
        return Console(output: OutputStream(descriptor: nil), errors: OutputStream(descriptor: nil)) {
            lines.withLock { $0.popFirst() }
        }
    }

    init(
        output: OutputStream, errors: OutputStream, readLine: @escaping @Sendable () -> ByteString? = { nil }
    ) {
        self.output = output
        self.errors = errors
        self.readLine = readLine
    }

    /// Writes data.
    func write(_ octets: ByteString) { output.write(octets) }

    /// Says something to people, after all data that was written before.
    func say(_ octets: ByteString) {
        output.flush()
        errors.write(octets)
        errors.flush()
    }

    /// Flushes; a failure to write turns success into `ioError`.
    func finish(_ status: ExitStatus) -> ExitStatus {
        output.flush()
        errors.flush()
        guard let failure = output.failure else { return status }
        let reason = unsafe String(cString: strerror(failure))
        errors.write("bobbin: writing to standard output failed: \(reason)\n")
        errors.flush()
        return status == .success ? .ioError : status
    }
}

/// A buffered stream of octets to a descriptor, or to memory.
final class OutputStream: Sendable {
    private struct State {
        var buffer = ByteString()
        var failure: Int32?
    }

    private static let size = 1 << 16
    private let descriptor: Int32?
    private let state = Mutex(State())

    /// A stream to a descriptor; nil keeps everything in memory.
    init(descriptor: Int32?) { self.descriptor = descriptor }

    /// Whether people look at the stream.
    var isTerminal: Bool { descriptor.map { isatty($0) == 1 } ?? false }

    /// The error number of the first write that failed.
    var failure: Int32? { state.withLock(\.failure) }

    /// What a stream in memory holds.
    var collected: ByteString { state.withLock(\.buffer) }

    /// Appends octets.
    func write(_ octets: ByteString) {
        state.withLock { state in
            state.buffer += octets.bytes
            if state.buffer.count >= Self.size { drain(&state) }
        }
    }

    /// Appends octets.
    func write(_ octets: Span<UInt8>) {
        state.withLock { state in
            state.buffer.reserveCapacity(state.buffer.count + octets.count)
            for index in octets.indices { state.buffer.append(octets[index]) }
            if state.buffer.count >= Self.size { drain(&state) }
        }
    }

    /// Writes out what is buffered.
    func flush() { state.withLock { drain(&$0) } }

    private func drain(_ state: inout State) {
        guard let descriptor else { return }
        var rest = state.buffer[...]
        while !rest.isEmpty, state.failure == nil {
            let count = unsafe rest.withUnsafeBytes {
                unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
            }
            if count >= 0 { rest = rest.dropFirst(count) } else if errno != EINTR { state.failure = errno }
        }
        state.buffer = ByteString()
    }
}

/// The lines of standard input.
final class InputLines: Sendable {
    private static let blockSize = 1 << 16
    /// What has been read and not given yet.
    private let rest = Mutex(ArraySlice<UInt8>())

    /// The next line without its newline; nil at the end.
    func next() -> ByteString? {
        rest.withLock { rest in
            var searched = 0
            while true {
                if let end = rest.dropFirst(searched).firstIndex(of: .newline) {
                    defer { rest = rest[(end + 1)...] }
                    return ByteString(rest[..<end])
                }
                searched = rest.count
                let block = Self.read()
                guard !block.isEmpty else { break }
                rest += block
            }
            defer { rest = [] }
            return rest.isEmpty ? nil : ByteString(rest)
        }
    }

    /// The next octets; none at the end, and where reading fails.
    private static func read() -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: blockSize) { buffer, count in
            var result: Int
            repeat {
                result = unsafe Glibc.read(STDIN_FILENO, buffer.baseAddress, blockSize)
            } while result < 0 && errno == EINTR
            count = max(result, 0)
        }
    }
}
