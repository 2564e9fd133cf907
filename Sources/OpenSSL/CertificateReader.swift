package import Bytes
internal import COpenSSL
import Glibc

extension Certificate {
    /// Reads the first certificate of a text in PEM (RFC 7468).
    ///
    /// - Throws: what libcrypto says of one that it cannot read.
    package init(pem: ByteString) throws(OpenSSLError) {
        guard pem.count <= Self.longest else {
            throw OpenSSLError(operation: "certificate", reason: "longer than \(Self.longest) octets")
        }
        try self.init(CertificateReader(pem))
    }

    init(_ reader: borrowing CertificateReader) throws(OpenSSLError) {
        self.init()
        encoded = reader.encoded
        version = reader.version
        serialNumber = reader.serialNumber
        subject = reader.subject
        issuer = reader.issuer
        notBefore = try reader.notBefore
        notAfter = try reader.notAfter
        signatureAlgorithm = reader.signatureAlgorithm
        signature = reader.signature
        alternativeNames = reader.alternativeNames
        ocspAddresses = reader.ocspAddresses
        revocationLists = reader.revocationLists
    }
}

/// A certificate of libcrypto's, freed with the value.
@safe struct CertificateReader: ~Copyable {
    private let certificate: OpaquePointer

    init(_ pem: ByteString) throws(OpenSSLError) {
        ERR_clear_error()
        let found = unsafe pem.bytes.withUnsafeBytes { octets -> OpaquePointer? in
            guard let source = unsafe BIO_new_mem_buf(octets.baseAddress, CInt(octets.count)) else {
                return nil
            }
            defer { unsafe BIO_free(source) }
            // Nobody is asked for a password.
            return unsafe PEM_read_bio_X509(source, nil, { _, _, _, _ in -1 }, nil)
        }
        guard let certificate = unsafe found else { throw .drain(after: "certificate") }
        unsafe self.certificate = certificate
    }

    /// Reads one that somebody else keeps.
    init(_ certificate: OpaquePointer) {
        unsafe X509_up_ref(certificate)
        unsafe self.certificate = certificate
    }

    deinit { unsafe X509_free(certificate) }

    var encoded: ByteString {
        var octets: UnsafeMutablePointer<UInt8>?
        let count = unsafe i2d_X509(certificate, &octets)
        return unsafe Self.taken(octets, count)
    }

    /// Counted from 1; 0 for a number that is none.
    var version: Int {
        let (next, isOver) = unsafe X509_get_version(certificate).addingReportingOverflow(1)
        return isOver ? 0 : next
    }

    var serialNumber: ByteString {
        guard let number = unsafe X509_get0_serialNumber(certificate) else { return "" }
        let digits = unsafe Hex.encode(Self.octets(number)).drop { $0 == UInt8(ascii: "0") }
        return digits.isEmpty ? "0" : ByteString(digits)
    }

    var subject: [Certificate.NamePart] { unsafe Self.parts(X509_get_subject_name(certificate)) }
    var issuer: [Certificate.NamePart] { unsafe Self.parts(X509_get_issuer_name(certificate)) }

    var notBefore: Int64 {
        get throws(OpenSSLError) { try unsafe Self.time(X509_get0_notBefore(certificate)) }
    }
    var notAfter: Int64 { get throws(OpenSSLError) { try unsafe Self.time(X509_get0_notAfter(certificate)) } }

    var signature: ByteString {
        var octets: UnsafePointer<ASN1_BIT_STRING>?
        unsafe X509_get0_signature(&octets, nil, certificate)
        return unsafe octets.map { unsafe Self.octets($0) } ?? ""
    }

    var signatureAlgorithm: Certificate.SignatureAlgorithm {
        var (digest, key) = (CInt(0), CInt(0))
        let known = unsafe X509_get_signature_info(certificate, &digest, &key, nil, nil) == 1
        return unsafe Certificate.SignatureAlgorithm(
            key: known ? Self.name(key) : "", digest: known ? Self.name(digest) : "",
            type: Self.dotted(OBJ_nid2obj(X509_get_signature_nid(certificate))))
    }

    var alternativeNames: [Certificate.AlternativeName] {
        guard let names = unsafe extensionValue(NID_subject_alt_name) else { return [] }
        defer { unsafe GENERAL_NAMES_free(names) }
        return unsafe Self.elements(names).map { unsafe Self.alternativeName($0) }
    }

    var ocspAddresses: [ByteString] {
        guard let accesses = unsafe extensionValue(NID_info_access) else { return [] }
        defer { unsafe AUTHORITY_INFO_ACCESS_free(accesses) }
        return unsafe Self.elements(accesses).compactMap { element in
            let access = unsafe element.assumingMemoryBound(to: ACCESS_DESCRIPTION.self).pointee
            guard unsafe OBJ_obj2nid(access.method) == NID_ad_OCSP, let location = unsafe access.location
            else { return nil }
            return unsafe Self.text(Self.alternativeName(location))
        }
    }

