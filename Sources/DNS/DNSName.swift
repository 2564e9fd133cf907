package import Bytes

/// Rules for domain names, which are byte strings without a final dot; the root is `.`.
package enum DNSName {
    /// The most octets of a label (RFC 1035 section 2.3.4).
    package static let longestLabel = 63
    /// The most octets of a name on the wire (RFC 1035 section 2.3.4).
    package static let longestOnWire = 255

    /// Whether the name is one that Exim would look up: what its default `dns_check_names_pattern` matches.
    ///
    /// Labels of letters, digits, `_`, `-` and `/`, each beginning and ending with a letter, digit or `_`.
    package static func isUsual(_ name: ByteString) -> Bool {
        let bare = name.last == UInt8(ascii: ".") ? name.dropLast() : name[0..<name.count]
        let labels = bare.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return labels.allSatisfy { label in
            guard let first = label.first, let last = label.last else { return false }
            return isWordOctet(first) && isWordOctet(last) && label.allSatisfy(isInnerOctet)
        }
    }

    private static func isWordOctet(_ octet: UInt8) -> Bool {
        octet.isASCIIAlphanumeric || octet == UInt8(ascii: "_")
    }

    private static func isInnerOctet(_ octet: UInt8) -> Bool {
        isWordOctet(octet) || octet == UInt8(ascii: "-") || octet == UInt8(ascii: "/")
    }

    /// The presentation form that libunbound reads: unusual octets as `\DDD`.
    ///
    /// Nil when a label or the whole is empty or too long for the DNS.
    static func presentation(of name: ByteString) -> ByteString? {
        if name == "." { return name }
        let bare = name.last == UInt8(ascii: ".") ? name.dropLast() : name[0..<name.count]
        let labels = bare.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard labels.allSatisfy({ (1...longestLabel).contains($0.count) }), bare.count + 2 <= longestOnWire
        else { return nil }
        return labels.map { escaped($0) }.joined(separator: ".") + ByteString(".")
    }

    /// Reads an uncompressed name from rdata, moving `offset` past it; nil for anything malformed.
    static func read(_ rdata: ByteString, at offset: inout Int) -> ByteString? {
        var labels: [ByteString] = []
        let start = offset
        while offset < rdata.count {
            let length = Int(rdata[offset])
            offset += 1
            if length == 0 { return labels.isEmpty ? "." : labels.joined(separator: ".") }
            guard length <= longestLabel, length <= rdata.count - offset,
                offset + length - start < longestOnWire
            else { return nil }
            labels.append(escaped(rdata[offset..<(offset + length)]))
            offset += length
        }
        return nil
    }

    /// A label with dots and backslashes escaped, and unprintable octets as `\DDD` (RFC 1035 section 5.1).
    private static func escaped(_ label: ArraySlice<UInt8>) -> ByteString {
        guard !label.allSatisfy(isInnerOctet) else { return ByteString(label) }
        var result = ByteString()
        for octet in label {
            switch octet {
            case UInt8(ascii: "."), UInt8(ascii: "\\"), UInt8(ascii: "\""), UInt8(ascii: ";"),
                UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "@"), UInt8(ascii: "$"):
                result += ByteString([UInt8(ascii: "\\"), octet])
            case 0x21...0x7E: result.append(octet)
            default: result += ByteString("\\\(octet, zeroPadded: 3)")
            }
        }
        return result
    }
}
