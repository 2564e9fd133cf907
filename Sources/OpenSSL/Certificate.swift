package import Bytes

/// What stands in a certificate (X.509, RFC 5280), as far as mail asks.
package struct Certificate: Sendable, Hashable {
    /// One attribute of a distinguished name.
    package struct NamePart: Sendable, Hashable {
        /// The attribute's type: numbers with dots.
        package var type: ByteString
        /// The value as UTF-8; nil for one that is no string.
        package var text: ByteString?
        /// The value as it stands (DER).
        package var encoded: ByteString
        /// Whether it belongs to the same element as the one before.
        package var isJoined: Bool
    }

    /// Another name of who has the certificate.
    package enum AlternativeName: Sendable, Hashable {
        /// A host.
        case dns(ByteString)
        /// A mailbox.
        case mail(ByteString)
        /// An address of something.
        case uri(ByteString)
        /// A name of another kind.
        case other
    }

    /// An algorithm of signatures, in two parts.
    package struct SignatureAlgorithm: Sendable, Hashable {
        /// The kind of key, by OpenSSL's short name, such as `rsaEncryption` or `ED25519`; empty when unknown.
        package var key: ByteString
        /// The digest, such as `SHA256`; empty where there is none of its own.
        package var digest: ByteString
        /// Numbers with dots.
        package var type: ByteString
    }

    /// The octets (DER).
    package var encoded = ByteString()
    /// 1, 2 or 3.
    package var version = 1
    /// The number that its issuer has given, in small hexadecimal digits without needless zeros.
    package var serialNumber = ByteString()
    /// Who has it, in the order in which it stands there.
    package var subject: [NamePart] = []
    /// Who gave it.
    package var issuer: [NamePart] = []
    /// From when it is valid, in seconds since 1970.
    package var notBefore: Int64 = 0
    /// Until when.
    package var notAfter: Int64 = 0
    /// How it is signed.
    package var signatureAlgorithm = SignatureAlgorithm(key: "", digest: "", type: "")
    /// The signature's octets.
    package var signature = ByteString()
    /// Other names of who has it.
    package var alternativeNames: [AlternativeName] = []
    /// Where one may ask whether it is still good.
    package var ocspAddresses: [ByteString] = []
    /// Where lists are of those that are not.
    package var revocationLists: [ByteString] = []

    /// The most octets of a certificate in PEM; more is refused unread.
    package static let longest = 1 << 20

    init() {}
}
