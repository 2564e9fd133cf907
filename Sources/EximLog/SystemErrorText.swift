package import Bytes
import Glibc

/// The words for an error number.
package enum SystemErrorText {
    /// The system's words for a positive number, Exim's for its own negative ones; empty for one without
    /// words.
    package static func of(_ errno: Int) -> ByteString {
        if errno < 0 { return own(errno) }
        var buffer = [CChar](repeating: 0, count: 256)
        guard let number = CInt(exactly: errno), unsafe strerror_r(number, &buffer, buffer.count) == 0 else {
            return "Unknown error \(errno)"
        }
        return ByteString(buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) })
    }

    private static func own(_ errno: Int) -> ByteString {
        switch errno {
        case -18: "smtp closed"
        case -19: "smtp format"
        case -36: "DNS lookup defer"
        case -44: "RCPT gave 4xx error"
        case -45: "MAIL gave 4xx error"
        case -46: "DATA gave 4xx error"
        case -58: "Event requests alternate response"
        default: ""
        }
    }
}
