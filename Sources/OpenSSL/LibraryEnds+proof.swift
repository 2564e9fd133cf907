import Bytes
internal import COpenSSL
import Glibc

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
        guard unsafe isSigned(basic, by: chain) else {
            let reason = OpenSSLError.drain(after: "").reason
            return .bad("Received TLS cert status response, itself unverifiable: \(reason)")
        }
        return unsafe judgement(of: basic, chain)
    }

    private func isSigned(_ basic: borrowing OCSPBasic, by chain: OpaquePointer) -> Bool {
        ERR_clear_error()
        guard let store = unsafe X509_STORE_new() else { return false }
        defer { unsafe X509_STORE_free(store) }
        let count = unsafe OPENSSL_sk_num(chain)
        // A certificate does not speak for itself, unless it is its own authority.
        for index in (count > 1 ? 1 : 0)..<max(1, count) {
            guard let certificate = unsafe OPENSSL_sk_value(chain, index) else { continue }
            unsafe X509_STORE_add_cert(store, OpaquePointer(certificate))
        }
        let flags = UInt(OCSP_NOEXPLICIT | OCSP_PARTIAL_CHAIN)
        return unsafe OCSP_basic_verify(basic.basic, SSL_get_peer_cert_chain(session), store, flags) == 1
    }

    private func judgement(of basic: borrowing OCSPBasic, _ chain: OpaquePointer) -> TLSProof {
        let own = unsafe OPENSSL_sk_value(chain, 0).map { OpaquePointer($0) }
        let authority = unsafe OPENSSL_sk_value(chain, OPENSSL_sk_num(chain) > 1 ? 1 : 0).map {
            OpaquePointer($0)
        }
        let now = Int64(time(nil))
        for single in basic.singles where unsafe isAbout(own, of: authority, single) {
            let isLate = single.end.map { $0 + OCSPProof.slack < now } ?? false
            if isLate || single.begin > now + OCSPProof.slack {
                return .bad("Server certificate status is out-of-date")
            }
            switch single.status {
            case V_OCSP_CERTSTATUS_GOOD: return .good
            case V_OCSP_CERTSTATUS_REVOKED:
                guard single.reason >= 0 else { return .bad("Server certificate revoked") }
                let reason = unsafe ByteString(String(cString: OCSP_crl_reason_str(Int(single.reason))))
                return .bad("Server certificate revoked; reason: \(reason)")
            default: return .bad("Server certificate has unknown status")
            }
        }
        return .bad("Received TLS cert status response is about another certificate")
    }

    private func isAbout(
        _ own: OpaquePointer?, of authority: OpaquePointer?, _ single: OCSPBasic.Single
    ) -> Bool {
        var algorithm: OpaquePointer?
        let id = unsafe OCSP_SINGLERESP_get0_id(single.handle)
        guard unsafe OCSP_id_get0_info(nil, &algorithm, nil, nil, id) == 1,
            let digest = unsafe EVP_get_digestbyname(OBJ_nid2sn(OBJ_obj2nid(algorithm))),
            let wanted = unsafe OCSP_cert_to_id(digest, own, authority)
        else { return false }
        defer { unsafe OCSP_CERTID_free(wanted) }
        return unsafe OCSP_id_cmp(wanted, id) == 0
    }
}
