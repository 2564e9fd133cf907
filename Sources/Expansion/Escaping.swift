import Bytes
import MailText

/// The quoting and escaping operators.
enum Escaping {
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
        return text.isEmpty || !isPlain ? text.inQuotesOnOneLine() : text
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
