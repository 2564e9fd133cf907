import Bytes
import Dispatch
import Expansion
import Glibc
import Synchronization

/// Asks the servers that `${readsocket}` names.
enum SocketReading {
    /// The most octets of an answer.
    static let mostOctets = 1 << 20

    static func ask(_ request: SocketRequest) async -> SocketAnswer {
        await withCheckedContinuation { continuation in
            // A queue of its own has a thread at once, however many servers are waited for.
            DispatchQueue(label: "readsocket").async { continuation.resume(returning: askAndWait(request)) }
        }
    }

    /// A connection to a server of this machine that talks in lines.
    static func open(_ path: ByteString) async -> Result<any LineConnection, SocketTrouble> {
        switch connect(path: path, until: .now + .seconds(LineSocket.patience)) {
        case .success(let descriptor): .success(LineSocket(descriptor))
        case .failure(let reason): .failure(SocketTrouble(reason.text, error: reason.error))
        }
    }

    private static func askAndWait(_ request: SocketRequest) -> SocketAnswer {
        let end = ContinuousClock.now + .seconds(request.timeout)
        switch connect(request.place, until: end) {
        case .failure(let reason): return .failed(reason.text)
        case .success(let descriptor):
            defer { close(descriptor) }
            guard send(request.request, to: descriptor, until: end) else {
                return .failed("request write to socket failed: \(text(of: errno))")
            }
            if request.shuts { shutdown(descriptor, CInt(SHUT_WR)) }
            return readAll(descriptor, until: end)
        }
    }

    struct Reason: Error {
        let text: ByteString
        /// The system's words alone; empty where there are none.
        var error: ByteString = ""
    }

