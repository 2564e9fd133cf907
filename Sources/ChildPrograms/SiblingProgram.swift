package import Bytes
import Glibc

/// Our other programs, which lie beside this one.
package enum SiblingProgram {
    /// The path of a program in the directory of this one; nil when it is not there.
    package static func path(of name: String) -> ByteString? {
        guard let directory else { return nil }
        let path: ByteString = "\(directory)/\(name)"
        return unsafe access(path.string, X_OK) == 0 ? path : nil
    }

    /// The directory that this program was started from; nil when the system does not tell.
    package static var directory: ByteString? {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = unsafe readlink("/proc/self/exe", &buffer, buffer.count)
        let path = ByteString(buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) })
        return path.cutAtLast(UInt8(ascii: "/")).map { ByteString($0.before) }
    }
}
