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

/// Names of groups.
enum GroupName {
    /// The name of a group's number; nil where there is none.
    static func of(_ gid: UInt32) -> ByteString? {
        var entry = unsafe group()
        var buffer = [CChar](repeating: 0, count: 1 << 14)
        var result: UnsafeMutablePointer<group>?
        guard unsafe getgrgid_r(gid, &entry, &buffer, buffer.count, &result) == 0, let found = unsafe result,
            let name = unsafe found.pointee.gr_name
        else { return nil }
        return unsafe ByteString(String(cString: name))
    }
}
