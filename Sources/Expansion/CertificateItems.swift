import Bytes
import MailText
import OpenSSL

/// The variables that hold certificates: only some items and operators look into them (manual, `certextract`).
enum CertificateVariables {
    /// What stands for a certificate in a string.
    static let mark: ByteString = "<cert>"

    static func certificate(_ name: ByteString, _ facts: Facts) -> Certificate? {
        switch name {
        case "tls_in_ourcert": facts.connection.tlsIn.ourCertificate
        case "tls_in_peercert": facts.connection.tlsIn.peerCertificate
        case "tls_out_ourcert": facts.connection.tlsOut.ourCertificate
        case "tls_out_peercert": facts.connection.tlsOut.peerCertificate
        default: nil
        }
    }

    static let names: Set<ByteString> = [
        "tls_in_peercert", "tls_in_ourcert", "tls_out_peercert", "tls_out_ourcert",
    ]

    /// The certificate that a text is, when it is nothing but its variable.
    static func certificate(_ nodes: [Node], _ facts: Facts) -> Certificate? {
        guard nodes.count == 1, case .variable(let name, isBraced: false) = nodes[0] else { return nil }
        return certificate(name, facts)
    }
}

extension Evaluation {
    /// `certextract`: a field of a certificate.
    mutating func certificateField(_ call: ItemCall) async throws(ExpansionError) -> TaintedBytes {
        let nodes = call.groups[1].nodes
        guard nodes.count == 1, case .variable(let name, let isBraced) = nodes[0] else {
            throw .failed("second argument of \"certextract\" must be a certificate variable")
        }
        guard !isBraced else { throw .failed("no variable named \"{\(name)\"") }
        guard CertificateVariables.names.contains(name) else {
            throw .failed("\"\(name)\" is not a certificate")
        }
        let field = ByteString(try await text(call.groups[0].nodes).bytes.trimmed())
        var found: ByteString?
        if let certificate = CertificateVariables.certificate(name, facts) {
            found = try CertificateRequest(field).value(of: certificate, zone: environment.zone)
        }
        return try await branch(
            found.map { TaintedBytes($0, .tainted) }, try branches(of: call, from: 2), of: "certextract")
    }

    /// `base64`, `md5`, `sha1` and `sha256` of a certificate; nil where the text is none.
    ///
    /// The octets of the certificate count, and all digits of digests are capital.
    func operate(_ call: OperatorCall, onCertificate body: [Node]) throws(ExpansionError) -> TaintedBytes? {
        guard let certificate = CertificateVariables.certificate(body, facts) else { return nil }
        let algorithm: Digest.Algorithm
        switch call.name {
        case .base64: return TaintedBytes(Base64.encode(certificate.encoded), .tainted)
        case .md5: algorithm = .md5
        case .sha1: algorithm = .sha1
        case .sha256: algorithm = .sha256
        default: return nil
        }
        return TaintedBytes(
            Hex.encode(try Hashing.digest(certificate.encoded, algorithm)).uppercasedASCII(), .tainted)
    }
}

/// What `certextract` asks for: a field and its modifiers.
struct CertificateRequest {
    enum Field: String, CaseIterable {
        case version, subject, issuer, signature
        case serialNumber = "serial_number"
        case notBefore = "notbefore"
        case notAfter = "notafter"
        case signatureAlgorithm = "sig_algorithm"
        case alternativeNames = "subj_altname"
        case ocsp = "ocsp_uri"
        case revocationLists = "crl_uri"
    }

    private let field: Field
    /// What stands behind the first comma; nil where there is none.
    private let modifiers: ByteString?
    /// What stands between the elements of a list.
    private var separator: UInt8 = .newline
    /// The last modifier that is no separator.
    private var selector: ByteString?

    /// Reads a field selector, of which only the beginning needs to be a field's name, as in Exim.
    init(_ text: ByteString) throws(ExpansionError) {
        guard let field = Field.allCases.first(where: { text.starts(with: $0.rawValue.utf8) }) else {
            throw .failed("bad field selector \"\(text)\" for certextract")
        }
        self.field = field
        let rest = text.dropFirst(field.rawValue.utf8.count)
        modifiers = rest.first == UInt8(ascii: ",") ? ByteString(rest.dropFirst()) : nil
        for word in (modifiers ?? "").split(separator: UInt8(ascii: ",")).map({ ByteString($0.trimmed()) }) {
            if word.first == UInt8(ascii: ">") {
                separator = word.dropFirst().first ?? .newline
            } else {
                selector = word
            }
        }
    }

    /// The field's text; nil when the certificate has none.
    func value(of certificate: Certificate, zone: LocalZone) -> ByteString? {
        switch field {
        case .version: "\(certificate.version)"
        case .serialNumber: certificate.serialNumber
        case .subject: name(DistinguishedName(certificate.subject))
        case .issuer: name(DistinguishedName(certificate.issuer))
        case .notBefore: time(certificate.notBefore, zone)
        case .notAfter: time(certificate.notAfter, zone)
        case .signatureAlgorithm: certificate.signatureAlgorithm.name
        case .signature: certificate.signature.map { Hex.encode([$0]) }.joined(separator: " ")
        case .alternativeNames: list(certificate.alternativeNames.compactMap(alternativeName))
        case .ocsp: list(certificate.ocspAddresses)
        case .revocationLists: list(certificate.revocationLists)
        }
    }

    private func list(_ items: [ByteString]) -> ByteString? {
        guard !items.isEmpty else { return nil }
        let mark = ByteString([separator])
        return items.map { $0.withoutControls.replacing(mark, with: mark + mark) }.joined(separator: mark)
    }

    private func name(_ name: DistinguishedName) -> ByteString? {
        guard modifiers != nil else { return name.text }
        let elements = name.elements.map { $0.replacing(ByteString("\\,"), with: ByteString(",")) }
        guard let selector else { return list(elements) }
        let label: ByteString = "\(selector)="
        return list(elements.filter { $0.starts(with: label) }.map { ByteString($0.dropFirst(label.count)) })
    }

    private func alternativeName(_ name: Certificate.AlternativeName) -> ByteString? {
        let (label, text): (ByteString, ByteString)
        switch name {
        case .dns(let host): (label, text) = ("dns", host)
        case .mail(let address): (label, text) = ("mail", address)
        case .uri(let address): (label, text) = ("uri", address)
        case .other: return nil
        }
        guard let selector, ["dns", "mail", "uri"].contains(selector) else {
            return "\(label.uppercasedASCII())=\(text)"
        }
        return selector == label ? text : nil
    }

    private func time(_ seconds: Int64, _ zone: LocalZone) -> ByteString {
        guard modifiers != "int" else { return "\(seconds)" }
        let time = CivilTime(seconds: Int(seconds), offset: zone.offset(seconds))
        let day = time.day < 10 ? " \(time.day)" : "\(time.day)" as ByteString
        return "\(time.monthName) \(day) \(time.clock) \(time.year) \(zone.name(seconds))"
    }
}

extension Certificate.SignatureAlgorithm {
    /// The name as GnuTLS has it, such as `RSA-SHA256`; numbers with dots for one that is not known.
    var name: ByteString {
        switch key {
        case "rsaEncryption": "RSA-\(digest)"
        case "RSASSA-PSS": "RSA-PSS-\(digest)"
        case "id-ecPublicKey": "ECDSA-\(digest)"
        case "DSA", "dsaEncryption": "DSA-\(digest)"
        case "ED25519": "EdDSA-Ed25519"
        case "ED448": "EdDSA-Ed448"
        default: type
        }
    }
}
