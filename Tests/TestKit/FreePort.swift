import Glibc
import Synchronization

/// The ports that have been given away; each is given once.
private let given = Mutex<Set<UInt16>>([])

/// A port of 127.0.0.1 that was free for both TCP and UDP a moment ago, and that nobody gets by chance.
///
/// It lies below the range from which the kernel takes ports for connections (`ip_local_port_range`), since a
/// connection of another test could take it between now and the server's `bind`.
package func freePort() throws -> Int {
    for _ in 0..<500 {
        let port = UInt16.random(in: 10_000..<32_768)
        guard given.withLock({ $0.insert(port).inserted }), canBind(SOCK_STREAM, port),
            canBind(SOCK_DGRAM, port)
        else { continue }
        return Int(port)
    }
    throw Program.Failure(description: "no free port on 127.0.0.1")
}

private func canBind(_ kind: __socket_type, _ port: UInt16) -> Bool {
    let descriptor = socket(AF_INET, CInt(kind.rawValue), 0)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var address = loopback(port)
    return unsafe withUnsafePointer(to: &address) { pointer in
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            unsafe bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
        }
    }
}

private func loopback(_ port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return address
}

/// Whether a DNS server answers anything at all on that port of a loopback address within the time.
func answersDNS(port: Int, at host: UInt32 = 0x7F00_0001, milliseconds: CInt) -> Bool {
    let descriptor = socket(AF_INET, CInt(SOCK_DGRAM.rawValue), 0)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var address = loopback(UInt16(port))
    address.sin_addr.s_addr = host.bigEndian
    let connected = unsafe withUnsafePointer(to: &address) { pointer in
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
        }
    }
    // A question for the root's SOA record, with number 1.
    let question: [UInt8] = [0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 1]
    guard connected, unsafe send(descriptor, question, question.count, Int32(MSG_NOSIGNAL)) > 0
    else { return false }
    var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    var reply = [UInt8](repeating: 0, count: 512)
    return unsafe poll(&waiting, 1, milliseconds) == 1 && recv(descriptor, &reply, reply.count, 0) > 0
}
