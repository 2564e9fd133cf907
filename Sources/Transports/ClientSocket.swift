import Bytes
import Glibc

/// A TCP connection to a server, with a time limit on each wait.
struct ClientSocket: ~Copyable {
    /// What a read came to.
    enum Reading {
        case octets(ArraySlice<UInt8>)
        case timedOut
        case closed
        case failed(CInt)
    }

    private let descriptor: Descriptor
    private var buffer = [UInt8](repeating: 0, count: 4096)
    let local: (address: IPAddress, port: Int)?

    /// Connects; throws the errno (ETIMEDOUT at the time limit).
    init(
        to address: IPAddress, port: Int, from interface: IPAddress?, timeout seconds: Int64
    ) throws(SystemFailure) {
        let raw = socket(
            address.isV6 ? AF_INET6 : AF_INET,
            Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        guard raw >= 0 else { throw .last }
        let owned = Descriptor(raw)
        if let interface { try Self.bind(raw, to: interface) }
        try Self.connect(raw, address, port, seconds)
        var one: CInt = 1
        unsafe setsockopt(raw, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<CInt>.size))
        local = Self.localName(raw)
        descriptor = owned
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

    private static func connect(
        _ raw: CInt, _ address: IPAddress, _ port: Int, _ seconds: Int64
    ) throws(SystemFailure) {
        let code = unsafe withAddress(address, port) { unsafe Glibc.connect(raw, $0, $1) }
        if code == 0 { return }
        guard errno == EINPROGRESS else { throw .last }
        guard wait(raw, Int16(POLLOUT), seconds) != 0 else { throw SystemFailure(number: ETIMEDOUT) }
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

    /// Waits for octets from the server.
    mutating func read(timeout seconds: Int64) -> Reading {
        guard Self.wait(descriptor.raw, Int16(POLLIN), seconds) != 0 else { return .timedOut }
        return readNow() ?? .octets([])
    }

    /// What is there already; nil when nothing is.
    mutating func readNow() -> Reading? {
        let count = unsafe Glibc.read(descriptor.raw, &buffer, buffer.count)
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
    ) throws(SystemFailure) {
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
            let events = Self.wait(descriptor.raw, Int16(POLLOUT | POLLIN), seconds)
            guard events != 0 else { throw SystemFailure(number: ETIMEDOUT) }
            guard events & Int16(POLLIN) != 0 else { continue }
            switch readNow() {
            case .octets(let heard): hear(heard)
            case .closed: throw SystemFailure(number: EPIPE)
            case .failed(let number): throw SystemFailure(number: number)
            case .timedOut, nil: continue
            }
        }
    }
}
