import Bytes
internal import COpenSSL

extension OpenSSLError {
    /// Takes the oldest entry of libcrypto's error queue and empties it.
    static func drain(after operation: ByteString) -> OpenSSLError {
        let code = ERR_get_error()
        ERR_clear_error()
        guard code != 0 else { return OpenSSLError(operation: operation, reason: "no reason given") }
        var text = [CChar](repeating: 0, count: 256)
        unsafe text.withUnsafeMutableBufferPointer {
            unsafe ERR_error_string_n(code, $0.baseAddress, $0.count)
        }
        let octets = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        return OpenSSLError(operation: operation, reason: ByteString(octets))
    }
}
