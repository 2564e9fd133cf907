package import Bytes
internal import COpenSSL
import Glibc

/// A proof that certificates are not revoked, as their authority signs it and a server staples it (RFC 6960, section 4.2).
package struct OCSPProof: Sendable {
    /// What it says of one certificate, which is not revoked.
    struct Statement {
        var serial: ByteString
        /// Since when it is good, in seconds since 1970.
        var begin: Int64
        /// From when on it says nothing any more, in seconds since 1970.
        var end: Int64
        /// Whether that is since its signer's certificate ends then.
        var endsWithSigner: Bool
    }

    /// How a file holds a proof.
    package enum Format: Sendable, Hashable {
        case der, pem
    }

    /// A file with a proof (`tls_ocsp_file`).
    package struct File: Sendable, Hashable {
        /// Where it is.
        package var path: ByteString
        /// How it is written.
        package var format: Format

        /// Makes a value.
        package init(path: ByteString, format: Format) { (self.path, self.format) = (path, format) }
    }

    /// The most octets of a proof that are read.
    package static let longest = 1 << 18

    /// How far clocks may be apart, in seconds.
    static let slack: Int64 = 300
    /// How long a server's proof is taken that does not say until when it is good, in seconds.
    static let longestWithoutEnd: Int64 = 86_400

    /// In DER.
    package let octets: [UInt8]
    let statements: [Statement]

    /// When the first of its statements says nothing any more, in seconds since 1970; the signer's own end counts too.
    package var end: Int64 { statements.map(\.end).min() ?? 0 }
    /// Since when all of its statements are good, in seconds since 1970.
    package var begin: Int64 { statements.map(\.begin).max() ?? 0 }
    /// Whether the certificate of its signer ends before it does.
    package var endsWithSigner: Bool { statements.contains(where: \.endsWithSigner) }
    /// The middle of its time: when a new one should be fetched.
    package var halfLife: Int64 { begin + (end - begin) / 2 }

    /// Reads a file.
    ///
    /// - Throws: why it proves nothing at this moment (`now`, in seconds since 1970).
    package init(_ file: File, now: Int64) throws(OpenSSLError) {
        guard let source = unsafe BIO_new_file(file.path.string, "r") else { throw .drain(after: file.path) }
        defer { unsafe BIO_free(source) }
        let octets =
            switch file.format {
            case .der: unsafe Self.all(source)
            case .pem: unsafe Self.armoured(source)
            }
        try self.init(octets, named: file.path, now: now)
    }

    /// Reads octets of DER.
    ///
    /// - Throws: why they prove nothing at this moment; `name` is said with it.
    package init(_ octets: [UInt8], named name: ByteString, now: Int64) throws(OpenSSLError) {
        guard let response = OCSPResponse(octets) else {
            ERR_clear_error()
            throw OpenSSLError(operation: name, reason: "no OCSP response in DER")
        }
        guard response.status == OCSP_RESPONSE_STATUS_SUCCESSFUL, let basic = response.basic else {
            throw OpenSSLError(operation: name, reason: "the responder has answered: \(response.statusText)")
        }
        statements = try basic.statements(named: name, now: now)
        self.octets = octets
    }

    /// Whether it says at this moment that a certificate is not revoked.
    func covers(_ serial: ByteString, now: Int64) -> Bool {
        statements.contains { $0.serial == serial && $0.end > now }
    }

    static func all(_ source: OpaquePointer) -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: longest) { space, count in
            count = 0
            while count < longest {
                let got = unsafe BIO_read(
                    source, space.baseAddress?.advanced(by: count), CInt(longest - count))
                if got <= 0 { return }
                count += Int(got)
            }
        }
    }

    private static func armoured(_ source: OpaquePointer) -> [UInt8] {
        var (name, header): (UnsafeMutablePointer<CChar>?, UnsafeMutablePointer<CChar>?)
        var octets: UnsafeMutablePointer<UInt8>?
        var count = 0
        guard unsafe PEM_read_bio(source, &name, &header, &octets, &count) == 1 else { return [] }
        defer {
            unsafe CRYPTO_free(name, nil, 0)
            unsafe CRYPTO_free(header, nil, 0)
            unsafe CRYPTO_free(octets, nil, 0)
        }
        return unsafe Array(UnsafeBufferPointer(start: octets, count: count))
    }
}

/// A response of the library's, freed with the value.
@safe struct OCSPResponse: ~Copyable {
    private let response: OpaquePointer

    /// Nil for octets that are none.
    init?(_ octets: [UInt8]) {
        let read = unsafe octets.withUnsafeBufferPointer { buffer -> OpaquePointer? in
            var start = buffer.baseAddress
            return unsafe d2i_OCSP_RESPONSE(nil, &start, buffer.count)
        }
        guard let read = unsafe read else { return nil }
        unsafe response = read
    }

    deinit { unsafe OCSP_RESPONSE_free(response) }

    var status: CInt { unsafe OCSP_response_status(response) }
    var statusText: ByteString {
        unsafe ByteString(String(cString: OCSP_response_status_str(Int(status))))
    }
    /// What is signed; nil where there is no such thing.
    var basic: OCSPBasic? { unsafe OCSPBasic(OCSP_response_get1_basic(response)) }
}

