package import Bytes
import Glibc

/// Our other programs, which lie beside this one.
package enum SiblingProgram {
    /// The path of a program in the directory of this one; nil when it is not there.
    package static func path(of name: String) -> ByteString? {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = unsafe readlink("/proc/self/exe", &buffer, buffer.count)
        guard count > 0,
            let parts = ByteString(buffer[..<count].map { UInt8(bitPattern: $0) }).cutAtLast(
                UInt8(ascii: "/"))
        else { return nil }
        let path: ByteString = "\(ByteString(parts.before))/\(name)"
        return unsafe access(path.string, X_OK) == 0 ? path : nil
    }
}
