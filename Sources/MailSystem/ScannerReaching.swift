import ACL
import Bytes
import Glibc

/// Reaches the scanners of the ACL conditions `malware` and `spam`.
enum ScannerReaching {
    static let reach = ScannerReach(
        connect: connect, command: ProgramRunning.shell, pause: { sleep(UInt32(clamping: $0)) })

    private static func connect(
        _ place: ScannerPlace, _ end: ContinuousClock.Instant
    ) -> Result<any ScannerConnection, ScannerUnreachable> {
        switch place {
        case .path(let path):
            switch SocketReading.connect(path: path, until: end) {
            case .success(let descriptor): return .success(ScannerSocket(descriptor, path, end))
            case .failure(let reason):
                let why = reason.error.isEmpty ? reason.text : reason.error
                return .failure(
                    ScannerUnreachable("unable to connect to UNIX socket (\(path)): \(why)", peer: path))
            }
        case .internet(let host, let ports): return connect(host, ports, end)
        }
    }

    private static func connect(
        _ host: ByteString, _ ports: ClosedRange<UInt16>, _ end: ContinuousClock.Instant
    ) -> Result<any ScannerConnection, ScannerUnreachable> {
        var trouble = ScannerUnreachable("no port is named", peer: nil)
        for port in ports {
            func peer(_ address: IPAddress?) -> ByteString? { address.map { "[\($0.text)]:\(port)" } }
            switch SocketReading.addresses(host: host, port: "\(port)", until: end) {
            case .success(let found):
                return .success(ScannerSocket(found.descriptor, peer(found.address) ?? host, end))
            case .failure(.unknownHost):
                return .failure(
                    ScannerUnreachable("no IP address found for host \(host)", peer: nil, isUnknownHost: true)
                )
            case .failure(.refused(let number, let address)):
                let reason = SocketReading.text(of: number)
                trouble = ScannerUnreachable(
                    "failed to connect to any address for \(host): \(reason)", peer: peer(address))
            }
        }
        return .failure(trouble)
    }
}

/// A connection to a scanner that ends with the value.
private final class ScannerSocket: ScannerConnection {
    private static let blockSize = 1 << 14

    let peer: ByteString
    private let descriptor: CInt
    private let end: ContinuousClock.Instant

    init(_ descriptor: CInt, _ peer: ByteString, _ end: ContinuousClock.Instant) {
        self.descriptor = descriptor
        self.peer = peer
        self.end = end
    }

    deinit { close(descriptor) }

    func send(_ octets: ArraySlice<UInt8>) -> ByteString? {
        SocketReading.send(octets, to: descriptor, until: end) ? nil : SocketReading.text(of: errno)
    }

    func endSending() { shutdown(descriptor, CInt(SHUT_WR)) }

    func receive() -> ScannerRead {
        var block = [UInt8](repeating: 0, count: Self.blockSize)
        while true {
            guard SocketReading.isReady(descriptor, POLLIN, until: end) else {
                return .failed(SocketReading.text(of: ETIMEDOUT))
            }
            let count = unsafe read(descriptor, &block, block.count)
            if count < 0, errno == EINTR { continue }
            if count < 0 { return .failed(SocketReading.text(of: errno)) }
            return count == 0 ? .ended : .octets(Array(block[..<count]))
        }
    }
}
