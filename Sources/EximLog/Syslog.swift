package import Bytes
import Glibc

/// How lines go to syslog (manual, section 53.4; options `syslog_...`).
package struct SyslogOptions: Sendable, Hashable {
    /// `syslog_facility`, as a number: 2 is mail.
    package var facility = 2
    /// `syslog_processname`.
    package var name: ByteString = "exim"
    /// `syslog_timestamp`: whether lines keep their own time.
    package var showsTimestamp = true
    /// `syslog_pid`: whether lines keep the pid that selector `pid` puts into them.
    package var showsPID = true
    /// `syslog_duplication`: whether a line for two logs is sent twice.
    package var duplicates = true
    /// Where syslog listens.
    package var path: ByteString = "/dev/log"

    /// Exim's defaults.
    package init() {}

    /// The number of a facility's name; nil for one that Exim does not know.
    package static func facility(named name: ByteString) -> Int? {
        let names: [ByteString: Int] = ["user": 1, "mail": 2, "daemon": 3, "news": 7, "uucp": 8]
        if let number = names[name] { return number }
        guard name.starts(with: ByteString("local")), name.count == 6,
            let digit = name.dropFirst(5).decimalInteger(), digit < 8
        else { return nil }
        return 16 + Int(digit)
    }
}

extension LogKind {
    // LOG_INFO, LOG_NOTICE and LOG_ALERT.
    var severity: Int {
        switch self {
        case .main: 6
        case .reject: 5
        case .panic: 1
        }
    }
}

/// Cuts entries for syslog into pieces that it takes.
package enum SyslogPieces {
    /// The most octets of a piece's own text.
    package static let longest = 870

    /// The pieces of an entry: one as it is, several each with its number and how it ended: `[1/3] ` for one that was
    /// cut, `[2\3] ` for one at whose end there was a newline.
    package static func cut(_ entry: ByteString, longest: Int = longest) -> [ByteString] {
        var pieces: [(text: ByteString, mark: UInt8)] = []
        var rest = entry[...]
        if rest.last == .newline { rest = rest.dropLast() }
        while true {
            let line = rest.prefix { $0 != .newline }
            if line.count > longest {
                pieces.append((ByteString(line.prefix(longest)), UInt8(ascii: "/")))
                rest = rest.dropFirst(longest)
            } else if line.count < rest.count {
                pieces.append((ByteString(line), UInt8(ascii: "\\")))
                rest = rest.dropFirst(line.count + 1)
            } else {
                pieces.append((ByteString(line), UInt8(ascii: "/")))
                break
            }
        }
        guard pieces.count > 1 else { return pieces.map(\.text) }
        return pieces.enumerated().map { index, piece in
            "[\(index + 1)\(ByteString([piece.mark]))\(pieces.count)] \(piece.text)"
        }
    }
}

/// The socket to syslog; opened when first needed, and again when syslog has come anew.
struct SyslogSocket: ~Copyable {
    private var descriptor: CInt = -1

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Sends an entry; false when syslog cannot be reached.
    mutating func send(_ entry: ByteString, as kind: LogKind, _ options: SyslogOptions, at moment: LogMoment)
        -> Bool
    {
        let time = BrokenDownTime(moment.seconds, usesUTC: false).syslogTime
        let head: ByteString =
            "<\(options.facility << 3 | kind.severity)>\(time) \(options.name)[\(getpid())]: "
        for piece in SyslogPieces.cut(entry) where !send(head + piece, to: options.path) { return false }
        return true
    }

    private mutating func send(_ datagram: ByteString, to path: ByteString) -> Bool {
        for _ in 0..<2 {
            if descriptor < 0 { descriptor = Self.open(path) }
            guard descriptor >= 0 else { return false }
            let sent = unsafe datagram.bytes.withUnsafeBytes { buffer in
                unsafe Glibc.send(descriptor, buffer.baseAddress, buffer.count, Self.noSignal)
            }
            if sent == datagram.count { return true }
            close(descriptor)
            descriptor = -1
        }
        return false
    }

    /// MSG_NOSIGNAL.
    private static let noSignal: CInt = 0x4000

    private static func open(_ path: ByteString) -> CInt {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let fits = unsafe withUnsafeMutableBytes(of: &address.sun_path) { buffer in
            guard path.count < buffer.count else { return false }
            unsafe buffer.copyBytes(from: path.bytes)
            return true
        }
        guard fits else { return -1 }
        let descriptor = socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return -1 }
        let connected = unsafe withUnsafePointer(to: address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard connected == 0 else {
            close(descriptor)
            return -1
        }
        return descriptor
    }
}
