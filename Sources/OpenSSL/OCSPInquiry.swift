package import Bytes
internal import COpenSSL
import Glibc

/// A question to an OCSP responder about a certificate (RFC 6960, section 4.1); its certificates are freed with the value.
@safe package struct OCSPInquiry: ~Copyable {
    private let own: OpaquePointer
    private let authority: OpaquePointer

    /// Reads a certificate in PEM, and that of its authority from behind it in the same file or from a file of its own.
    ///
    /// - Throws: what the library says of a file, or that the authority's certificate is nowhere.
    package init(about file: ByteString, authority authorityFile: ByteString?) throws(OpenSSLError) {
        let found = try unsafe Self.certificates(in: file)
        var others = unsafe Array(found.dropFirst())
        do throws(OpenSSLError) {
            if let authorityFile { unsafe others = try Self.certificates(in: authorityFile) + others }
        } catch {
            unsafe found.forEach { unsafe X509_free($0) }
            throw error
        }
        guard let own = unsafe found.first,
            let place = unsafe others.firstIndex(where: { unsafe X509_check_issued($0, own) == X509_V_OK })
        else {
            unsafe (found.prefix(1) + others).forEach { unsafe X509_free($0) }
            throw OpenSSLError(operation: file, reason: "the certificate of its authority is not there")
        }
        unsafe authority = others.remove(at: place)
        unsafe self.own = own
        unsafe others.forEach { unsafe X509_free($0) }
    }

    deinit {
        unsafe X509_free(own)
        unsafe X509_free(authority)
    }

    private static func certificates(in file: ByteString) throws(OpenSSLError) -> [OpaquePointer] {
        ERR_clear_error()
        guard let source = unsafe BIO_new_file(file.string, "r") else { throw .drain(after: file) }
        defer { unsafe BIO_free(source) }
        var found: [OpaquePointer] = unsafe []
        var next = unsafe PEM_read_bio_X509(source, nil, nil, nil)
        while let certificate = unsafe next {
            unsafe found.append(certificate)
            unsafe next = PEM_read_bio_X509(source, nil, nil, nil)
        }
        guard unsafe !found.isEmpty else { throw .drain(after: file) }
        ERR_clear_error()
        return unsafe found
    }

    /// The responders that the certificate names (authority information access), in order.
    package var responders: [ByteString] {
        guard let list = unsafe X509_get1_ocsp(own) else { return [] }
        defer { unsafe X509_email_free(list) }
        return unsafe (0..<max(0, OPENSSL_sk_num(list))).compactMap { index in
            unsafe OPENSSL_sk_value(list, index).map {
                unsafe ByteString(String(cString: $0.assumingMemoryBound(to: CChar.self)))
            }
        }
    }

    /// Asks a responder by HTTP, and waits at most so many seconds; blocks.
    ///
    /// The answer is signed, so that nothing else need protect it.
    /// - Throws: what went wrong on the way.
    package func ask(_ url: ByteString, timeout: Int32) throws(OpenSSLError) -> [UInt8] {
        ERR_clear_error()
        guard url.starts(with: ByteString("http://")) else {
            throw OpenSSLError(operation: url, reason: "a responder is asked by http://")
        }
        var (host, port, path):
            (UnsafeMutablePointer<CChar>?, UnsafeMutablePointer<CChar>?, UnsafeMutablePointer<CChar>?)
        guard
            unsafe OSSL_HTTP_parse_url(url.string, nil, nil, &host, &port, nil, &path, nil, nil) == 1
        else { throw .drain(after: url) }
        defer {
            unsafe [host, port, path].forEach { unsafe CRYPTO_free(UnsafeMutableRawPointer($0), nil, 0) }
        }
        let question = try question()
        guard let body = unsafe BIO_new_mem_buf(question, CInt(question.count)) else {
            throw .drain(after: url)
        }
        defer { unsafe BIO_free(body) }
        let answer = unsafe OSSL_HTTP_transfer(
            nil, host, port, path, 0, nil, nil, nil, nil, nil, nil, 0, nil, "application/ocsp-request", body,
            "application/ocsp-response", 1, OCSPProof.longest, timeout, 0)
        guard let answer = unsafe answer else { throw .drain(after: url) }
        defer { unsafe BIO_free(answer) }
        return unsafe OCSPProof.all(answer)
    }

    private func question() throws(OpenSSLError) -> [UInt8] {
        guard let request = unsafe OCSP_REQUEST_new() else { throw .drain(after: "OCSP request") }
        defer { unsafe OCSP_REQUEST_free(request) }
        guard let id = unsafe OCSP_cert_to_id(nil, own, authority) else {
            throw .drain(after: "OCSP request")
        }
        guard unsafe OCSP_request_add0_id(request, id) != nil else {
            unsafe OCSP_CERTID_free(id)
            throw .drain(after: "OCSP request")
        }
        var start: UnsafeMutablePointer<UInt8>?
        let count = unsafe i2d_OCSP_REQUEST(request, &start)
        guard let start = unsafe start, count > 0 else { throw .drain(after: "OCSP request") }
        defer { unsafe CRYPTO_free(start, nil, 0) }
        return unsafe Array(UnsafeBufferPointer(start: start, count: Int(count)))
    }

    /// What an answer is worth to a client that looks at the certificate now.
    package func judgement(of octets: [UInt8]) -> TLSProof {
        defer { ERR_clear_error() }
        guard let response = OCSPResponse(octets) else { return .bad("it is no OCSP response") }
        guard response.status == OCSP_RESPONSE_STATUS_SUCCESSFUL, let basic = response.basic else {
            return .bad("the responder has answered: \(response.statusText)")
        }
        guard unsafe basic.isSigned(by: [authority], among: nil) else {
            return .bad("the signature does not verify: \(OpenSSLError.drain(after: "").reason)")
        }
        return unsafe basic.judgement(of: own, by: authority)
    }
}
