import Bytes
internal import COpenSSL

// What a server's stapled proof is worth to a client.
extension LibraryEnds {
    /// Looks at the proof that the server has sent with its certificate.
    ///
    /// Only the authorities that the certificate was verified by may speak for it.
    func proof(_ wish: TLSProofWish, isVerified: Bool) -> TLSProof {
        guard wish != .none else { return .notRequested }
        var start: UnsafePointer<UInt8>?
        let count = unsafe shim_received_proof(session, &start)
        guard let start = unsafe start, count > 0 else { return .absent }
        let octets = unsafe Array(UnsafeBufferPointer(start: start, count: Int(count)))
        defer { ERR_clear_error() }
        guard let response = OCSPResponse(octets), response.status == OCSP_RESPONSE_STATUS_SUCCESSFUL,
            let basic = response.basic
        else { return .bad("Received TLS cert status response, parse error") }
        guard isVerified, let chain = unsafe SSL_get0_verified_chain(session) else {
            return .bad("Received TLS cert status response, itself unverifiable: no verified certificate")
        }
        let length = unsafe OPENSSL_sk_num(chain)
        // A certificate does not speak for itself, unless it is its own authority.
        let authorities = unsafe ((length > 1 ? 1 : 0)..<max(1, length)).compactMap {
            unsafe OPENSSL_sk_value(chain, $0).map { OpaquePointer($0) }
        }
        guard unsafe basic.isSigned(by: authorities, among: SSL_get_peer_cert_chain(session)) else {
            let reason = OpenSSLError.drain(after: "").reason
            return .bad("Received TLS cert status response, itself unverifiable: \(reason)")
        }
        let own = unsafe OPENSSL_sk_value(chain, 0).map { OpaquePointer($0) }
        return unsafe basic.judgement(of: own, by: authorities.first)
    }
}
