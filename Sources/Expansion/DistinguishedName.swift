package import Bytes
package import OpenSSL

/// A distinguished name as text (RFC 4514), in the order of the certificate and with the labels of GnuTLS, as Exim has it.
struct DistinguishedName {
    /// The elements; attributes of one element have a plus sign between them.
    let elements: [ByteString]

    init(_ parts: [Certificate.NamePart]) {
        elements = parts.reduce(into: []) { elements, part in
            let text = Self.text(part)
            if part.isJoined, let last = elements.last {
                elements[elements.count - 1] = "\(last)+\(text)"
            } else {
                elements.append(text)
            }
        }
    }

    /// The whole name.
    var text: ByteString { elements.joined(separator: ",") }

    private static func text(_ part: Certificate.NamePart) -> ByteString {
        guard let label = labels[part.type], let value = part.text else {
            return "\(part.type)=#\(Hex.encode(part.encoded))"
        }
        return "\(label)=\(escaped(value))"
    }

    /// RFC 4514 section 2.4.
    private static func escaped(_ value: ByteString) -> ByteString {
        var result = ByteString()
        for (place, octet) in value.enumerated() {
            let isOutermost = octet == .blank && (place == 0 || place == value.count - 1)
            let isLeading = octet == UInt8(ascii: "#") && place == 0
            if octet.isASCIIControl {
                result += octet.hexPair
                continue
            }
            if isOutermost || isLeading || ",+\"\\<>;".utf8.contains(octet) {
                result.append(UInt8(ascii: "\\"))
            }
            result.append(octet)
        }
        return result
    }

    private static let labels: [ByteString: ByteString] = [
        "2.5.4.3": "CN", "2.5.4.4": "surName", "2.5.4.5": "serialNumber", "2.5.4.6": "C", "2.5.4.7": "L",
        "2.5.4.8": "ST", "2.5.4.9": "street", "2.5.4.10": "O", "2.5.4.11": "OU", "2.5.4.12": "title",
        "2.5.4.13": "description", "2.5.4.15": "businessCategory", "2.5.4.17": "postalCode",
        "2.5.4.20": "telephoneNumber", "2.5.4.41": "name",
        "2.5.4.42": "givenName", "2.5.4.43": "initials", "2.5.4.44": "generationQualifier",
        "2.5.4.46": "dnQualifier", "2.5.4.65": "pseudonym",
        "0.9.2342.19200300.100.1.1": "UID", "0.9.2342.19200300.100.1.25": "DC",
        "1.2.840.113549.1.9.1": "EMAIL",
        "1.3.6.1.4.1.311.60.2.1.1": "jurisdictionOfIncorporationLocalityName",
        "1.3.6.1.4.1.311.60.2.1.2": "jurisdictionOfIncorporationStateOrProvinceName",
        "1.3.6.1.4.1.311.60.2.1.3": "jurisdictionOfIncorporationCountryName",
    ]
}

extension ByteString {
    /// A name out of a certificate without what would begin a line of its own wherever it is shown.
    var withoutControls: ByteString {
        guard contains(where: \.isASCIIControl) else { return self }
        return ByteString(flatMap { $0.isASCIIControl ? $0.hexPair : ByteString([$0]) })
    }
}

extension UInt8 {
    fileprivate var isASCIIControl: Bool { self < 0x20 || self == 0x7F }

    /// RFC 4514, section 2.4: what may be any octet.
    fileprivate var hexPair: ByteString { "\\\(Hex.encode([self]).uppercasedASCII())" }
}

extension Certificate {
    /// Who has it, in one line (RFC 4514).
    package var subjectText: ByteString { DistinguishedName(subject).text }
}
