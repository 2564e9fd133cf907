package import Bytes
import CIDN2
import Glibc

/// Domains and local parts beyond ASCII, in the form that old hosts take (RFC 5890, A-labels), and back.
package enum InternationalName {
    /// Why a name has no other form, in the words of the library that Exim uses.
    package struct Trouble: Error, Sendable, Hashable {
        /// The reason.
        package let text: ByteString
    }

    private static let prefix = ByteString("xn--")

    /// A domain with each label beyond ASCII as an A-label (IDNA2008, RFC 5891); an ASCII one is as it was.
    package static func asciiDomain(_ domain: ByteString) throws(Trouble) -> ByteString {
        guard domain.contains(where: { $0 > 127 }) else { return domain }
        var result: UnsafeMutablePointer<UInt8>?
        let code = unsafe (domain.bytes + [0]).withUnsafeBufferPointer {
            unsafe idn2_lookup_u8($0.baseAddress, &result, CInt(IDN2_NFC_INPUT.rawValue))
        }
        guard code == IDN2_OK.rawValue, let found = unsafe result else {
            throw Trouble(text: unsafe ByteString(String(cString: idn2_strerror(code))))
        }
        defer { unsafe idn2_free(found) }
        return unsafe ByteString(
            UnsafeBufferPointer(start: found, count: strlen(UnsafePointer<CChar>(OpaquePointer(found)))))
    }

    /// A domain with its A-labels decoded; other labels are as they were.
    package static func unicodeDomain(_ domain: ByteString) throws(Trouble) -> ByteString {
        var labels: [ByteString] = []
        for label in domain.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false) {
            labels.append(
                label.starts(with: prefix)
                    ? try Self.decoded(label.dropFirst(prefix.count)) : ByteString(label))
        }
        return labels.joined(separator: ".")
    }

    /// A local part as one A-label; an ASCII one is as it was.
    package static func asciiLocalPart(_ localPart: ByteString) throws(Trouble) -> ByteString {
        guard localPart.contains(where: { $0 > 127 }) else { return localPart }
        guard let text = String(validating: localPart.bytes, as: UTF8.self) else {
            throw Trouble(text: "l_u2a: bad UTF-8 input")
        }
        return prefix + Punycode.encode(text.unicodeScalars)
    }

    /// A local part that is an A-label, decoded.
    package static func unicodeLocalPart(_ localPart: ByteString) throws(Trouble) -> ByteString {
        guard localPart.starts(with: prefix) else { throw Trouble(text: "bad alabel prefix") }
        return try decoded(localPart.dropFirst(prefix.count))
    }

    private static func decoded(_ label: ArraySlice<UInt8>) throws(Trouble) -> ByteString {
        guard let text = Punycode.decode(label) else { throw Trouble(text: "Invalid input") }
        return ByteString(text)
    }
}
