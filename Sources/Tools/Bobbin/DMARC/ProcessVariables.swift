import Bytes
import Glibc

/// Variables of the process's environment.
enum ProcessVariables {
    /// The value of a variable; nil when it is not set or empty.
    static func value(of name: String) -> ByteString? {
        guard let text = unsafe getenv(name) else { return nil }
        let value = unsafe ByteString(String(cString: text))
        return value.isEmpty ? nil : value
    }
}
