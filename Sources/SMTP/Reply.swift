package import Bytes

/// An SMTP reply: a code and one line of text or more (RFC 5321, section 4.2).
package struct Reply: Sendable, Hashable {
    /// Three digits, 200 to 599.
    package var code: Int
    /// The texts of the lines, without code and line end; at least one, perhaps empty.
    package var lines: [ByteString]
    /// `print_topbitchars`, for `loggedText`.
    package var topBitPrints = false

    /// Makes a reply of lines; none is taken as one empty line.
    package init(_ code: Int, lines: [ByteString]) {
        self.code = code
        self.lines = lines.isEmpty ? [""] : lines
    }

    /// Makes a reply of a text, which is parted at newlines; white space behind one goes, with empty lines.
    package init(_ code: Int, _ text: ByteString) {
        self.code = code
        lines = []
        var rest = text[...]
        while let parts = rest.cut(at: .newline), !parts.after.trimmedStart().isEmpty {
            lines.append(ByteString(parts.before))
            rest = parts.after.trimmedStart()
        }
        lines.append(ByteString(rest.prefix { $0 != .newline }))
    }

    /// Whether the code is 2xx.
    package var isPositive: Bool { code / 100 == 2 }
    /// Whether the code is 3xx.
    package var isIntermediate: Bool { code / 100 == 3 }
    /// Whether the code is 4xx.
    package var isTemporary: Bool { code / 100 == 4 }
    /// Whether the code is 5xx.
    package var isPermanent: Bool { code / 100 == 5 }

    /// The octets on the wire: CRLF line ends, `-` after the code of every line but the last.
    package var wire: ByteString {
        var result = ByteString()
        for (index, line) in lines.enumerated() {
            result += "\(code)\(index == lines.count - 1 ? " " : "-")\(line)\r\n" as ByteString
        }
        return result
    }

    /// The whole as one text with codes, lines joined by a newline, as error texts and `C=` have it.
    package var text: ByteString {
        joined(by: "\n")
    }

    /// The whole as one text with codes, and with escapes for what does not print, line ends among it.
    package var loggedText: ByteString { text.escapingUnprintable(topBitPrints: topBitPrints) }

    private func joined(by separator: ByteString) -> ByteString {
        lines.enumerated().map { index, line -> ByteString in
            "\(code)\(index == lines.count - 1 ? " " : "-")\(line)"
        }.joined(separator: separator)
    }
}