/// The signed part of a response, freed with the value.
@safe struct OCSPBasic: ~Copyable {
    let basic: OpaquePointer

    init?(_ basic: OpaquePointer?) {
        guard let basic = unsafe basic else { return nil }
        unsafe self.basic = basic
    }

    deinit { unsafe OCSP_BASICRESP_free(basic) }

    /// One certificate's status, with its times in seconds since 1970.
    @safe struct Single {
        var status: CInt
        var reason: CInt
        var begin: Int64
        var end: Int64?
        let handle: OpaquePointer
    }

    var singles: [Single] {
        var found: [Single] = []
        for index in 0..<max(0, unsafe OCSP_resp_count(basic)) {
            guard let single = unsafe OCSP_resp_get0(basic, index) else { continue }
            var reason: CInt = -1
            var (revoked, this, next):
                (
                    UnsafeMutablePointer<ASN1_GENERALIZEDTIME>?, UnsafeMutablePointer<ASN1_GENERALIZEDTIME>?,
                    UnsafeMutablePointer<ASN1_GENERALIZEDTIME>?
                )
            let status = unsafe OCSP_single_get0_status(single, &reason, &revoked, &this, &next)
            // A time that cannot be read is never now.
            let begin = unsafe Self.seconds(this) ?? .max
            let end = unsafe next == nil ? nil : Self.seconds(next) ?? .min
            unsafe found.append(
                Single(status: status, reason: reason, begin: begin, end: end, handle: single))
        }
        return found
    }

    static func seconds(_ time: UnsafePointer<ASN1_TIME>?) -> Int64? {
        guard let time = unsafe time else { return nil }
        var parts = unsafe tm()
        guard unsafe ASN1_TIME_to_tm(time, &parts) == 1 else { return nil }
        return unsafe Int64(timegm(&parts))
    }

    /// When the certificate of the signer ends, where that is in the response itself.
    private var signerEnd: Int64? {
        var signer: OpaquePointer?
        guard unsafe OCSP_resp_get0_signer(basic, &signer, nil) == 1 else {
            ERR_clear_error()
            return nil
        }
        return unsafe Self.seconds(X509_get0_notAfter(signer))
    }

    /// What a server may staple.
    func statements(named name: ByteString, now: Int64) throws(OpenSSLError) -> [OCSPProof.Statement] {
        func no(_ reason: ByteString) -> OpenSSLError { OpenSSLError(operation: name, reason: reason) }
        let signerEnd = signerEnd ?? .max
        guard signerEnd > now else { throw no("the certificate of its signer has expired") }
        var statements: [OCSPProof.Statement] = []
        for single in singles {
            guard single.status == V_OCSP_CERTSTATUS_GOOD else { throw no("the certificate is not good") }
            guard let end = single.end else { throw no("it does not say until when it is good") }
            guard end > now else { throw no("it has expired") }
            guard single.begin <= now + OCSPProof.slack else { throw no("it is not good yet") }
            var serial: UnsafeMutablePointer<ASN1_INTEGER>?
            let id = unsafe OCSP_SINGLERESP_get0_id(single.handle)
            unsafe OCSP_id_get0_info(nil, nil, nil, &serial, id)
            unsafe statements.append(
                .init(
                    serial: Self.text(serial), begin: single.begin, end: min(end, signerEnd),
                    endsWithSigner: signerEnd < end))
        }
        guard !statements.isEmpty else { throw no("it says nothing") }
        return statements
    }

    /// A serial number as octets, with its sign.
    static func text(_ number: UnsafePointer<ASN1_INTEGER>?) -> ByteString {
        guard let number = unsafe number, let octets = unsafe ASN1_STRING_get0_data(number) else { return "" }
        let count = unsafe Int(ASN1_STRING_length(number))
        let sign: ByteString = unsafe ASN1_STRING_type(number) == V_ASN1_NEG_INTEGER ? "-" : "+"
        return unsafe sign + ByteString(UnsafeBufferPointer(start: octets, count: count))
    }
}

// What a proof is worth to whoever holds the certificate and its authority's.
extension OCSPBasic {
    /// Whether one of some authorities has signed, or somebody to whom one has given that right; the certificates between may
    /// be in the response or `among` others.
    func isSigned(by authorities: [OpaquePointer], among others: OpaquePointer?) -> Bool {
        ERR_clear_error()
        guard let store = unsafe X509_STORE_new() else { return false }
        defer { unsafe X509_STORE_free(store) }
        unsafe authorities.forEach { _ = unsafe X509_STORE_add_cert(store, $0) }
        let flags = UInt(OCSP_NOEXPLICIT | OCSP_PARTIAL_CHAIN)
        return unsafe OCSP_basic_verify(basic, others, store, flags) == 1
    }

    /// What it says now of a certificate; the signature is looked at by `isSigned`.
    func judgement(of own: OpaquePointer?, by authority: OpaquePointer?) -> TLSProof {
        let now = Int64(time(nil))
        for single in singles where unsafe isAbout(own, of: authority, single) {
            guard single.begin <= now + OCSPProof.slack,
                now <= (single.end ?? single.begin + OCSPProof.longestWithoutEnd) + OCSPProof.slack
            else { return .bad("Server certificate status is out-of-date") }
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

    private func isAbout(_ own: OpaquePointer?, of authority: OpaquePointer?, _ single: Single) -> Bool {
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
