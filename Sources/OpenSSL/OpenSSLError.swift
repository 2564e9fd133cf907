package import Bytes

/// What libcrypto refused, in its own words.
package struct OpenSSLError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What was being done.
    package let operation: ByteString
    /// The oldest entry of the library's error queue, or what else is known.
    package let reason: ByteString

    /// Makes an error.
    package init(operation: ByteString, reason: ByteString) {
        self.operation = operation
        self.reason = reason
    }

    /// The operation and the reason, for people.
    package var description: String { "\(operation): \(reason)" }
}
