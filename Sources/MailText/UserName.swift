package import Bytes

/// A user's full name as a display name (manual, section 48.18).
package enum UserName {
    /// The gecos field as a name: `&` stands for the login with its first letter capital.
    package static func named(_ gecos: ByteString, login: ByteString) -> ByteString {
        var capital = login
        if let first = capital.first { capital[0] = first.uppercasedASCII }
        return gecos.replacing(ByteString("&"), with: capital)
    }

    /// The name fit for a header line: quoted where RFC 5322 asks for it, encoded (RFC 2047, UTF-8, Q) when
    /// it is no ASCII, unless octets above 127 count as printing (`print_topbitchars`).
    package static func phrase(_ name: ByteString, topBitPrints: Bool = false) -> ByteString {
        let name = ByteString(name.trimmed())
        let printing = name.escapingUnprintable(topBitPrints: topBitPrints, tabPrints: true)
        if printing != name { return encodedWord(name) }
        let isQuoted = name.count > 1 && name.first == UInt8(ascii: "\"") && name.last == UInt8(ascii: "\"")
        if isQuoted || isPlain(name) { return name }
        var result: ByteString = "\""
        for octet in name {
            if octet == UInt8(ascii: "\"") { result.append(UInt8(ascii: "\\")) }
            result.append(octet)
        }
        if name.last == UInt8(ascii: "\\") { result.append(UInt8(ascii: "\\")) }
        result.append(UInt8(ascii: "\""))
        return result
    }

    // Atoms and blanks, with balanced comments.
    private static func isPlain(_ name: ByteString) -> Bool {
        var depth = 0
        for octet in name {
            switch octet {
            case UInt8(ascii: "("): depth += 1
            case UInt8(ascii: ")"): depth -= 1
            default:
                let isText = octet.isAtomText || octet == .blank || octet == 0x09
                let isCommentText = depth > 0 && octet != UInt8(ascii: "\\")
                guard isText || isCommentText else { return false }
            }
            guard depth >= 0 else { return false }
        }
        return depth == 0
    }

    /// The text as one encoded word `=?UTF-8?Q?...?=`; Exim makes no second one for long texts either.
    package static func encodedWord(_ text: ByteString) -> ByteString {
        var result: ByteString = "=?UTF-8?Q?"
        for octet in text {
            if octet == .blank {
                result.append(UInt8(ascii: "_"))
            } else if octet.isASCIIAlphanumeric {
                result.append(octet)
            } else {
                result.append(UInt8(ascii: "="))
                result += Hex.encode(CollectionOfOne(octet)).uppercasedASCII()
            }
        }
        return result + ByteString("?=")
    }
}
