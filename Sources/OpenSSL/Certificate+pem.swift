package import Bytes

extension Certificate {
    /// How many letters a line of PEM has (RFC 7468, section 2).
    private static let lineLength = 64

    /// The certificate in PEM, as spool files have it.
    package var pem: ByteString {
        var text: ByteString = "-----BEGIN CERTIFICATE-----\n"
        var rest = Base64.encode(encoded)[...]
        while !rest.isEmpty {
            text += ByteString(rest.prefix(Self.lineLength))
            text.append(.newline)
            rest = rest.dropFirst(Self.lineLength)
        }
        return text + ByteString("-----END CERTIFICATE-----\n")
    }
}
