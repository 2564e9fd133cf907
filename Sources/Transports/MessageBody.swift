package import Bytes
import Glibc

/// The body of a message on the queue, for reading from any place by several deliveries at once.
///
/// It has a descriptor of its own for the same open file as the lock's, so the lock lasts as long as somebody reads.
package final class MessageBody: Sendable {
    private let descriptor: Descriptor
    private let start: Int
    /// The octets of the body.
    package let size: Int
    /// Whether lines end in CRLF in the file (`spool_wireformat`).
    package let isWireFormat: Bool

    /// Takes a copy of the descriptor; `start` is where the body begins in the file.
    package init(
        copyOf descriptor: CInt, start: Int, size: Int, isWireFormat: Bool
    ) throws(TransportTrouble) {
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 3)
        guard copy >= 0 else { throw .system(errno, "dup of the data file") }
        self.descriptor = Descriptor(copy)
        self.start = start
        self.size = size
        self.isWireFormat = isWireFormat
    }

    /// Opens a data file.
    package convenience init(
        file path: ByteString, start: Int, size: Int, isWireFormat: Bool
    ) throws(TransportTrouble) {
        do throws(SystemFailure) {
            try self.init(System.open(path, O_RDONLY), start: start, size: size, isWireFormat: isWireFormat)
        } catch { throw .system(error.number, "opening the data file") }
    }

    private init(_ descriptor: consuming Descriptor, start: Int, size: Int, isWireFormat: Bool) {
        self.descriptor = descriptor
        self.start = start
        self.size = size
        self.isWireFormat = isWireFormat
    }

    /// Fills the buffer from a place in the body; gives how many octets came, 0 at the end.
    package func read(at offset: Int, into buffer: inout [UInt8]) throws(TransportTrouble) -> Int {
        let wanted = min(buffer.count, size - offset)
        guard wanted > 0 else { return 0 }
        let count = System.pread(descriptor.raw, &buffer, wanted, at: start + offset)
        guard count >= 0 else { throw .system(errno, "reading the data file") }
        guard count > 0 else { throw TransportTrouble("data file is shorter than it was", errno: EIO) }
        return count
    }

    /// Lends the descriptor, for a child process.
    func withDescriptor<Result>(_ use: (CInt, _ start: Int) -> Result) -> Result {
        use(descriptor.raw, start)
    }
}

extension TransportTrouble {
    static func system(_ number: CInt, _ what: ByteString) -> TransportTrouble {
        TransportTrouble(what, errno: number)
    }
}
