import Bytes
import Foundation
import Glibc
import Synchronization
import TestKit

/// A SOCKS proxy that answers as a fixture says, connects where it is asked to, and records what it hears; it ends with the value.
final class ScriptedProxy: Sendable {
    private let script: Delivery.Proxy
    private let port: Int
    private let listener: CInt
    /// What each connection heard, in the order in which they were made.
    private let heard = Mutex<[[String]]>([])

    /// What is told of the proxy's other end.
    private static let reached = ByteString([5, 0, 0, 1, 127, 0, 0, 9, 0x1F, 0x90])

    private struct Ended: Error {}

    /// Starts a proxy on 127.0.2.x and the port.
    init(_ script: Delivery.Proxy, port: Int) throws {
        self.script = script
        self.port = port
        listener = try ListeningDescriptor.tcp(0x7F00_0200 + script.address, port)
        Thread.detachNewThread { [listener, weak self] in
            while true {
                let descriptor = accept(listener, nil, nil)
                guard descriptor >= 0 else { return }
                _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
                guard let proxy = self else { return }
                Thread.detachNewThread { proxy.serve(descriptor) }
            }
        }
    }

    deinit {
        shutdown(listener, CInt(SHUT_RDWR))
        close(listener)
    }

    /// What was heard, a line for each.
    var lines: [String] { heard.withLock { $0.flatMap(\.self) } }

    private func record(_ number: Int, _ text: String) {
        heard.withLock { $0[number].append("127.0.2.\(script.address) \(text)") }
    }

    private func serve(_ descriptor: CInt) {
        let number = heard.withLock { heard in
            heard.append([])
            return heard.count - 1
        }
        record(number, "<connection>")
        let client = LoopbackStream(descriptor: descriptor)
        do { try hold(client, descriptor, number) } catch is Ended {} catch { record(number, "<lost>") }
    }

    private static func answer(_ answers: [ByteString], _ number: Int) -> ByteString? {
        answers.indices.contains(number) ? answers[number] : answers.last
    }

    private func hold(_ client: LoopbackStream, _ descriptor: CInt, _ number: Int) throws {
        let method = Self.answer(script.methods, number)
        let methods = try hear(client, number, 2) { Int($0[1]) }
        record(number, "methods \(Self.hex(methods))")
        try answer(client, number, method ?? ByteString([5, methods[2]]))
        if (method ?? methods).last == 2 {
            let name = try hear(client, number, 2) { Int($0[1]) + 1 }
            let password = try hear(client, number, 0) { _ in Int(name[name.count - 1]) }
            record(
                number,
                "name \(Latin1.text(ByteString(name[2..<(name.count - 1)]))) pass \(Latin1.text(password))")
            try answer(client, number, Self.answer(script.logins, number) ?? ByteString([1, 0]))
        }
        let request = try hear(client, number, 4) { $0[3] == 4 ? 18 : 6 }
        record(
            number, "request \(Self.hex(ByteString(request.dropLast(2)))) port \(Self.port(request) == port)")
        try answer(client, number, Self.answer(script.replies, number) ?? Self.reached)
        let place = request[4..<8].reduce(0) { $0 << 8 | UInt32($1) }
        let server = try ListeningDescriptor.connection(place, Self.port(request))
        let done = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            Self.copy(from: server, to: descriptor)
            done.signal()
        }
        // A client may end its half before the server has answered.
        do { try copyRest(of: client, to: server) } catch { record(number, "<lost>") }
        done.wait()
        close(server)
    }

    private static func port(_ request: ByteString) -> Int {
        Int(request[request.count - 2]) << 8 | Int(request[request.count - 1])
    }

    /// So many octets, and as many more as these say.
    private func hear(
        _ client: LoopbackStream, _ number: Int, _ count: Int, _ more: (ByteString) -> Int
    ) throws -> ByteString {
        guard let start = count == 0 ? "" : try client.read(count),
            let rest = more(start) == 0 ? "" : try client.read(more(start))
        else {
            record(number, "<closed>")
            throw Ended()
        }
        return start + rest
    }

    private func answer(_ client: LoopbackStream, _ number: Int, _ octets: ByteString) throws {
        let marks: [ByteString] = ["<pieces>", "<silence>", "<close>"]
        let mark = marks.first { octets.starts(with: $0) }
        let rest = ByteString(octets.dropFirst(mark?.count ?? 0))
        switch mark {
        case "<silence>":
            // Until the client has had enough.
            while try client.readSome() != nil {}
            record(number, "<closed>")
            throw Ended()
        case "<close>":
            try client.write(rest)
            client.shutDown()
            throw Ended()
        case "<pieces>":
            for octet in rest {
                try client.write(ByteString([octet]))
                usleep(2_000)
            }
        default: try client.write(rest)
        }
    }

    private static func hex(_ octets: ByteString) -> String {
        octets.map { String(format: "%02x", $0) }.joined(separator: " ")
    }

    // MARK: From end to end

    private func copyRest(of client: LoopbackStream, to server: CInt) throws {
        defer { shutdown(server, CInt(SHUT_WR)) }
        while let octets = try client.readSome() {
            guard
                unsafe octets.bytes.withUnsafeBytes({
                    unsafe send(server, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
                })
                    == octets.count
            else { return }
        }
    }

    private static func copy(from server: CInt, to client: CInt) {
        var block = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = unsafe read(server, &block, block.count)
            guard count > 0, unsafe send(client, block, count, CInt(MSG_NOSIGNAL)) == count else { break }
        }
        shutdown(client, CInt(SHUT_WR))
    }
}

/// Sockets of servers and clients on 127.0.0.0/8.
enum ListeningDescriptor {
    /// One that listens.
    static func tcp(_ address: UInt32, _ port: Int, backlog: CInt = 50) throws -> CInt {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        var on: CInt = 1
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<CInt>.size))
        let done = unsafe withPlace(address, port) { unsafe bind(descriptor, $0, $1) == 0 }
        guard done, listen(descriptor, backlog) == 0 else {
            throw Stage.Failure(description: "cannot listen on port \(port): error \(errno)")
        }
        return descriptor
    }

    /// One that is connected.
    static func connection(_ address: UInt32, _ port: Int) throws -> CInt {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard unsafe withPlace(address, port, { unsafe connect(descriptor, $0, $1) == 0 }) else {
            throw Stage.Failure(description: "cannot connect to port \(port): error \(errno)")
        }
        return descriptor
    }

    private static func withPlace(
        _ address: UInt32, _ port: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Bool
    ) -> Bool {
        var place = loopbackAddress(port, address)
        return unsafe withUnsafePointer(to: &place) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}
