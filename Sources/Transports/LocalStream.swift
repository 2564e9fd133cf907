import Bytes
import Glibc

/// A stream of octets to and from a process on this machine, with a time limit on each wait.
struct LocalStream: ~Copyable {
    private let reading: Descriptor
    private let writing: Descriptor
    private var buffer = [UInt8](repeating: 0, count: 4096)

    /// Takes over the ends of two pipes; neither blocks from now on.
    init(reading: consuming Descriptor, writing: consuming Descriptor) {
        for raw in [reading.raw, writing.raw] { _ = fcntl(raw, F_SETFL, fcntl(raw, F_GETFL) | O_NONBLOCK) }
        self.reading = reading
        self.writing = writing
    }

    /// Connects to a local socket; throws the errno.
    static func connect(to path: ByteString) throws(SystemFailure) -> LocalStream {
        let raw = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard raw >= 0 else { throw .last }
        let owned = Descriptor(raw)
        var name = sockaddr_un()
        name.sun_family = sa_family_t(AF_UNIX)
        guard path.count < MemoryLayout.size(ofValue: name.sun_path) else {
            throw SystemFailure(number: ENAMETOOLONG)
        }
        unsafe withUnsafeMutableBytes(of: &name.sun_path) { unsafe $0.copyBytes(from: path) }
        let code = unsafe withUnsafePointer(to: &name) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe Glibc.connect(raw, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard code == 0 else { throw .last }
        let copy = fcntl(raw, F_DUPFD_CLOEXEC, 3)
        guard copy >= 0 else { throw .last }
        return LocalStream(reading: owned, writing: Descriptor(copy))
    }

    /// Waits for octets.
    mutating func read(within seconds: Int64) -> ClientSocket.Reading {
        while true {
            guard Self.wait(reading.raw, Int16(POLLIN), seconds) != 0 else { return .timedOut }
            let count = unsafe Glibc.read(reading.raw, &buffer, buffer.count)
            if count > 0 { return .octets(buffer[..<count]) }
            if count == 0 { return .closed }
            guard errno == EAGAIN || errno == EINTR else { return .failed(errno) }
        }
    }

    /// Sends octets; throws the errno, ETIMEDOUT at the time limit.
    func write(_ octets: ArraySlice<UInt8>, within seconds: Int64) throws(SystemFailure) {
        var rest = octets
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes {
                unsafe Glibc.write(writing.raw, $0.baseAddress, $0.count)
            }
            if count > 0 {
                rest = rest.dropFirst(count)
                continue
            }
            guard errno == EAGAIN || errno == EINTR else { throw .last }
            guard Self.wait(writing.raw, Int16(POLLOUT), seconds) != 0 else {
                throw SystemFailure(number: ETIMEDOUT)
            }
        }
    }

    /// Waits for an event; 0 when the time is over.
    private static func wait(_ raw: CInt, _ events: Int16, _ seconds: Int64) -> Int16 {
        let end = System.moment().seconds + max(seconds, 1)
        while true {
            var entry = pollfd(fd: raw, events: events, revents: 0)
            let left = end - System.moment().seconds
            guard left > 0 else { return 0 }
            let count = unsafe poll(&entry, 1, CInt(clamping: left * 1000))
            if count > 0 { return entry.revents }
            if count == 0 { return 0 }
            if errno != EINTR { return Int16(POLLERR) }
        }
    }
}
