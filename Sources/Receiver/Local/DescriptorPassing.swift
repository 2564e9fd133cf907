import Bytes
import Glibc

/// Sends descriptors and words over a Unix socket, and receives them (unix(7), SCM_RIGHTS).
enum DescriptorPassing {
    /// The most octets of words that are taken.
    static let mostOctets = 4 << 20
    /// SCM_RIGHTS.
    private static let rights: CInt = 1
    /// The octets of a control message's header, and those with three descriptors.
    private static let headerSize = 16
    private static let count = 3
    private static let controlSize = 32

    /// Sends standard input, output and error, and the words; false when the other end is gone.
    static func send(_ words: [ByteString], over socket: CInt) -> Bool {
        let payload = words.reduce(into: [UInt8]()) { $0 += $1.bytes + [0] }
        let length = withBytes(of: UInt64(payload.count))
        guard sendRights(length, over: socket) else { return false }
        var rest = payload[...]
        while !rest.isEmpty {
            let sent = unsafe rest.withUnsafeBytes { unsafe Glibc.write(socket, $0.baseAddress, $0.count) }
            if sent < 0, errno == EINTR { continue }
            guard sent > 0 else { return false }
            rest = rest.dropFirst(sent)
        }
        return true
    }

    private static func withBytes(of number: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }

    private static func sendRights(_ octets: [UInt8], over socket: CInt) -> Bool {
        var control = [UInt8](repeating: 0, count: controlSize)
        let length = withBytes(of: UInt64(headerSize + count * 4))
        control.replaceSubrange(0..<8, with: length)
        control.replaceSubrange(8..<12, with: withBytes(of: UInt64(UInt32(bitPattern: SOL_SOCKET))).prefix(4))
        control.replaceSubrange(12..<16, with: withBytes(of: UInt64(UInt32(bitPattern: rights))).prefix(4))
        for number in 0..<count { control[headerSize + number * 4] = UInt8(number) }
        var octets = octets
        return unsafe message(&octets, &control) { unsafe sendmsg(socket, $0, 0) } == octets.count
    }

    /// Receives them; nil when what comes has another form.
    static func receive(over socket: CInt) -> (words: [String], descriptors: [CInt])? {
        var control = [UInt8](repeating: 0, count: controlSize)
        var octets = [UInt8](repeating: 0, count: 8)
        let got = unsafe message(&octets, &control) { unsafe recvmsg(socket, $0, 0) }
        guard got == octets.count, number(control[0..<8]) == UInt64(headerSize + count * 4),
            number(control[12..<16]) == UInt64(rights)
        else { return nil }
        let descriptors = (0..<count).map { index in
            let place = headerSize + index * 4
            return CInt(truncatingIfNeeded: number(control[place..<(place + 4)]))
        }
        guard let length = Int(exactly: number(octets[...])), length <= mostOctets,
            let payload = read(length, from: socket)
        else { return nil }
        let words = payload.split(separator: 0, omittingEmptySubsequences: false).dropLast()
        return (words.map { ByteString($0).string }, descriptors)
    }

    private static func number(_ octets: ArraySlice<UInt8>) -> UInt64 {
        octets.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    private static func read(_ length: Int, from socket: CInt) -> [UInt8]? {
        var result: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 1 << 14)
        while result.count < length {
            let got = unsafe Glibc.read(socket, &block, min(block.count, length - result.count))
            if got < 0, errno == EINTR { continue }
            guard got > 0 else { return nil }
            result += block[..<got]
        }
        return result
    }

    private static func message(
        _ octets: inout [UInt8], _ control: inout [UInt8], _ body: (UnsafeMutablePointer<msghdr>) -> Int
    ) -> Int {
        unsafe octets.withUnsafeMutableBytes { octets in
            unsafe control.withUnsafeMutableBytes { control in
                var part = unsafe iovec(iov_base: octets.baseAddress, iov_len: octets.count)
                return unsafe withUnsafeMutablePointer(to: &part) { part in
                    var header = unsafe msghdr()
                    unsafe header.msg_iov = part
                    unsafe header.msg_iovlen = 1
                    unsafe header.msg_control = control.baseAddress
                    unsafe header.msg_controllen = control.count
                    return unsafe body(&header)
                }
            }
        }
    }
}
