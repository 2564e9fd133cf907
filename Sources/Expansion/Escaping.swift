package import Bytes

/// The quoting and escaping operators.
package enum Escaping {
    /// `escape8bit`: octets above 126, and backslashes.
    static func highOctets(_ text: ByteString) -> ByteString {
        var result = ByteString()
        for octet in text {
            let isEscaped = octet > 126 || octet == UInt8(ascii: "\\")
            if isEscaped { result += octet.octalEscape } else { result.append(octet) }
        }
        return result
    }

    /// `hexquote`: what is not printing ASCII becomes `\xHH`.
    static func hexadecimal(_ text: ByteString) -> ByteString {
        var result = ByteString()
        for octet in text {
            if octet < 33 || octet > 126 {
                result += ByteString("\\x") + Hex.encode([octet])
            } else {
                result.append(octet)
            }
        }
        return result
    }

    /// `quote`: in double quotes when it is empty or has anything but letters, digits and `_ - .`.
    static func quoted(_ text: ByteString) -> ByteString {
        let isPlain = text.allSatisfy { $0.isASCIIAlphanumeric || "_-.".utf8.contains($0) }
        return text.isEmpty || !isPlain ? inQuotes(text) : text
    }

    /// The text in double quotes, line ends as `\n` and `\r`.
    private static func inQuotes(_ text: ByteString) -> ByteString {
        var result: ByteString = "\""
        for octet in text {
            switch octet {
            case 0x0A: result += ByteString("\\n")
            case 0x0D: result += ByteString("\\r")
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): result += [UInt8(ascii: "\\"), octet]
            default: result.append(octet)
            }
        }
        return result + [UInt8(ascii: "\"")]
    }

    /// `quote_local_part`: in double quotes only when RFC 2822 wants it.
    package static func quotedLocalPart(_ text: ByteString) -> ByteString {
        let needsQuotes =
            text.isEmpty || text.first == UInt8(ascii: ".") || text.last == UInt8(ascii: ".")
            || text.contains { !$0.isASCIIAlphanumeric && !"!#$%&'*+-/=?^_`{|}~.".utf8.contains($0) }
        return needsQuotes ? inQuotes(text) : text
    }

    /// `rxquote`: a backslash before all that is not a letter or digit.
    static func regularExpression(_ text: ByteString) -> ByteString {
        var result = ByteString()
        for octet in text {
            if !octet.isASCIIAlphanumeric { result.append(UInt8(ascii: "\\")) }
            result.append(octet)
        }
        return result
    }
}
