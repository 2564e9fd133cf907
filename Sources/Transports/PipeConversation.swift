import Bytes
import Glibc

/// The pipes of a command: what is written to it, and what it says meanwhile, within one time limit.
///
/// A class, since the writer of the message holds it while it writes.
final class PipeConversation {
    private static let blockSize = 8192

    /// Nil once nothing more is to be written.
    private var input: Descriptor?
    private let inputNumber: CInt
    private let output: Descriptor?
    private let outputNumber: CInt
    private let deadline: Int64?
    private let limit: Int
    private var block = [UInt8](repeating: 0, count: blockSize)
    /// What the command has said.
    private(set) var said = ByteString()
    private var outputIsOpen: Bool

    /// Takes the ends over; `deadline` is in seconds since 1970, nil for none.
    ///
    /// What says nothing to us has no output.
    init(
        input: consuming Descriptor, output: consuming Descriptor?, until deadline: Int64?, atMost limit: Int
    ) {
        inputNumber = input.raw
        self.input = consume input
        outputIsOpen = output != nil
        outputNumber = output?.raw ?? -1
        self.output = output
        for raw in [inputNumber, outputNumber] where raw >= 0 {
            _ = fcntl(raw, F_SETFL, fcntl(raw, F_GETFL) | O_NONBLOCK)
        }
        self.deadline = deadline
        self.limit = limit
    }

    /// Writes all octets, unless the command reads no more; hears what is said meanwhile.
    func write(_ octets: ArraySlice<UInt8>) throws(WritingFailure) {
        var rest = octets
        while !rest.isEmpty, input != nil {
            let count = unsafe rest.withUnsafeBytes {
                unsafe Glibc.write(inputNumber, $0.baseAddress, $0.count)
            }
            if count >= 0 {
                rest = rest.dropFirst(count)
                continue
            }
            switch errno {
            case EINTR: continue
            case EPIPE: input = nil
            case EAGAIN: try wait(forRoom: true)
            default: throw .failed(errno)
            }
        }
    }

    /// Hears the rest; before that, `closeInput`.
    func hearOut() throws(WritingFailure) { while outputIsOpen { try wait(forRoom: false) } }

    /// Tells the command that nothing more comes.
    func closeInput() { input = nil }

    private func wait(forRoom: Bool) throws(WritingFailure) {
        var entries = [pollfd(fd: outputIsOpen ? outputNumber : -1, events: Int16(POLLIN), revents: 0)]
        if forRoom { entries.append(pollfd(fd: inputNumber, events: Int16(POLLOUT), revents: 0)) }
        let patience: CInt
        if let deadline {
            let now = System.moment()
            let left = (deadline - now.seconds) * 1000 - Int64(now.microseconds / 1000)
            guard left > 0 else { throw .timedOut }
            patience = CInt(clamping: left)
        } else {
            patience = -1
        }
        let count = unsafe poll(&entries, nfds_t(entries.count), patience)
        if count < 0, errno != EINTR { throw .failed(errno) }
        if count > 0, entries[0].revents != 0 { try hear() }
    }

    private func hear() throws(WritingFailure) {
        let count = unsafe read(outputNumber, &block, block.count)
        if count > 0 {
            said += block[..<count]
            if said.count > limit { throw .tooMuch }
        } else if count == 0 || (errno != EAGAIN && errno != EINTR) {
            outputIsOpen = false
        }
    }
}
