import Bytes
internal import COpenSSL

/// Libcrypto's digest state, freed with the value.
@safe struct DigestContext: ~Copyable {
    private let context: OpaquePointer

    init() throws(OpenSSLError) {
        ERR_clear_error()
        guard let context = unsafe EVP_MD_CTX_new() else { throw .drain(after: "EVP_MD_CTX_new") }
        unsafe self.context = context
    }

    deinit { unsafe EVP_MD_CTX_free(context) }

    borrowing func begin(_ name: String) -> Bool {
        guard let method = unsafe EVP_MD_fetch(nil, name, nil) else { return false }
        defer { unsafe EVP_MD_free(method) }
        return unsafe EVP_DigestInit_ex(context, method, nil) == 1
    }

    borrowing func update(_ octets: [UInt8]) -> Bool {
        unsafe octets.withUnsafeBytes { unsafe EVP_DigestUpdate(context, $0.baseAddress, $0.count) } == 1
    }

    borrowing func finish() -> [UInt8]? {
        var length: UInt32 = 0
        var result = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        let done = unsafe result.withUnsafeMutableBufferPointer {
            unsafe EVP_DigestFinal_ex(context, $0.baseAddress, &length)
        }
        return done == 1 ? Array(result.prefix(Int(length))) : nil
    }
}
