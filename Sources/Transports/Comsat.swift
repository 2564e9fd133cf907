import Bytes
import Glibc

/// Tells the comsat daemon of this host that mail has come (`notify_comsat`), as far as there is one.
enum Comsat {
    /// The port of the service `biff`.
    private static let port: UInt16 = 512
    /// The most octets of a name.
    private static let nameLimit = 200

    /// Sends `name@offset`: whose mailbox, and where in it the message begins; -1 where each message is a file.
    ///
    /// A datagram that nobody takes is no failure.
    static func notify(_ name: ByteString, at offset: Int64) {
        let socket = socket(AF_INET, CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { return }
        defer { close(socket) }
        let text = ("\(ByteString(name.prefix(nameLimit)))@\(offset)\n\0" as ByteString).bytes
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                _ = unsafe sendto(
                    socket, text, text.count, CInt(MSG_DONTWAIT), generic,
                    socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}
