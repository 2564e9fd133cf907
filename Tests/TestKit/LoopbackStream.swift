package import Bytes
package import Glibc
import OpenSSL
import Synchronization

/// A TCP connection on 127.0.0.1 that is read line by line; it is closed when the value goes.
package final class LoopbackStream: Sendable {
    /// How long a peer may be silent unless said otherwise, in milliseconds.
    package static let patience: CInt = 120_000

    private let descriptor: CInt
    private let patience: CInt
    private let unread = Mutex(ByteString())
    /// The TLS session; nil in clear text.
    let session = Mutex<TLSSession?>(nil)

    /// Takes over an open descriptor.
    package init(descriptor: CInt) {
        self.descriptor = descriptor
        patience = Self.patience
    }

    /// Connects to a port.
    ///
    /// - Parameters:
    ///   - port: the port of 127.0.0.1.
    ///   - source: our own address; any of 127.0.0.0/8, so that the peer can tell many clients apart.
    ///   - patience: how long the peer may be silent, in milliseconds.
    ///   - room: how many octets the system keeps for us to read, about; nil for its usual room.
    package init(
        port: Int, from source: UInt32 = 0x7F00_0001, patience: CInt = LoopbackStream.patience,
        room: CInt? = nil
    ) throws {
        descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        self.patience = patience
        if var room {
            unsafe setsockopt(
                descriptor, SOL_SOCKET, SO_RCVBUF, &room, socklen_t(MemoryLayout<CInt>.size))
        }
        var own = loopbackAddress(0)
        own.sin_addr.s_addr = source.bigEndian
        var address = loopbackAddress(port)
        let connected =
            unsafe Self.withGeneral(&own) { unsafe bind(descriptor, $0, $1) == 0 }
            && Self.withGeneral(&address) { unsafe connect(descriptor, $0, $1) == 0 }
        // The descriptor is closed by deinit, which runs for a failed init too.
        guard connected else {
            let error = errno
            throw Program.Failure(description: "connecting to 127.0.0.1 port \(port): error \(error)")
        }
    }

    private static func withGeneral(
        _ address: inout sockaddr_in, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Bool
    ) -> Bool {
        unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    deinit { close(descriptor) }

    /// Sends octets, under TLS where it stands; throws when the peer has gone.
    package func write(_ octets: ByteString) throws {
        let sealed = try session.withLock { session -> ByteString? in
            guard session != nil else { return nil }
            try session?.encrypt(octets.bytes[...])
            return ByteString(session?.takeOutput() ?? [])
        }
        try writeRaw(sealed ?? octets)
    }

    /// Sends octets as they are.
    func writeRaw(_ octets: ByteString) throws {
        var sent = 0
        while sent < octets.count {
            let count = unsafe octets.bytes[sent...].withUnsafeBytes { buffer in
                unsafe send(descriptor, buffer.baseAddress, buffer.count, CInt(MSG_NOSIGNAL))
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw Program.Failure(description: "sending: error \(errno)") }
            sent += count
        }
    }

    /// Reads a line, and gives it without its CRLF or LF; nil when the peer has closed.
    package func readLine() throws -> ByteString? {
        try unread.withLock { unread in
            while true {
                if let line = unread.takeLine() { return line }
                guard let more = try readSome() else { return nil }
                unread += more
            }
        }
    }

    /// Reads that many octets; nil when the peer has closed before.
    package func read(_ count: Int) throws -> ByteString? {
        try unread.withLock { unread in
            while unread.count < count {
                guard let more = try readSome() else { return nil }
                unread += more
            }
            let octets = ByteString(unread.prefix(count))
            unread = ByteString(unread.dropFirst(count))
            return octets
        }
    }

    /// Reads the octets of a message up to the line with just a dot, and undoes the doubling of leading dots.
    package func readMessage() throws -> ByteString? {
        var message = ByteString()
        while true {
            guard let line = try readLine() else { return nil }
            if line == "." { return message }
            message += line.first == UInt8(ascii: ".") ? ByteString(line.dropFirst()) : line
            message.append(.newline)
        }
    }

    /// Says that nothing more will be written, and nothing more read.
    package func shutDown() { shutdown(descriptor, CInt(SHUT_RDWR)) }

    /// Makes the end of the value a reset instead of an orderly close.
    package func resetAtEnd() {
        var option = linger(l_onoff: 1, l_linger: 0)
        unsafe _ = setsockopt(
            descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    }

    /// Says that nothing more will be written; what the peer still says can be read.
    package func endWriting() { shutdown(descriptor, CInt(SHUT_WR)) }

    /// Reads what has come, at most so many octets in clear text; waits for the first; nil when the peer has closed.
    package func readSome(atMost limit: Int = 1 << 16) throws -> ByteString? {
        guard isSecure else { return try readRaw(atMost: limit) }
        while true {
            let reading = try session.withLock { session -> TLSSession.Reading? in try session?.decrypt() }
            switch reading {
            case .octets(let octets): return ByteString(octets)
            case .closed, nil: return nil
            case .needsInput:
                guard let more = try readRaw(atMost: limit) else { return nil }
                session.withLock { $0?.feed(more.bytes[...]) }
            }
        }
    }

    /// Reads octets as they are.
    func readRaw(atMost limit: Int = 1 << 16) throws -> ByteString? {
        var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard unsafe poll(&waiting, 1, patience) == 1 else {
            throw Program.Failure(description: "the peer has been silent for \(patience / 1000) seconds")
        }
        var buffer = [UInt8](repeating: 0, count: limit)
        let count = unsafe recv(descriptor, &buffer, buffer.count, 0)
        guard count > 0 else { return nil }
        return ByteString(buffer[0..<count])
    }
}

extension ByteString {
    /// Takes the first line away, and gives it without its CRLF or LF; nil when it is not whole.
    package mutating func takeLine() -> ByteString? {
        guard let cut = cut(at: .newline) else { return nil }
        var line = ByteString(cut.before)
        if line.last == .carriageReturn { line.bytes.removeLast() }
        self = ByteString(cut.after)
        return line
    }
}

/// A socket that listens on a free port of 127.0.0.1, or on a given one of another loopback address.
package final class LoopbackListener: Sendable {
    /// The port.
    package let port: Int
    private let descriptor: CInt

    /// Binds it.
    package init(port wanted: Int = 0, host: UInt32 = 0x7F00_0001) throws {
        let raw = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        var address = loopbackAddress(wanted, host)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let done = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { general in
                unsafe bind(raw, general, length) == 0 && listen(raw, 200) == 0
                    && getsockname(raw, general, &length) == 0
            }
        }
        descriptor = raw
        port = Int(UInt16(bigEndian: address.sin_port))
        // The descriptor is closed by deinit, which runs for a failed init too.
        guard done else { throw Program.Failure(description: "cannot listen on 127.0.0.1: error \(errno)") }
    }

    deinit { close(descriptor) }

    /// Ends every waiting for a connection.
    package func stop() { shutdown(descriptor, CInt(SHUT_RDWR)) }

    /// Waits for a connection to one of several listeners, and gives its place among them; nil when one was stopped.
    package static func next(of listeners: [LoopbackListener]) -> (place: Int, stream: LoopbackStream)? {
        var waiting = listeners.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
        guard unsafe poll(&waiting, nfds_t(waiting.count), -1) > 0,
            let place = waiting.firstIndex(where: { $0.revents != 0 })
        else { return nil }
        let descriptor = accept(listeners[place].descriptor, nil, nil)
        guard descriptor >= 0 else { return nil }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        return (place, LoopbackStream(descriptor: descriptor))
    }
}

/// A port of 127.0.0.1, or of another address, as the socket calls want it.
package func loopbackAddress(_ port: Int, _ host: UInt32 = 0x7F00_0001) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(truncatingIfNeeded: port).bigEndian
    address.sin_addr.s_addr = host.bigEndian
    return address
}
