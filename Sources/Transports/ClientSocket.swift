import Bytes
import Glibc
import SMTP

/// A TCP connection to a server, with a time limit on each wait.
///
/// Whoever waits gives its delivery loop to others; a loop watches the socket, that of the task that used it last.
struct ClientSocket: ~Copyable {
    /// What a read came to.
    enum Reading {
        case octets(ArraySlice<UInt8>)
        case timedOut
        case closed
        case failed(CInt)
    }

    private let descriptor: Descriptor
    private var loop: DeliveryLoop
    private var buffer = [UInt8](repeating: 0, count: 4096)
    /// Whether the last read filled the buffer, so that more may be there, which no loop tells again.
    private var mayHaveMore = false
    private(set) var local: (address: IPAddress, port: Int)?
    /// The proxy that the connection goes through; nil for a direct one.
    var proxy: UsedProxy?
    /// What has been read and not used.
    private var returned: ArraySlice<UInt8> = []

    private init(_ isV6: Bool, _ loops: DeliveryLoops) throws(SystemFailure) {
        let raw = socket(
            isV6 ? AF_INET6 : AF_INET,
            Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        guard raw >= 0 else { throw .last }
        let owned = Descriptor(raw)
        descriptor = owned
        loop = loops.present
    }

    deinit { loop.forget(descriptor.raw) }

    /// Connects; throws the errno (ETIMEDOUT at the time limit).
    static func connected(
        to address: IPAddress, port: Int, from interface: IPAddress?, timeout seconds: Int64,
        _ loops: DeliveryLoops
    ) async throws(SystemFailure) -> ClientSocket {
        var new = try ClientSocket(address.isV6, loops)
        let raw = new.descriptor.raw
        if let interface { try bind(raw, to: interface) }
        try await new.connect(address, port, seconds)
        var one: CInt = 1
        unsafe setsockopt(raw, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<CInt>.size))
        new.local = localName(raw)
        return new
    }

    /// Lets the system look now and then whether the peer is still there.
    func keepAlive() {
        var one: CInt = 1
        unsafe setsockopt(
            descriptor.raw, SOL_SOCKET, SO_KEEPALIVE, &one, socklen_t(MemoryLayout<CInt>.size))
    }

    /// Marks the packets that go out.
    func mark(_ trafficClass: TrafficClass) {
        var value = CInt(trafficClass.octet)
        let isV6 = local?.address.isV6 ?? false
        unsafe setsockopt(
            descriptor.raw, Int32(isV6 ? IPPROTO_IPV6 : IPPROTO_IP), isV6 ? IPV6_TCLASS : IP_TOS, &value,
            socklen_t(MemoryLayout<CInt>.size))
    }

    private static func withAddress<Result>(
        _ address: IPAddress, _ port: Int, _ use: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        let networkPort = UInt16(truncatingIfNeeded: port).bigEndian
        switch address {
        case .v4(let number):
            var name = sockaddr_in()
            name.sin_family = sa_family_t(AF_INET)
            name.sin_port = networkPort
            name.sin_addr.s_addr = number.bigEndian
            return unsafe withUnsafePointer(to: &name) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe use($0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        case .v6:
            var name = sockaddr_in6()
            name.sin6_family = sa_family_t(AF_INET6)
            name.sin6_port = networkPort
            unsafe withUnsafeMutableBytes(of: &name.sin6_addr) { unsafe $0.copyBytes(from: address.octets) }
            return unsafe withUnsafePointer(to: &name) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe use($0, socklen_t(MemoryLayout<sockaddr_in6>.size))
                }
            }
        }
    }

    private static func bind(_ raw: CInt, to interface: IPAddress) throws(SystemFailure) {
        let code = unsafe withAddress(interface, 0) { unsafe Glibc.bind(raw, $0, $1) }
        guard code == 0 else { throw .last }
    }

    private func connect(
        _ address: IPAddress, _ port: Int, _ seconds: Int64
    ) async throws(SystemFailure) {
        let raw = descriptor.raw
        let code = unsafe Self.withAddress(address, port) { unsafe Glibc.connect(raw, $0, $1) }
        let outcome = code == 0 ? 0 : errno
        guard outcome == 0 || outcome == EINPROGRESS else { throw SystemFailure(number: outcome) }
        // Not before: a socket that was never connected counts as closed.
        try loop.watch(raw)
        if outcome == 0 { return }
        guard await loop.wait(for: raw, .writing, seconds: seconds) == .ready else {
            throw SystemFailure(number: ETIMEDOUT)
        }
        var problem: CInt = 0
        var size = socklen_t(MemoryLayout<CInt>.size)
        unsafe getsockopt(raw, SOL_SOCKET, SO_ERROR, &problem, &size)
        guard problem == 0 else { throw SystemFailure(number: problem) }
    }

    private static func localName(_ raw: CInt) -> (IPAddress, Int)? {
        var name = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return unsafe withUnsafeMutablePointer(to: &name) { pointer in
            let code = unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe getsockname(raw, $0, &size)
            }
            guard code == 0 else { return nil }
            return unsafe pointer.withMemoryRebound(to: UInt8.self, capacity: Int(size)) { octets in
                let port = unsafe Int(octets[2]) << 8 | Int(octets[3])
                let isV6 = unsafe pointer.pointee.ss_family == sa_family_t(AF_INET6)
                let range = isV6 ? 8..<24 : 4..<8
                let address = IPAddress(octets: range.map { unsafe octets[$0] })
                return address.map { ($0, port) }
            }
        }
    }

    /// Waits for octets from the server.
    mutating func read(timeout seconds: Int64) async -> Reading {
        if mayHaveMore || !returned.isEmpty, let reading = readNow() { return reading }
        while true {
            guard await loop.wait(for: descriptor.raw, .reading, seconds: seconds) == .ready else {
                return .timedOut
            }
            if let reading = readNow() { return reading }
        }
    }

    /// Gives octets back that the next read is to give again.
    mutating func putBack(_ octets: ArraySlice<UInt8>) { returned += octets }

    /// What is there already; nil when nothing is.
    mutating func readNow() -> Reading? {
        if !returned.isEmpty {
            defer { returned = [] }
            return .octets(returned)
        }
        let count = unsafe Glibc.read(descriptor.raw, &buffer, buffer.count)
        mayHaveMore = count == buffer.count
        if count > 0 { return .octets(buffer[..<count]) }
        if count == 0 { return .closed }
        if errno == EAGAIN || errno == EINTR { return nil }
        return errno == ECONNRESET ? .closed : .failed(errno)
    }

    /// Sends octets; what the server says meanwhile goes to `hear`.
    ///
    /// Throws the errno, ETIMEDOUT at the time limit.
    mutating func write(
        _ octets: ArraySlice<UInt8>, timeout seconds: Int64, hear: (ArraySlice<UInt8>) -> Void
    ) async throws(SystemFailure) {
        var rest = octets
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes {
                unsafe send(descriptor.raw, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count > 0 {
                rest = rest.dropFirst(count)
                continue
            }
            guard errno == EAGAIN || errno == EINTR else { throw .last }
            switch readNow() {
            case .octets(let heard): hear(heard)
            case .closed: throw SystemFailure(number: EPIPE)
            case .failed(let number): throw SystemFailure(number: number)
            case .timedOut, nil: break
            }
            guard await loop.wait(for: descriptor.raw, .writing, seconds: seconds) == .ready else {
                throw SystemFailure(number: ETIMEDOUT)
            }
        }
    }
}
