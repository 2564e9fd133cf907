package import Bytes

/// An address as Exim keeps it: `local@domain`, `local` alone when unqualified, or empty for the null sender.
///
/// The text has no route, no comment and no angle brackets; a quoted local part keeps its quotes (RFC 5321,
/// section 4.1.2).
package struct EmailAddress: Sendable, Hashable {
    /// The whole address.
    package let text: ByteString
    /// Where the `@` stands that parts local part and domain, or nil for an unqualified address.
    package let at: Int?

    /// Takes text that is an address already, such as one from the spool; the last `@` outside quotes parts
    /// it.
    package init(_ text: ByteString) {
        self.text = text
        at = Self.lastAt(in: text)
    }

    /// The sender `<>`.
    package static var null: EmailAddress { EmailAddress("") }

    /// Whether this is the null sender.
    package var isNull: Bool { text.isEmpty }

    /// The octets before the `@`, still quoted when they were.
    package var localPart: ByteString { ByteString(text[0..<(at ?? text.count)]) }

    /// The octets after the `@`; empty for an unqualified address.
    package var domain: ByteString {
        guard let at else { return ByteString() }
        return ByteString(text[(at + 1)...])
    }

    /// Whether a domain is there.
    package var isQualified: Bool { at != nil }

    /// The address with `@domain` added when it has none; the null sender stays as it is.
    package func qualified(with domain: ByteString) -> EmailAddress {
        isQualified || isNull ? self : EmailAddress("\(text)@\(domain)")
    }

    /// The address with its domain in small letters, as Exim's unique keys have it.
    package var withLowercasedDomain: EmailAddress {
        guard isQualified else { return self }
        return EmailAddress("\(localPart)@\(domain.lowercasedASCII())")
    }

    private static func lastAt(in text: ByteString) -> Int? {
        var quoted = false
        var found: Int?
        var index = 0
        while index < text.count {
            switch text[index] {
            case UInt8(ascii: "\\") where quoted: index += 1
            case UInt8(ascii: "\""): quoted.toggle()
            case UInt8(ascii: "@") where !quoted: found = index
            default: break
            }
            index += 1
        }
        return found ?? text.lastIndex(of: UInt8(ascii: "@"))
    }
}

extension EmailAddress: CustomStringConvertible {
    /// The address as text for people.
    package var description: String { text.string }
}

extension ByteString {
    /// A local part as what it means: without quotes, and without the backslashes that quote (RFC 5322, section 3.2.4).
    ///
    /// A list of local parts is asked for this form, so that writing quotes does not get past it.
    package var unquotedLocalPart: ByteString {
        guard contains(where: { $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") }) else { return self }
        var result = ByteString()
        var isEscaped = false
        for octet in self {
            switch octet {
            case UInt8(ascii: "\\") where !isEscaped: isEscaped = true
            case UInt8(ascii: "\"") where !isEscaped: break
            default:
                result.append(octet)
                isEscaped = false
            }
        }
        return result
    }

    /// A local part as it is written: in double quotes only where RFC 5322 wants it, but for dots side by side, as with
    /// Exim's `${quote_local_part:}`.
    package var quotedLocalPart: ByteString {
        let needsQuotes =
            isEmpty || first == UInt8(ascii: ".") || last == UInt8(ascii: ".")
            || contains { !$0.isAtomText && $0 != UInt8(ascii: ".") }
        return needsQuotes ? inQuotesOnOneLine() : self
    }

    /// The octets in double quotes, `"` and `\` with a backslash before them, line ends as `\n` and `\r`.
    package func inQuotesOnOneLine() -> ByteString {
        var result: ByteString = "\""
        for octet in self {
            switch octet {
            case 0x0A: result += ByteString("\\n")
            case 0x0D: result += ByteString("\\r")
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): result += [UInt8(ascii: "\\"), octet]
            default: result.append(octet)
            }
        }
        return result + [UInt8(ascii: "\"")]
    }
}