    static func text(of number: CInt) -> ByteString {
        var buffer = [CChar](repeating: 0, count: 256)
        guard unsafe strerror_r(number, &buffer, buffer.count) == 0 else { return "errno \(number)" }
        return ByteString(buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) })
    }

    private static func connect(
        _ place: SocketRequest.Place, until end: ContinuousClock.Instant
    ) -> Result<CInt, Reason> {
        switch place {
        case .path(let path): return connect(path: path, until: end)
        case .internet(let host, let port): return connect(host: host, port: port, until: end)
        }
    }

    static func connect(
        path: ByteString, until end: ContinuousClock.Instant
    ) -> Result<CInt, Reason> {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let room = MemoryLayout.size(ofValue: address.sun_path)
        guard path.count < room else {
            return .failure(Reason(text: "failed to connect to socket \(path): the path is too long"))
        }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.bytes) }
        let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else {
            return .failure(Reason(text: "failed to create socket: \(text(of: errno))"))
        }
        let code = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard code == 0 else {
            let reason = text(of: errno)
            close(descriptor)
            return .failure(Reason(text: "failed to connect to socket \(path): \(reason)", error: reason))
        }
        return .success(descriptor)
    }

    private static func connect(
        host: ByteString, port: ByteString, until end: ContinuousClock.Instant
    ) -> Result<CInt, Reason> {
        switch addresses(host: host, port: port, until: end) {
        case .success(let found): return .success(found.descriptor)
        case .failure(.unknownHost(let reason)):
            return .failure(Reason(text: "failed to find \(host) port \(port) for readsocket: \(reason)"))
        case .failure(.refused(let number, _)):
            let reason = text(of: number)
            return .failure(Reason(text: "failed to connect to any address for \(host): \(reason)"))
        }
    }

    /// Why a host cannot be reached.
    enum HostTrouble: Error {
        /// There is no such host; the system's words.
        case unknownHost(ByteString)
        /// No address answers: the last error, and the last address.
        case refused(CInt, IPAddress?)
    }

    /// Connects to the first address of a host that answers.
    static func addresses(
        host: ByteString, port: ByteString, until end: ContinuousClock.Instant
    ) -> Result<(descriptor: CInt, address: IPAddress?), HostTrouble> {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = unsafe getaddrinfo(host.string, port.string, &hints, &list)
        guard code == 0 else {
            let reason = unsafe ByteString(String(cString: gai_strerror(code)))
            return .failure(.unknownHost(reason))
        }
        defer { unsafe freeaddrinfo(list) }
        var last: CInt = ECONNREFUSED
        var address: IPAddress?
        var entry = unsafe list
        while let current = unsafe entry {
            let descriptor = unsafe socket(
                current.pointee.ai_family,
                CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
            address = unsafe LocalInterfaces.ip(current.pointee.ai_addr)
            let begun = unsafe Glibc.connect(descriptor, current.pointee.ai_addr, current.pointee.ai_addrlen)
            if begun == 0 || (errno == EINPROGRESS && isConnected(descriptor, until: end)) {
                _ = fcntl(descriptor, F_SETFL, 0)
                return .success((descriptor, address))
            }
            last = errno
            close(descriptor)
            unsafe entry = current.pointee.ai_next
        }
        return .failure(.refused(last, address))
    }

    /// Waits for a connection that was begun; else leaves its error in `errno`.
    private static func isConnected(_ descriptor: CInt, until end: ContinuousClock.Instant) -> Bool {
        guard isReady(descriptor, POLLOUT, until: end) else {
            errno = ETIMEDOUT
            return false
        }
        var code: CInt = 0
        var length = socklen_t(MemoryLayout<CInt>.size)
        guard unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length) == 0 else { return false }
        errno = code
        return code == 0
    }

    static func isReady(_ descriptor: CInt, _ event: CInt, until end: ContinuousClock.Instant)
        -> Bool
    {
        while true {
            let left = (end - .now).components
            let milliseconds = left.seconds * 1000 + left.attoseconds / 1_000_000_000_000_000
            guard milliseconds > 0 else { return false }
            var waiting = pollfd(fd: descriptor, events: Int16(event), revents: 0)
            let ready = unsafe poll(&waiting, 1, CInt(clamping: milliseconds))
            if ready < 0, errno == EINTR { continue }
            return ready > 0
        }
    }

    static func send(
        _ octets: ByteString, to descriptor: CInt, until end: ContinuousClock.Instant
    ) -> Bool {
        send(octets.bytes[...], to: descriptor, until: end)
    }

    static func send(
        _ octets: ArraySlice<UInt8>, to descriptor: CInt, until end: ContinuousClock.Instant
    ) -> Bool {
        var rest = octets
        while !rest.isEmpty {
            guard isReady(descriptor, POLLOUT, until: end) else {
                errno = ETIMEDOUT
                return false
            }
            let count = unsafe rest.withUnsafeBytes {
                unsafe Glibc.send(
                    descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL | MSG_DONTWAIT))
            }
            if count < 0 {
                if errno == EINTR || errno == EAGAIN { continue }
                return false
            }
            rest = rest.dropFirst(count)
        }
        return true
    }

    private static func readAll(_ descriptor: CInt, until end: ContinuousClock.Instant) -> SocketAnswer {
        var answer = ByteString()
        var block = [UInt8](repeating: 0, count: 1 << 14)
        while answer.count < mostOctets {
            guard isReady(descriptor, POLLIN, until: end) else { return .failed("socket read timed out") }
            let count = unsafe read(descriptor, &block, block.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { return .failed("read from socket failed: \(text(of: errno))") }
            if count == 0 { break }
            answer += block[..<count]
        }
        return .answer(answer)
    }
}

/// A socket that is read line by line.
private final class LineSocket: LineConnection {
    /// Seconds that a server may take for a line: Dovecot lets those wait who were refused before.
    static let patience = 60
    /// The most octets of a line.
    private static let mostOctets = 1 << 16

    private let descriptor: CInt
    private let unread = Mutex<[UInt8]>([])

    init(_ descriptor: CInt) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    func send(_ octets: ByteString) async -> Bool {
        await wait { SocketReading.send(octets, to: $0, until: .now + .seconds(Self.patience)) }
    }

    func line() async -> ByteString? {
        await wait { descriptor in
            let end = ContinuousClock.now + .seconds(Self.patience)
            return self.unread.withLock { Self.readLine(descriptor, &$0, until: end) }
        }
    }

    private func wait<Value: Sendable>(_ work: @escaping @Sendable (CInt) -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            // The socket stays open until the work is done, since the closure keeps it.
            DispatchQueue(label: "linesocket").async { continuation.resume(returning: work(self.descriptor)) }
        }
    }

    private static func readLine(
        _ descriptor: CInt, _ unread: inout [UInt8], until end: ContinuousClock.Instant
    ) -> ByteString? {
        var block = [UInt8](repeating: 0, count: 1 << 12)
        while true {
            if let place = unread.firstIndex(of: .newline) {
                defer { unread.removeFirst(place + 1) }
                return ByteString(unread[..<place])
            }
            guard unread.count < mostOctets, SocketReading.isReady(descriptor, POLLIN, until: end) else {
                return nil
            }
            let count = unsafe read(descriptor, &block, block.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return nil }
            unread += block[..<count]
        }
    }
}
