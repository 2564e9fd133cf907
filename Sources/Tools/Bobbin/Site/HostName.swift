import Bytes
import Glibc

/// The machine's name.
enum HostName {
    /// The name as `uname` has it.
    static var current: ByteString {
        var name = utsname()
        guard unsafe uname(&name) == 0 else { return "localhost" }
        return unsafe withUnsafeBytes(of: name.nodename) { unsafe ByteString($0.prefix { $0 != 0 }) }
    }
}
