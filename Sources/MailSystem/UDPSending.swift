import ACL
import Bytes
import Dispatch
import Glibc

/// Sends the packets of the ACL modifier `udpsend`; whether they arrive, nobody hears.
enum UDPSending {
    /// Gives why a packet cannot be sent: its host is not known, or the system refuses.
    static func send(_ datagram: Datagram) async -> ByteString? {
        await withCheckedContinuation { continuation in
            // A name may take a while to be found.
            DispatchQueue(label: "udpsend").async { continuation.resume(returning: sendAndWait(datagram)) }
        }
    }

    private static func sendAndWait(_ datagram: Datagram) -> ByteString? {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = CInt(SOCK_DGRAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let host = datagram.host
        let code = unsafe getaddrinfo(host.string, "\(datagram.port)", &hints, &list)
        guard code == 0, let first = unsafe list else {
            return "DNS lookup of \"\(host)\" in \"udpsend\" modifier failed"
        }
        defer { unsafe freeaddrinfo(list) }
        let descriptor = unsafe socket(
            first.pointee.ai_family, CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return refusal(host) }
        defer { close(descriptor) }
        let sent = unsafe datagram.octets.bytes.withUnsafeBytes { octets in
            unsafe sendto(
                descriptor, octets.baseAddress, octets.count, CInt(MSG_DONTWAIT),
                first.pointee.ai_addr, first.pointee.ai_addrlen)
        }
        return sent < 0 ? refusal(host) : nil
    }

    private static func refusal(_ host: ByteString) -> ByteString {
        let reason = unsafe ByteString(String(cString: strerror(errno)))
        return "\"udpsend\" to \(host) failed: \(reason)"
    }
}