    var revocationLists: [ByteString] {
        guard let points = unsafe extensionValue(NID_crl_distribution_points) else { return [] }
        defer { unsafe CRL_DIST_POINTS_free(points) }
        return unsafe Self.elements(points).flatMap { element -> [ByteString] in
            let point = unsafe element.assumingMemoryBound(to: DIST_POINT.self).pointee
            // 0: full names; 1 is a name beside the issuer's.
            guard let place = unsafe point.distpoint, unsafe place.pointee.type == 0,
                let names = unsafe place.pointee.name.fullname
            else { return [] }
            return unsafe Self.elements(names).compactMap { unsafe Self.text(Self.alternativeName($0)) }
        }
    }

    // MARK: Parts

    /// The parsed value of an extension; nil when there is none, or more than one.
    private func extensionValue(_ kind: CInt) -> OpaquePointer? {
        unsafe X509_get_ext_d2i(certificate, kind, nil, nil).map { unsafe OpaquePointer($0) }
    }

    private static func elements(_ stack: OpaquePointer) -> [UnsafeMutableRawPointer] {
        unsafe (0..<max(OPENSSL_sk_num(stack), 0)).compactMap { unsafe OPENSSL_sk_value(stack, $0) }
    }

    private static func alternativeName(_ element: UnsafeMutableRawPointer) -> Certificate.AlternativeName {
        let name = unsafe element.assumingMemoryBound(to: GENERAL_NAME.self).pointee
        guard let text = unsafe name.d.ia5 else { return .other }
        return switch unsafe name.type {
        case GEN_DNS: unsafe .dns(octets(text))
        case GEN_EMAIL: unsafe .mail(octets(text))
        case GEN_URI: unsafe .uri(octets(text))
        default: .other
        }
    }

    private static func text(_ name: Certificate.AlternativeName) -> ByteString? {
        switch name {
        case .dns(let text), .mail(let text), .uri(let text): text
        case .other: nil
        }
    }

    private static func parts(_ name: OpaquePointer?) -> [Certificate.NamePart] {
        var element: CInt?
        return unsafe (0..<max(X509_NAME_entry_count(name), 0)).compactMap { index in
            guard let entry = unsafe X509_NAME_get_entry(name, index),
                let value = unsafe X509_NAME_ENTRY_get_data(entry)
            else { return nil }
            let own = unsafe X509_NAME_ENTRY_set(entry)
            defer { element = own }
            return unsafe Certificate.NamePart(
                type: dotted(X509_NAME_ENTRY_get_object(entry)), text: unicode(value),
                encoded: encoding(value),
                isJoined: element == own)
        }
    }

    private static func unicode(_ value: UnsafePointer<ASN1_STRING>) -> ByteString? {
        var octets: UnsafeMutablePointer<UInt8>?
        let count = unsafe ASN1_STRING_to_UTF8(&octets, value)
        guard count >= 0 else {
            ERR_clear_error()
            return nil
        }
        return unsafe taken(octets, count)
    }

    /// The value with its tag and length.
    private static func encoding(_ value: UnsafePointer<ASN1_STRING>) -> ByteString {
        var octets: UnsafeMutablePointer<UInt8>?
        let count = unsafe i2d_ASN1_PRINTABLE(value, &octets)
        return unsafe taken(octets, count)
    }

    private static func time(_ value: UnsafePointer<ASN1_TIME>?) throws(OpenSSLError) -> Int64 {
        var parts = unsafe tm()
        guard let value = unsafe value, unsafe ASN1_TIME_to_tm(value, &parts) == 1 else {
            throw .drain(after: "time of a certificate")
        }
        return unsafe Int64(timegm(&parts))
    }

    private static func octets(_ string: UnsafePointer<ASN1_STRING>) -> ByteString {
        let count = unsafe Int(ASN1_STRING_length(string))
        guard count > 0, let start = unsafe ASN1_STRING_get0_data(string) else { return "" }
        return unsafe ByteString(UnsafeBufferPointer(start: start, count: count))
    }

    /// Octets that libcrypto has made; they are freed.
    private static func taken(_ octets: UnsafeMutablePointer<UInt8>?, _ count: CInt) -> ByteString {
        guard let octets = unsafe octets else { return "" }
        defer { unsafe CRYPTO_free(octets, nil, 0) }
        return unsafe ByteString(UnsafeBufferPointer(start: octets, count: max(Int(count), 0)))
    }

    private static func name(_ number: CInt) -> ByteString {
        guard number != 0, let name = unsafe OBJ_nid2sn(number) else { return "" }
        return unsafe ByteString(String(cString: name))
    }

    private static func dotted(_ object: OpaquePointer?) -> ByteString {
        var text = [CChar](repeating: 0, count: 128)
        let count = unsafe text.withUnsafeMutableBufferPointer {
            unsafe OBJ_obj2txt($0.baseAddress, CInt($0.count), object, 1)
        }
        return ByteString(text.prefix(max(0, min(Int(count), text.count - 1))).map { UInt8(bitPattern: $0) })
    }
}
