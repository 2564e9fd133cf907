import Bytes
import Configuration
import Glibc
import MailSystem
import NIOCore
import NIOPosix
import Synchronization

/// A bound socket that outlives the channels that accept on it.
///
/// NIO closes a server channel over any error of `accept` but five, also over those that concern one connection
/// only (accept(2) names a dozen: EPROTO, ENETDOWN, EPERM of a firewall, ...). A receiver that has given up root could
/// not bind its port again; so the socket is kept here, and channels get copies of its descriptor.
final class ListeningSocket: Sendable {
    /// How many connections may wait to be accepted.
    private let backlog: CInt

    private struct State {
        /// -1 when it has been closed.
        var descriptor: CInt
        var channel: (any Channel)?
    }

    /// Where it listens, with the port that the system chose where that was 0.
    let local: SocketAddress
    private let state: Mutex<State>

    /// Binds an address; the error is the system's.
    init(_ address: ListeningAddress, backlog: Int) throws {
        self.backlog = CInt(clamping: backlog)
        let wanted = try SocketAddress(ipAddress: address.host, port: address.port)
        let descriptor = try Self.bound(wanted, backlog: self.backlog)
        local = try SocketAddress(ipAddress: address.host, port: Self.port(of: descriptor))
        state = Mutex(State(descriptor: descriptor))
    }

    /// Whether `close` has been called.
    var isClosed: Bool { state.withLock { $0.descriptor < 0 } }

    /// A descriptor of the socket for a channel to own; nil when it has been closed, or there is none to be had.
    func copy() -> CInt? {
        state.withLock { state in
            guard state.descriptor >= 0 else { return nil }
            let copy = fcntl(state.descriptor, F_DUPFD_CLOEXEC, 0)
            return copy >= 0 ? copy : nil
        }
    }

    /// The kernel's `struct tcp_info`: where the number of connections that wait stands in that of a listening socket.
    private static let (tcpInfo, unacknowledged): (CInt, Int) = (11, 24)

    /// How many connections wait to be accepted.
    var backlogNow: Int {
        state.withLock { state in
            var octets = [UInt8](repeating: 0, count: 256)
            var size = socklen_t(octets.count)
            guard unsafe getsockopt(state.descriptor, CInt(IPPROTO_TCP), Self.tcpInfo, &octets, &size) == 0,
                Int(size) >= Self.unacknowledged + 4
            else { return 0 }
            let number = octets[Self.unacknowledged..<(Self.unacknowledged + 4)]
            return number.reversed().reduce(0) { $0 << 8 | Int($1) }
        }
    }

    /// Where it listens, as the log has it.
    var place: ByteString { "[\(local.ipAddress ?? "")]:\(local.port ?? 0)" }

    /// Notes who accepts now; a channel that comes after `close` is closed at once.
    func serve(by channel: any Channel) {
        let isLate = state.withLock { state in
            state.channel = channel
            // NIO has set a backlog of its own.
            if state.descriptor >= 0 { _ = listen(state.descriptor, backlog) }
            return state.descriptor < 0
        }
        if isLate { channel.close(promise: nil) }
    }

    /// Accepts nobody any more.
    func close() {
        let channel = state.withLock { state in
            if state.descriptor >= 0 { _ = Glibc.close(state.descriptor) }
            state.descriptor = -1
            return state.channel
        }
        channel?.close(promise: nil)
    }

    private static func bound(_ address: SocketAddress, backlog: CInt) throws -> CInt {
        let family = address.protocol == .inet6 ? AF_INET6 : AF_INET
        let kind = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
        let descriptor = socket(family, kind, 0)
        guard descriptor >= 0 else { throw IOError(errnoCode: errno, reason: "socket") }
        var one: CInt = 1
        let size = socklen_t(MemoryLayout<CInt>.size)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, size)
        // IPv4 has sockets of its own, also where both families listen on the same port of all interfaces.
        if family == AF_INET6 {
            unsafe setsockopt(descriptor, CInt(IPPROTO_IPV6), IPV6_V6ONLY, &one, size)
        }
        let isBound = unsafe address.withSockAddr { unsafe bind(descriptor, $0, socklen_t($1)) == 0 }
        guard isBound, listen(descriptor, backlog) == 0 else {
            let number = errno
            _ = Glibc.close(descriptor)
            throw IOError(errnoCode: number, reason: "bind")
        }
        return descriptor
    }

    /// The port, which stands at the same place in the addresses of both families.
    private static func port(of descriptor: CInt) throws -> Int {
        var address = [UInt8](repeating: 0, count: 128)
        var size = socklen_t(address.count)
        let isKnown = unsafe address.withUnsafeMutableBytes { octets in
            unsafe octets.withMemoryRebound(to: sockaddr.self) { name in
                unsafe getsockname(descriptor, name.baseAddress, &size) == 0
            }
        }
        guard isKnown else { throw IOError(errnoCode: errno, reason: "getsockname") }
        return Int(address[2]) << 8 | Int(address[3])
    }
}

/// How long a daemon waits for a port that another process still has (`daemon_startup_retries`, `daemon_startup_sleep`).
struct BindingPatience: Sendable {
    var retries: Int64
    var pause: Int64

    init(_ main: OptionBlock) {
        retries = main.number("daemon_startup_retries") ?? 9
        pause = main.seconds("daemon_startup_sleep") ?? 30
    }

    /// Binds an address, again and again while it is taken; the error says which and why.
    func bind(
        _ address: ListeningAddress, backlog: Int, _ log: SessionLog
    ) async throws(StartError) -> ListeningSocket {
        var left = retries
        while true {
            let trouble: any Error
            do { return try ListeningSocket(address, backlog: backlog) } catch { trouble = error }
            let code = (trouble as? IOError)?.errnoCode
            let reason = ByteString(code.map { unsafe String(cString: strerror($0)) } ?? "\(trouble)")
            let what: ByteString =
                "socket bind() to port \(address.port) for address \(ByteString(address.host)) failed: \(reason)"
            guard code == EADDRINUSE, left > 0 else {
                log.panic("\(what): daemon abandoned")
                throw StartError(
                    "cannot listen on \(address.host) port \(address.port): \(reason); is the port in use?")
            }
            let wait = EximInterval.format(pause)
            log.main(
                "\(what): waiting \(wait) before trying again (\(left) more \(left == 1 ? "try" : "tries"))")
            left -= 1
            try? await Task.sleep(for: .seconds(pause))
        }
    }
}
